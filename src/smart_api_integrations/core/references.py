"""What the references of a template read: ``{header:X-Signature}``, ``{json:data.id}``. Floor 1.

``PLAIN`` are those without an argument, ``NAMED`` those with one, ``FUNCTIONS`` those that take another
reference. A reader returns bytes, or None where there is nothing.
"""

from __future__ import annotations

import binascii
import hashlib
import zlib
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from smart_api_integrations.core.request_view import RequestView

Reader = Callable[[RequestView], "bytes | None"]
Named = Callable[[str], Reader]
"""Makes the reader of what a reference names: ``X-Signature`` in ``{header:X-Signature}``."""


def _header(name: str) -> Reader:
    if "*" in name:
        return lambda view: next(iter(_numbered(view, name)), None)

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


def _within(parsed: Callable[[RequestView], Any], exact: Callable[[RequestView], Any]) -> Named:
    """Return what makes readers of paths into what *parsed* returns; *exact* has its numbers as text."""

    def make(path: str) -> Reader:
        steps = tuple(path.split(".")) if path else ()
        several = "*" in steps

        def read(view: RequestView) -> bytes | None:
            found = _walk(parsed(view), steps) if several else (follow(parsed(view), steps),)
            for place, value in enumerate(found):
                if isinstance(value, str):
                    return value.encode("utf-8", "surrogatepass")
                if isinstance(value, float) or (value == 0 and not isinstance(value, bool)):
                    return _exact_text(exact(view), steps, place)
                if isinstance(value, (bool, int)):
                    return str(value).lower().encode()
            return None

        return read

    return make


def _exact_text(exact: Any, steps: tuple[str, ...], place: int) -> bytes | None:
    """Return the text of the number at *place*: 1E2 and -0 were parsed to something else."""
    found = next(islice(_walk(exact, steps), place, None), None)
    return _text_bytes(found) if isinstance(found, str) else None


def _whole_json(view: RequestView) -> Any:
    return view.json


def _exact_json(view: RequestView) -> Any:
    return view.json_numbers_as_text


def _json_key(others: str) -> Reader:
    """Return what reads the name of the JSON's first key that is none of *others*: ``update_id,…``."""
    passed_over = frozenset(others.split(","))

    def read(view: RequestView) -> bytes | None:
        document = view.json
        if not isinstance(document, dict):
            return None
        return _text_bytes(next((key for key in document if key not in passed_over), None))

    return read


def _item(view: RequestView) -> Any:
    return view.item


def _exact_item(view: RequestView) -> Any:
    return view.item_numbers_as_text


def _every_json(view: RequestView, path: str) -> list[bytes | None]:
    found = _walk(view.json_numbers_as_text, tuple(path.split(".")))
    return [
        value.encode("utf-8", "surrogatepass") if isinstance(value, str)
        else str(value).lower().encode() if isinstance(value, bool)
        else None
        for value in found
    ]  # fmt: skip


def _numbered(view: RequestView, pattern: str) -> list[bytes]:
    return [_header_bytes(value) for value in view.numbered_headers(pattern)]


def _variable(name: str) -> Reader:
    def read(view: RequestView) -> bytes | None:
        value = view.variables.get(name)
        return value.encode() if value else None

    return read


def items_at(value: Any, path: str) -> list[Any]:
    """Return the items that *path* leads to: those of an array, or all that its ``*`` stands for.

    >>> items_at({"entry": [{"changes": [1, 2]}, {"changes": [3]}]}, "entry.*.changes")
    [1, 2, 3]
    """
    items: list[Any] = []
    for found in _walk(value, tuple(path.split(".")) if path else ()):
        items += found if isinstance(found, list) else () if found is None else (found,)
    return items


def follow(value: Any, steps: tuple[str, ...]) -> Any:
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
        yield follow(value, steps)
        return
    star = steps.index("*")
    around = follow(value, steps[:star])
    inner = around.values() if isinstance(around, dict) else around if isinstance(around, list) else ()
    for item in inner:
        yield from _walk(item, steps[star + 1 :])


def _sorted_form(view: RequestView) -> bytes | None:
    # Twilio's canonical form: https://www.twilio.com/docs/usage/security#validating-requests
    if view.form is None:
        return None
    pairs = (name + value for name in sorted(view.form) for value in sorted(set(view.form[name])))
    return _text_bytes("".join(pairs))


def _hashed(algorithm: str) -> Callable[[Reader], Reader]:
    def make(inner: Reader) -> Reader:
        def read(view: RequestView) -> bytes | None:
            piece = inner(view)
            return None if piece is None else hashlib.new(algorithm, piece).hexdigest().encode()

        return read

    return make


def _base64_decoded(inner: Reader) -> Reader:
    def read(view: RequestView) -> bytes | None:
        piece = inner(view)
        try:
            return None if piece is None else b64decode(piece, validate=True)
        except binascii.Error:
            return None

    return read


PLAIN: Mapping[str, Reader] = {
    "body": lambda view: view.body,
    "item_body": lambda view: view.item_body,
    "timestamp": lambda view: view.timestamp,
    "id": lambda view: view.id,
    "method": lambda view: _text_bytes(view.request.method),
    "path": lambda view: _text_bytes(view.request.path),
    "url": lambda view: _text_bytes(view.url),
    "body_sha256": lambda view: hashlib.sha256(view.body).hexdigest().encode(),
    "body_crc32": lambda view: str(zlib.crc32(view.body)).encode(),
    "sorted_form": _sorted_form,
}
FUNCTIONS: Mapping[str, Callable[[Reader], Reader]] = {
    "sha1": _hashed("sha1"),
    "sha256": _hashed("sha256"),
    "sha512": _hashed("sha512"),
    "base64": _base64_decoded,
}
NAMED: Mapping[str, Named] = {
    "header": _header,
    "query": _query,
    "form": _form,
    "json": _within(_whole_json, _exact_json),
    "item": _within(_item, _exact_item),
    "json_key": _json_key,
    "env": _variable,
}
WHOLE = ("json", "item")  # without a path: the whole of it
SEVERAL: Mapping[str, Callable[[RequestView, str], Sequence[bytes | None]]] = {
    "header": _numbered,
    "json": _every_json,
}
