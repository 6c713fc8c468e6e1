"""What the playground shows: what an answer says, and what an expression comes to. Floor 8."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from smart_api_integrations.core.expressions import Expression
from smart_api_integrations.dashboard.views.payload import text_view
from smart_api_integrations.dashboard.views.visible import visible
from smart_api_integrations.errors import ExpressionError


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What our own way in answered.

    Attributes:
        path: The page of what became of it; empty where that is not known.
        link: What the link to it says.
    """

    tone: str
    icon: str
    title: str
    text: str
    code: str
    path: str
    link: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What an expression came to.

    Attributes:
        holds: What a filter would make of it, in words.
        value: The value as JSON, for people.
        fault: Why it cannot be computed; empty where it can.
    """

    tone: str
    icon: str
    holds: str
    value: str
    fault: str = ""


def sent(status: int, body: bytes) -> Sent:
    """Return what became of a sample, out of the answer to it."""
    text = body.decode("utf-8", "replace")
    found = _object(text)
    event_id = found.get("id")
    if 200 <= status < 300:
        repeat = found.get("duplicate") is True
        return Sent(
            tone="ok",
            icon="shield-ok",
            title="Accepted: it verified and was kept" if not repeat else "Accepted: it was kept before",
            text="Its handlers run now, as for any other event.",
            code=str(status),
            path=f"/events/{event_id}" if isinstance(event_id, str) else "",
            link="See the event",
            body=text_view(text),
        )
    return Sent(
        tone="reject",
        icon="shield-x",
        title="Refused, and nothing was run",
        text="So would a stranger's request be. The log of rejected requests says why.",
        code=str(status),
        path="/rejections",
        link="See why",
        body=text_view(text),
    )


def _object(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def tried(source: str, data: Mapping[str, Any]) -> Tried:
    """Return what the expression *source* comes to over *data*."""
    try:
        value = Expression(source, variables=tuple(data)).evaluate(data)
    except ExpressionError as error:
        return Tried(tone="bad", icon="fail", holds="It cannot be used", value="", fault=visible(str(error)))
    shown = text_view(json.dumps(value, ensure_ascii=False))
    if value is True:
        return Tried(tone="ok", icon="ok", holds="As a filter it is true: this would be sent", value=shown)
    if value is False or value is None:
        return Tried(
            tone="idle", icon="skip", holds="As a filter it is not true: this would be left out", value=shown
        )
    return Tried(
        tone="run", icon="run", holds="It is no filter; as a transformation this is what is sent", value=shown
    )
