"""Doing an event once more: as an edited copy, or as the same request to another URL. Floor 7."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smart_api_integrations.application.identifiers import ulids
from smart_api_integrations.core.edited_copy import edited_copy
from smart_api_integrations.core.journal import ReceivedEvent
from smart_api_integrations.core.masking import is_sensitive
from smart_api_integrations.core.outbound_request import OutboundRequest
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.errors import InvalidInput
from smart_api_integrations.receive.assigning import handlings_for

if TYPE_CHECKING:
    from smart_api_integrations.application.platform import Platform

# About the connection that is gone, or made anew by whoever sends (RFC 9110, 7.6.1).
_OF_THE_CONNECTION = frozenset(
    {
        "host",
        "content-length",
        "connection",
        "transfer-encoding",
        "accept-encoding",
        "expect",
        "te",
        "upgrade",
    }
)
_NEVER = frozenset({"authorization", "proxy-authorization", "cookie"})

_new_id = ulids()


async def keep_edited_copy(platform: Platform, event: ReceivedEvent, body: bytes) -> str:
    """Keep *event* with another *body* as a new event, marked as a copy, and run its handlers; return its id.

    What the source publishes by itself (``publish`` in its YAML) is left out: others would take it for real.

    Raises:
        InvalidInput: Its source is not set up any more.
        StorageUnavailable: Nothing was kept.
    """
    source = platform.sources.get((event.provider, event.webhook_name))
    if source is None or source.missing is not None:
        message = f"{event.provider}/{event.webhook_name} is not set up any more, so nothing would run on it."
        raise InvalidInput(message)
    copy = edited_copy(event, body, new_id=_new_id("evt_"), now=platform.journal.now())
    processor = get_webhook_registry().processor(event.provider, event.webhook_name)
    handlings = handlings_for(copy, source.webhook, processor, publishing=lambda _event, _webhook: ())
    await platform.journal.events.accept(copy, handlings)
    return copy.id


def request_to(url: str, event: ReceivedEvent, *, signs: bool) -> OutboundRequest:
    """Return the request of *event* for another *url*: its exact bytes, and its headers but the secret ones.

    *signs* says that its provider signs what it sends: then a header that looks like a secret is a signature,
    which proves the request and opens nothing. A token that a provider sends is never passed on.
    """
    headers = {
        name: value
        for name, value in event.headers
        if name.lower() not in _OF_THE_CONNECTION | _NEVER and (signs or not is_sensitive(name))
    }
    return OutboundRequest(url=url, headers=headers, body=event.body, method=event.method)
