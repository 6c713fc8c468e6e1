"""A request that holds several events, split into them. Floor 1.

Rules:

1. An item is the very bytes that the sender wrote between its commas, never JSON written anew: they are
   what is kept, what handlers get, and where a signature of the item is looked for.
2. All or nothing: a list that is absent or too long, or an item that is no object, makes the whole request
   malformed.
3. An empty list, or ``null`` in its place, holds no events. An object in its place is a list of one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.errors import MalformedRequest

USUAL_MAX = 1000

_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)  # numbers as the sender wrote them
_BLANKS = re.compile(r"[ \t\n\r]*")
_NOTHING = "n"  # what `null` begins with


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRules:
    """Where the events of one request are.

    Attributes:
        items: The path of their list, as in ``{json:…}``; empty where the body is the list.
        each: The path of the event within an item of the list; None where the item is the event.
        max: The most events of one request.
        verify_each: Whether each event carries a signature of its own, instead of the request.
    """

    items: str = ""
    each: str | None = None
    max: int = USUAL_MAX
    verify_each: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One event of several.

    Attributes:
        body: Its exact bytes.
        view: The request, with this item to be looked at.
    """

    body: bytes = field(repr=False)
    view: RequestView = field(repr=False)


def split(view: RequestView, rules: BatchRules) -> list[Item]:
    """Return the events that the request of *view* holds, in their order.

    Raises:
        MalformedRequest: It has no such list, too many items, or an item that is no object.
    """
    source = view.json_source
    if source is None or not isinstance(view.json, (dict, list)):  # parsed strictly before it is cut
        message = "The body is not JSON, so it has no list of events."
        raise MalformedRequest(message)
    text = source.decode("utf-8")
    places = list(_items(text, rules))
    if len(places) > rules.max:
        message = f"The request holds {len(places)} events; at most {rules.max} are taken at once."
        raise MalformedRequest(message)
    return [_item(view, text[begin:end]) for begin, end in places]


Place = tuple[int, int]
"""Where a value begins and ends in a text."""


def _items(text: str, rules: BatchRules) -> Iterator[Place]:
    within = rules.each.split(".") if rules.each else []
    for place in _lists(text, rules.items):
        for each in _members(text, place[0]).values() if text[place[0]] == "[" else (place,):
            found = list(_lead(text, each, within))
            if not found or text[found[0][0]] != "{":
                message = "An event of the list is not where it should be, or is no object."
                raise MalformedRequest(message)
            yield from found


def _lists(text: str, path: str) -> list[Place]:
    """Return the lists that *path* leads to, and the objects in place of one."""
    begin = _skip(text, 0)
    found = list(_lead(text, (begin, len(text)), path.split(".") if path else []))
    if not found or any(text[place[0]] not in f"[{{{_NOTHING}" for place in found):
        message = f"The body has no list of events at {path!r}."
        raise MalformedRequest(message)
    return [place for place in found if text[place[0]] != _NOTHING]


def _lead(text: str, place: Place, steps: list[str]) -> Iterator[Place]:
    """Yield every place that *steps* lead to from the value at *place*, where ``*`` is any member."""
    if not steps:
        yield place
        return
    step, *rest = steps
    members = _members(text, place[0])
    for inner in members.values() if step == "*" else [members[step]] if step in members else []:
        yield from _lead(text, inner, rest)


def _members(text: str, begin: int) -> Mapping[str, Place]:
    """Return where the members of the object or array at *begin* are, by name or number; of equals the last.

    *text* is known to be JSON.
    """
    members: dict[str, Place] = {}
    if text[begin] not in "{[":
        return members
    named = text[begin] == "{"
    at = _skip(text, begin + 1)
    while text[at] not in "}]":
        name = str(len(members))
        if named:
            name, at = _DECODER.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)
        _, end = _DECODER.raw_decode(text, at)
        members[name] = (at, end)
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return members


def _skip(text: str, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    return at if blanks is None else blanks.end()


def _item(view: RequestView, text: str) -> Item:
    body = text.encode("utf-8")
    return Item(body=body, view=view.of_item(body, lambda: _exact(text)))


def _exact(text: str) -> Any:
    return _DECODER.decode(text)
