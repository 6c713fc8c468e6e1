"""Edited copies: events that a person made out of a received one. Floor 1.

A copy is an event of its own, with an id of its own, and says so in two places: its proof, which is of no
provider's, and a header, which its handlers see.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from smart_api_integrations.core.journal import Proof, ReceivedEvent

SCHEME = "edited"
HEADER = "X-Webhooks-Edited-Copy-Of"


def edited_copy(event: ReceivedEvent, body: bytes, *, new_id: str, now: datetime) -> ReceivedEvent:
    """Return *event* with another *body*, as a new event that is never taken for a repeat."""
    headers = tuple(pair for pair in event.headers if pair[0].lower() != HEADER.lower())
    return replace(
        event,
        id=new_id,
        event_id=new_id,
        headers=((HEADER, event.id), *headers),
        body=body,
        received_at=now,
        proof=Proof(scheme=SCHEME),
        dedupe_keys=(),
        duplicates=0,
    )


def original_of(event: ReceivedEvent) -> str | None:
    """Return the id of the event that this one was copied from; None where it came from its provider."""
    if event.proof.scheme != SCHEME:
        return None
    return next((value for name, value in event.headers if name.lower() == HEADER.lower()), None)
