"""What a request says about itself: event type, action, id, time. Floor 1.

Everything here comes from outside and goes into lists, logs and pages: it is one line of at most 256
characters, without control characters. The id is also returned whole, for deduplication.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from smart_api_integrations.core.records import record
from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.templates import Template, compile_template
from smart_api_integrations.core.timestamps import parse_timestamp

LONGEST_TEXT = 256
# C0 (NUL cannot be kept by PostgreSQL), DEL, C1, line and paragraph separators, lone surrogates
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

DEFAULT_EVENT_TYPE = compile_template("{json:type|json:event_type|json:event}")
DEFAULT_EVENT_ID = compile_template("{json:id}")


@record
class Extracted:
    """What was found.

    Attributes:
        event_type: The provider's word for what happened, or None.
        action: Its second half, or None.
        event_id: The provider's id, fit to be shown, or None.
        exact_event_id: The same as it was received, whole.
        occurred_at: When it happened, or None; a time that cannot be read counts as absent.
    """

    event_type: str | None
    action: str | None
    event_id: str | None
    exact_event_id: bytes | None
    occurred_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """Where a webhook's requests say what they are about.

    Attributes:
        event_type: Where the type is.
        action: Where the second half of the type is, for providers that split it in two.
        event_id: Where the provider's id is.
        occurred_at: Where the time is, in seconds, milliseconds or RFC 3339.
        payload: What handlers get instead of the whole: a text that holds JSON, or a part of the JSON.
        account: Whose event it is, of the provider's accounts.
    """

    event_type: Template = DEFAULT_EVENT_TYPE
    action: Template | None = None
    event_id: Template | None = DEFAULT_EVENT_ID
    occurred_at: Template | None = None
    payload: Template | None = None
    account: Template | None = None

    def payload_of(self, view: RequestView) -> Any:
        """Return what handlers get; where ``payload`` reads nothing, the whole.

        Raises:
            MalformedRequest: The body cannot be parsed.
        """
        if self.payload is None:
            return view.payload
        part = self.payload.part(view)
        text = self.payload.render(view) if part is None else None
        if text is None:
            return view.payload if part is None else part
        return view.parse_text(text)

    def account_of(self, view: RequestView) -> str | None:
        """Return whose event it is, or None where it does not say."""
        return None if self.account is None else fit_text(self.account.render(view))

    def read(self, view: RequestView) -> Extracted:
        """Read everything out of a request.

        Raises:
            MalformedRequest: The body cannot be parsed, or a name that is read is there twice.
        """
        event_id = None if self.event_id is None else self.event_id.render(view)
        time = None if self.occurred_at is None else self.occurred_at.render(view)
        return Extracted(
            event_type=fit_text(self.event_type.render(view)),
            action=None if self.action is None else fit_text(self.action.render(view)),
            event_id=fit_text(event_id),
            exact_event_id=event_id or None,
            occurred_at=None if time is None else parse_timestamp(time, "auto"),
        )


def fit_text(received: bytes | None) -> str | None:
    r"""Make what was received fit to be kept and shown; None where nothing is left.

    >>> fit_text(b"order\x00created") == "order\ufffdcreated"
    True
    """
    if not received:
        return None
    text = received[: 4 * LONGEST_TEXT].decode("utf-8", "replace")[:LONGEST_TEXT]
    if not text.isprintable():
        text = _UNFIT.sub("\ufffd", text)
    return text.strip() or None
