"""The words, tones and icons of every state: each is always drawn with all three. Floor 8."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.journal import AttemptStatus
from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.core.masking import masked_url
from smart_api_integrations.dashboard.views.visible import visible


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """A state as it is drawn: *tone* names a colour that has one meaning, *word* says it."""

    tone: str
    icon: str
    word: str

    def saying(self, more: str) -> Badge:
        """Return the badge with *more* after its word."""
        return replace(self, word=f"{self.word} {more}")


STATES: Mapping[State, Badge] = {
    State.VERIFIED: Badge(tone="run", icon="clock", word="Waiting"),
    State.PROCESSING: Badge(tone="run", icon="run", word="Processing"),
    State.COMPLETED: Badge(tone="ok", icon="ok", word="Completed"),
    State.SKIPPED: Badge(tone="idle", icon="skip", word="Skipped"),
    State.PENDING: Badge(tone="run", icon="clock", word="Waiting"),
    State.DELIVERING: Badge(tone="run", icon="run", word="Delivering"),
    State.DELIVERED: Badge(tone="ok", icon="ok", word="Delivered"),
    State.CANCELLED: Badge(tone="idle", icon="x", word="Cancelled"),
    State.RETRY_SCHEDULED: Badge(tone="wait", icon="clock", word="Retrying"),
    State.FAILED: Badge(tone="dead", icon="dead", word="Dead letter"),
    State.NO_HANDLER: Badge(tone="idle", icon="skip", word="No handler"),
    State.DUPLICATE: Badge(tone="idle", icon="twin", word="Duplicate"),
}

ATTEMPTS: Mapping[str, Badge] = {
    AttemptStatus.SUCCEEDED: Badge(tone="ok", icon="ok", word="Succeeded"),
    AttemptStatus.FAILED: Badge(tone="bad", icon="fail", word="Failed"),
    AttemptStatus.SKIPPED: Badge(tone="idle", icon="skip", word="Skipped"),
    AttemptStatus.LOST: Badge(tone="bad", icon="warn", word="Lost"),
}

REJECTED = Badge(tone="reject", icon="shield-x", word="Rejected")
ACTIVE = Badge(tone="ok", icon="ok", word="Active")
FAILING = Badge(tone="bad", icon="fail", word="Failing")
DEGRADED = Badge(tone="wait", icon="warn", word="Degraded")
DISABLED = Badge(tone="bad", icon="skip", word="Disabled")
SWITCHED_OFF = Badge(tone="idle", icon="pause", word="Switched off")
MOUNTED = Badge(tone="ok", icon="shield-ok", word="Mounted")
NOT_MOUNTED = Badge(tone="idle", icon="skip", word="Not mounted")
UNKNOWN_ATTEMPT = Badge(tone="idle", icon="clock", word="Unknown")

_SPELLED: Mapping[str, str] = {
    "Github": "GitHub",
    "Paypal": "PayPal",
    "Sendgrid": "SendGrid",
    "Gitlab": "GitLab",
    "Hubspot": "HubSpot",
    "Devops": "DevOps",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A way in as people see it: its provider's name, a monogram, and the webhook's name beside it."""

    provider: str
    name: str
    mark: str
    title: str


def source(provider: str, name: str = "default") -> Source:
    """Return how a provider's webhook is named on a page.

    >>> source("standard_webhooks", "orders").title
    'Standard Webhooks / orders'
    """
    provider, name = visible(provider), visible(name)
    words = [word.capitalize() for word in provider.replace("-", "_").split("_") if word]
    spelled = " ".join(_SPELLED.get(word, word) for word in words) or "Unknown address"
    capitals = [char for char in spelled if char.isupper()]
    mark = "".join(capitals[:2]) if len(capitals) > 1 else spelled[:2]
    mark = mark if words else "?"
    title = spelled if name in ("default", "-") else f"{spelled} / {name}"
    return Source(provider=provider, name=name, mark=mark, title=title)


def handler(target: str) -> str:
    """Return a handler's own name out of ``provider:webhook_name:module.qualname``."""
    return target.split(":", 2)[-1]


def handler_path(target: str) -> str:
    """Return the path of a handler's page.

    >>> handler_path("github:default:shop.<lambda>")
    '/handlers/github:default:shop.%3Clambda%3E'
    """
    return "/handlers/" + quote(target, safe=":")


def address(endpoint: Endpoint | None) -> str:
    """Return an endpoint's address as a name: masked, without the scheme."""
    if endpoint is None:
        return "an endpoint that was deleted"
    return masked_url(endpoint.url).split("://", 1)[-1]


def event_name(event_type: str | None, action: str | None = None) -> str:
    """Return the type of an event with its action, or that it says none."""
    if event_type is None:
        return "no type"
    return event_type if action is None else f"{event_type}.{action}"
