"""How deep a body's JSON may be nested. Floor 1.

Parsers take some thousand levels, one more and another less; what a handler then does with the payload
(copy it, write it, walk it) fails at a few hundred, in the middle of the work and at every retry. So it is
bounded where the request is judged, by one number for every parser.
"""

from __future__ import annotations

from typing import Any

from smart_api_integrations.errors import MalformedRequest

DEEPEST = 256
"""Levels. ``copy.deepcopy`` takes two frames of Python's 1,000 for each; real events have fewer than 20."""


def refuse_deep(body: bytes, value: Any) -> None:
    """Return if *value*, parsed from *body*, is nested at most ``DEEPEST`` levels.

    Costs two scans of the bytes where there are few brackets in all, which is the usual case.

    Raises:
        MalformedRequest: It is nested deeper.
    """
    if body.count(b"{") + body.count(b"[") <= DEEPEST:
        return
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return
    message = f"The body's JSON is nested deeper than {DEEPEST} levels."
    raise MalformedRequest(message)


def _inside(value: Any) -> list[Any]:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [each for each in inside if isinstance(each, (dict, list))]
