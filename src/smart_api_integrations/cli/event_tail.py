"""``webhooks events tail``: the newest events, then what comes and what becomes of it. Floor 10."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from smart_api_integrations.cli.asking import open_desk
from smart_api_integrations.cli.tables import harmless

if TYPE_CHECKING:
    from smart_api_integrations.cli.asking import Desk
    from smart_api_integrations.cli.records import Where

EVENTS = "/api/received"
LOOK_SECONDS = 0.5
WATCHED = 200
"""So many of the newest events are watched for changes of their state."""


class EventTail:
    """Prints an event when it is new, and again whenever its state changed."""

    def __init__(self, query: Mapping[str, Any], *, as_json: bool) -> None:
        """Follow the events that *query* wants."""
        self._query = query
        self._as_json = as_json
        self._states: OrderedDict[str, str] = OrderedDict()

    async def follow(self, where: Where, *, last: int, once: bool) -> None:
        """Print the *last* events, and unless *once* go on until interrupted."""
        async with open_desk(url=where.url, database_url=where.database_url, key_file=where.key_file) as desk:
            newest = await self._newest(desk)
            for event in newest:
                self._note(event)
            for event in newest[len(newest) - min(last, len(newest)) :]:
                self._print(event)
            while not once:
                await asyncio.sleep(LOOK_SECONDS)
                for event in await self._newest(desk):
                    if self._note(event):
                        self._print(event)

    async def _newest(self, desk: Desk) -> list[dict[str, Any]]:
        """Return the newest events, oldest first."""
        found = [event async for event in desk.pages(EVENTS, self._query, limit=WATCHED)]
        return found[::-1]

    def _note(self, event: Mapping[str, Any]) -> bool:
        """Remember how *event* stands; return whether that is news."""
        before = self._states.get(event["id"])
        self._states[event["id"]] = event["state"]
        self._states.move_to_end(event["id"])
        while len(self._states) > 2 * WATCHED:
            self._states.popitem(last=False)
        return before is None or before != str(event["state"])

    def _print(self, event: Mapping[str, Any]) -> None:
        line = json.dumps(event, ensure_ascii=False) if self._as_json else harmless(_line(event))
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def _line(event: Mapping[str, Any]) -> str:
    at = datetime.fromisoformat(event["received_at"]).astimezone()
    kind = ".".join(part for part in (event["event_type"] or "-", event["action"]) if part)
    source = event["provider"]
    if event["webhook_name"] != "default":
        source += f"/{event['webhook_name']}"
    return f"{at:%H:%M:%S}  {event['state']:<16}{source}  {kind}  {event['id']}"
