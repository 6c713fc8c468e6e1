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
4. ``{header:X-Signature-*}`` is the header with any number there, the lowest; ``{json:a.*.b}`` the first
   of several. ``values`` returns them all.
5. A header, query or form field that is there twice raises ``MalformedRequest`` when it is read.

The references are the keys of ``PLAIN`` (``{body}``), ``NAMED`` (``{header:X-Signature}``) and ``FUNCTIONS``
(``{sha256:body}``) in ``core.references``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from smart_api_integrations.core.references import FUNCTIONS, NAMED, PLAIN, SEVERAL, WHOLE, Reader, follow
from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.errors import ConfigurationError

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
        variables: The variables without which it renders to nothing.
        render: Renders it to bytes, or None where something that it needs is absent; raises
            ``MalformedRequest`` where something is there twice or cannot be parsed.
    """

    source: str
    references: tuple[Reference, ...]
    variables: tuple[str, ...] = ()
    render: Reader = field(repr=False, compare=False)

    def text(self, view: RequestView) -> str | None:
        """Render to text; bytes that are not UTF-8 become replacement characters."""
        rendered = self.render(view)
        return None if rendered is None else rendered.decode("utf-8", "replace")

    @property
    def is_numbered(self) -> bool:
        """Whether it is one header with any number in its name."""
        return self._several() == "header"

    def values(self, view: RequestView) -> Sequence[bytes | None]:
        """Render every value that is there: several where the template is one reference with a ``*``.

        Empty where there is none; None stands for what has no text, or lacks what the others have.

        Raises:
            MalformedRequest: Something is there twice or cannot be parsed.
        """
        kind = self._several()
        if kind is not None:
            return SEVERAL[kind](view, self.references[0].argument)
        rendered = self.render(view)
        return () if rendered is None else (rendered,)

    def _several(self) -> str | None:
        """Return the kind of the one reference that it is, where that has several values."""
        reference = self.references[0] if len(self.references) == 1 else None
        if reference is None or "*" not in reference.argument or reference.kind not in SEVERAL:
            return None
        return reference.kind if self.source == f"{{{reference.kind}:{reference.argument}}}" else None

    def part(self, view: RequestView) -> Any:
        """Return the object or array that it leads to, where it is one place in the JSON; else None."""
        reference = self.references[0] if len(self.references) == 1 else None
        if reference is None or reference.kind not in WHOLE:
            return None
        if self.source not in (f"{{{reference.kind}:{reference.argument}{mark}}}" for mark in ("", "?")):
            return None
        whole = view.item if reference.kind == "item" else view.json
        found = follow(whole, tuple(reference.argument.split(".")) if reference.argument else ())
        return found if isinstance(found, (dict, list)) else None

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
    variables: list[str] = []
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
            elif len(alternatives) == 1:
                variables += _variables(alternatives[0])
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
    return Template(
        source=source,
        references=tuple(references),
        variables=tuple(variables),
        render=_sequence(readers),
    )


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
    table: Mapping[str, Any] = {**NAMED, **FUNCTIONS} if colon else PLAIN
    if kind not in table:
        words = [*PLAIN, *NAMED, *FUNCTIONS]
        near = get_close_matches(kind, words, n=1)
        known = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(words)}"
        raise _fault(source, f"reads {{{word}}}, which is unknown: {known}")
    if kind in FUNCTIONS:
        _parse_reference(argument, source)
    elif colon and not argument and kind not in WHOLE:
        raise _fault(source, f"reads {{{word}}} without saying which {kind}")
    return Reference(kind=kind, argument=argument, optional=optional)


def _variables(reference: Reference) -> list[str]:
    if reference.optional:
        return []
    if reference.kind in FUNCTIONS:
        return _variables(_parse_reference(reference.argument, reference.argument))
    return [reference.argument] if reference.kind == "env" else []


def _reader(reference: Reference) -> Reader:
    if reference.kind in PLAIN:
        reader = PLAIN[reference.kind]
    elif reference.kind in FUNCTIONS:
        reader = FUNCTIONS[reference.kind](_reader(_parse_reference(reference.argument, reference.argument)))
    else:
        reader = NAMED[reference.kind](reference.argument)
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
