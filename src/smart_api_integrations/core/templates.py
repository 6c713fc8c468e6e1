"""The expression language of ``webhook.yaml``: ``v0:{timestamp}:{body}``. Floor 1.

Rules:

1. A template is compiled once, when the configuration is read, and rendered in a single pass to
   *bytes*: what a reference brings in is never looked at again, so a body that holds ``{timestamp}``
   stays itself.
2. ``{a|b}`` is the first that is present; ``{json:x?}`` is empty where it is absent. Any other
   reference that is absent makes the whole template absent (None), but inside a group,
   ``[.{json:action}]``, only the group. Brackets without a reference are text.
3. Booleans print ``true`` and ``false``, numbers as the sender wrote them. ``null``, objects and
   arrays are absent: they have no one text.
4. A header, query or form field that is there twice raises ``MalformedRequest`` when it is read.

The references are the keys of ``_PLAIN`` (``{body}``) and ``_NAMED`` (``{header:X-Signature}``).
"""

from __future__ import annotations

import binascii
import hashlib
import re
import zlib
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.errors import ConfigurationError

Reader = Callable[[RequestView], "bytes | None"]

_TOKEN = re.compile(r"\{(?P<reference>[^{}]*)\}|(?P<bracket>[\[\]])|(?P<text>[^\[\]{}]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One place in a request that a template reads: ``header`` and ``X-Signature``."""

    kind: str
    argument: str = ""
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A compiled template.

    Attributes:
        source: The text that it was compiled from.
        references: What it reads, in the order written.
        render: Renders it to bytes, or None where something that it needs is absent; raises
            ``MalformedRequest`` where something is there twice or cannot be parsed.
    """

    source: str
    references: tuple[Reference, ...]
    render: Reader = field(repr=False, compare=False)

    def text(self, view: RequestView) -> str | None:
        """Render to text; bytes that are not UTF-8 become replacement characters."""
        rendered = self.render(view)
        return None if rendered is None else rendered.decode("utf-8", "replace")

    def reads(self, kind: str) -> bool:
        """Tell whether a reference of *kind* is in it."""
        return any(reference.kind == kind for reference in self.references)

    def __str__(self) -> str:
        """Return the template as it was written."""
        return self.source


def compile_template(source: str) -> Template:
    """Compile *source*.

    >>> compile_template("{header:X-GitHub-Event}[.{json:action}]").references[1].argument
    'action'

    Raises:
        ConfigurationError: A brace or bracket is left open, or a reference is unknown.
    """
    references: list[Reference] = []
    readers: list[Reader] = []
    group: _Group | None = None
    for kind, text in _tokens(source):
        into = readers if group is None else group.readers
        if kind == "reference":
            alternatives = [_parse_reference(word, source) for word in text.split("|")]
            references += alternatives
            into.append(_first_present([_reader(alternative) for alternative in alternatives]))
            if group is not None:
                group.has_reference = True
        elif kind == "text":
            into.append(_constant(text))
        elif (text == "[") is (group is not None):
            raise _fault(source, f"has a {text!r} without its partner, or one group inside another")
        elif group is None:
            group = _Group(readers=[])
        else:
            readers.append(group.compile())
            group = None
    if group is not None:
        raise _fault(source, "has a '[' without its partner")
    return Template(source=source, references=tuple(references), render=_sequence(readers))


@dataclass(slots=True, kw_only=True)
class _Group:
    readers: list[Reader]
    has_reference: bool = False

    def compile(self) -> Reader:
        if self.has_reference:
            return _or_empty(_sequence(self.readers))
        return _sequence([_constant("["), *self.readers, _constant("]")])


def _tokens(source: str) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(source):
        match = _TOKEN.match(source, position)
        if match is None or match.lastgroup is None:
            raise _fault(source, f"has a brace without its partner at character {position + 1}")
        yield match.lastgroup, match[match.lastgroup]
        position = match.end()


def _parse_reference(word: str, source: str) -> Reference:
    optional = word.endswith("?")
    kind, colon, argument = word.strip().removesuffix("?").partition(":")
    table: Mapping[str, Any] = _NAMED if colon else _PLAIN
    if kind not in table:
        near = get_close_matches(kind, [*_PLAIN, *_NAMED], n=1)
        known = f"did you mean {near[0]!r}?" if near else f"known are {', '.join([*_PLAIN, *_NAMED])}"
        raise _fault(source, f"reads {{{word}}}, which is unknown: {known}")
    if kind in _FUNCTIONS:
        _parse_reference(argument, source)
    elif colon and not argument and kind != "json":
        raise _fault(source, f"reads {{{word}}} without saying which {kind}")
    return Reference(kind=kind, argument=argument, optional=optional)


def _reader(reference: Reference) -> Reader:
    if reference.kind in _PLAIN:
        reader = _PLAIN[reference.kind]
    else:
        reader = _NAMED[reference.kind](reference.argument)
    return _or_empty(reader) if reference.optional else reader


def _fault(source: str, problem: str) -> ConfigurationError:
    return ConfigurationError(f"The template {source!r} {problem}.")


# How readers are put together. One reader alone is used as it is: most templates are one header.


def _sequence(readers: Sequence[Reader]) -> Reader:
    if len(readers) == 1:
        return readers[0]

    def render(view: RequestView) -> bytes | None:
        pieces = []
        for reader in readers:
            piece = reader(view)
            if piece is None:
                return None
            pieces.append(piece)
        return b"".join(pieces)

    return render


def _first_present(readers: Sequence[Reader]) -> Reader:
    if len(readers) == 1:
        return readers[0]

    def render(view: RequestView) -> bytes | None:
        for reader in readers:
            piece = reader(view)
            if piece is not None:
                return piece
        return None

    return render


def _or_empty(reader: Reader) -> Reader:
    def render(view: RequestView) -> bytes | None:
        piece = reader(view)
        return b"" if piece is None else piece

    return render


def _constant(text: str) -> Reader:
    encoded = text.encode()
    return lambda _view: encoded


# What a reference reads.


def _header(name: str) -> Reader:
    def read(view: RequestView) -> bytes | None:
        value = view.header(name)
        return None if value is None else _header_bytes(value)

    return read


def _header_bytes(value: str) -> bytes:
    # Servers hand headers over as Latin-1: encoding so gives back the bytes of the wire (PEP 3333).
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")


def _text_bytes(value: str | None) -> bytes | None:
    return None if value is None else value.encode("utf-8", "surrogatepass")


def _query(name: str) -> Reader:
    return lambda view: _text_bytes(view.query_value(name))


def _form(name: str) -> Reader:
    return lambda view: _text_bytes(view.form_value(name))


def _json(path: str) -> Reader:
    steps = tuple(path.split(".")) if path else ()
    several = "*" in steps

    def read(view: RequestView) -> bytes | None:
        found = _walk(view.json, steps) if several else (_follow(view.json, steps),)
        for value in found:
            if isinstance(value, str):
                return value.encode("utf-8", "surrogatepass")
            if isinstance(value, float) or (value == 0 and not isinstance(value, bool)):
                exact = _walk(view.json_numbers_as_text, steps)  # 1E2 and -0 were parsed to something else
                return _text_bytes(next((text for text in exact if isinstance(text, str)), None))
            if isinstance(value, (bool, int)):
                return str(value).lower().encode()
        return None

    return read


def _follow(value: Any, steps: tuple[str, ...]) -> Any:
    """Return what *steps*, none of them ``*``, lead to; None where they lead nowhere."""
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isascii() and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _walk(value: Any, steps: tuple[str, ...]) -> Iterator[Any]:
    """Yield everything that *steps* lead to, where ``*`` is any key or place."""
    if "*" not in steps:
        yield _follow(value, steps)
        return
    star = steps.index("*")
    around = _follow(value, steps[:star])
    inner = around.values() if isinstance(around, dict) else around if isinstance(around, list) else ()
    for item in inner:
        yield from _walk(item, steps[star + 1 :])


def _sorted_form(view: RequestView) -> bytes | None:
    # Twilio's canonical form: https://www.twilio.com/docs/usage/security#validating-requests
    if view.form is None:
        return None
    pairs = (name + value for name in sorted(view.form) for value in sorted(set(view.form[name])))
    return _text_bytes("".join(pairs))


def _hashed(algorithm: str) -> Callable[[str], Reader]:
    def make(argument: str) -> Reader:
        inner = _reader(_parse_reference(argument, argument))

        def read(view: RequestView) -> bytes | None:
            piece = inner(view)
            return None if piece is None else hashlib.new(algorithm, piece).hexdigest().encode()

        return read

    return make


def _base64_decoded(argument: str) -> Reader:
    inner = _reader(_parse_reference(argument, argument))

    def read(view: RequestView) -> bytes | None:
        piece = inner(view)
        try:
            return None if piece is None else b64decode(piece, validate=True)
        except binascii.Error:
            return None

    return read


_PLAIN: Mapping[str, Reader] = {
    "body": lambda view: view.body,
    "timestamp": lambda view: view.timestamp,
    "id": lambda view: view.id,
    "method": lambda view: _text_bytes(view.request.method),
    "path": lambda view: _text_bytes(view.request.path),
    "url": lambda view: _text_bytes(view.request.public_url),
    "body_sha256": lambda view: hashlib.sha256(view.body).hexdigest().encode(),
    "body_crc32": lambda view: str(zlib.crc32(view.body)).encode(),
    "sorted_form": _sorted_form,
}
_FUNCTIONS: Mapping[str, Callable[[str], Reader]] = {
    "sha1": _hashed("sha1"),
    "sha256": _hashed("sha256"),
    "sha512": _hashed("sha512"),
    "base64": _base64_decoded,
}
_NAMED: Mapping[str, Callable[[str], Reader]] = {
    "header": _header,
    "query": _query,
    "form": _form,
    "json": _json,
    **_FUNCTIONS,
}
