"""The ways in: how each one does, and how one is set up. Floor 8."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from smart_api_integrations.core.gate import Gate
from smart_api_integrations.core.inbound_webhook import InboundWebhook
from smart_api_integrations.core.journal import EventSummary
from smart_api_integrations.core.signatures.described_scheme import DescribedScheme
from smart_api_integrations.core.source_traffic import SourceTraffic
from smart_api_integrations.dashboard.views import words
from smart_api_integrations.dashboard.views.gates import PAUSED
from smart_api_integrations.dashboard.views.measures import Moment, moment, number, plural
from smart_api_integrations.dashboard.views.visible import visible
from smart_api_integrations.dashboard.views.words import Badge, Source
from smart_api_integrations.providers import catalogue
from smart_api_integrations.providers.samples import known_events

NEVER = Badge(tone="idle", icon="clock", word="Never verified")
VERIFIED = Badge(tone="ok", icon="shield-ok", word="Verified")
REFUSING = Badge(tone="bad", icon="fail", word="Failing")
NOTHING = SourceTraffic(accepted=(), rejected=())


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """One way in, over the last day.

    Attributes:
        way_in: The path; *url* is the whole address.
        missing: The variable without which it is not mounted; empty where it is.
        why: What its state rests on.
        signed: How its requests are signed.
    """

    source: Source
    badge: Badge
    path: str
    way_in: str
    url: str
    last: Moment | None = None
    why: str = ""
    documentation: str = ""
    missing: str = ""
    handlers: int = 0
    accepted: str = "0"
    rejected: int = 0
    signed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of setting a source up: done, to be done now, or later."""

    state: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing to look at where nothing comes."""

    icon: str
    tone: str
    name: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePage:
    """Everything on the page of a source.

    Attributes:
        is_mounted: Whether its secret is set.
        variables: The variables of its secret; the first one is enough.
        export: What sets the variable in a shell.
        trigger: The command that sends a signed sample.
        generate: The command that writes a handler.
        steps: The four steps, by their name.
        checks: What to look at where nothing comes.
        events: The events that there are samples of.
        is_fresh: Whether nothing has verified yet.
    """

    row: SourceRow
    is_mounted: bool
    variables: tuple[str, ...]
    export: str
    trigger: str
    generate: str
    steps: Mapping[str, Step]
    checks: tuple[Check, ...]
    events: tuple[str, ...]
    is_fresh: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a source beside its definition.

    Attributes:
        base: How this server is reached.
        newest: Its newest event, or None.
        traffic: What came for it in the last day.
        handlers: How many handlers it has.
        gate: What holds it back, or None.
        refused: Why requests for it were refused lately; empty where none was.
        is_local: Whether the address is of this machine only.
    """

    base: str
    newest: EventSummary | None
    traffic: SourceTraffic
    handlers: int
    gate: Gate | None
    now: datetime
    refused: str = ""
    is_local: bool = False


def way_in(webhook: InboundWebhook) -> str:
    """Return the path of a webhook: its own, else the one that every webhook has."""
    if webhook.path:
        return webhook.path
    tail = "" if webhook.name == "default" else f"/{webhook.name}"
    return f"/webhooks/{webhook.provider}{tail}"


def source_row(source: catalogue.Source, known: Known) -> SourceRow:
    """Return the line of a source, mounted or not."""
    webhook = source.webhook
    badge, why = _state(source, known)
    newest = known.newest
    return SourceRow(
        source=_named(source),
        badge=badge,
        path=f"/sources/{webhook.provider}/{webhook.name}",
        way_in=way_in(webhook),
        url=webhook.public_url or known.base + way_in(webhook),
        last=None if newest is None else moment(newest.received_at, known.now),
        why=why,
        documentation=webhook.documentation or "",
        missing=visible(source.missing or ""),
        handlers=known.handlers,
        accepted=number(known.traffic.total_accepted),
        rejected=known.traffic.total_rejected,
        signed=_signed(webhook),
    )


def _named(source: catalogue.Source) -> Source:
    """Return its name as its vendor writes it, where the catalogue knows that."""
    named = words.source(*source.key)
    if not source.definition.packaged:
        return named
    tail = "" if named.name == "default" else f" / {named.name}"
    return Source(
        provider=named.provider, name=named.name, mark=named.mark, title=source.definition.title + tail
    )


def _state(source: catalogue.Source, known: Known) -> tuple[Badge, str]:
    if source.missing is not None:
        return words.NOT_MOUNTED, "waits for its secret"
    if known.gate is not None and known.gate.paused_at is not None:
        return PAUSED, "what comes is kept, and waits"
    rejected, accepted = known.traffic.total_rejected, known.traffic.total_accepted
    if rejected and not accepted:
        return REFUSING, f"{plural(rejected, 'request')} refused in 24 h"
    if known.newest is None:
        return NEVER, "waiting for its first event"
    seen = moment(known.newest.received_at, known.now).text
    return VERIFIED, f"{seen}; {plural(rejected, 'request')} refused" if rejected else seen


def source_page(source: catalogue.Source, known: Known) -> SourcePage:
    """Return the page of a source, with the steps that set it up."""
    provider, name = source.key
    row = source_row(source, known)
    form = source.definition.secret_form
    named = () if form is None else form.names
    missing = source.missing
    variables = tuple(dict.fromkeys((*([missing] if missing else []), *named)))
    events = known_events(source)
    event = events[0] if events else "ping"
    which = "" if name == "default" else f" --webhook {name}"
    return SourcePage(
        row=row,
        is_mounted=missing is None,
        variables=variables,
        export=f"export {variables[0]}='…'" if variables else "",
        trigger=f"webhooks trigger {provider} {event}{which} --to {row.url}",
        generate=f"webhooks generate-webhook-handler {provider} {event}",
        steps=_steps(source, known),
        checks=_checks(source, known),
        events=events,
        is_fresh=known.newest is None,
    )


def _steps(source: catalogue.Source, known: Known) -> Mapping[str, Step]:
    done = {
        "secret": source.missing is None,
        "address": known.newest is not None or bool(known.traffic.total_rejected),
        "event": known.newest is not None,
        "handler": bool(known.handlers),
    }
    steps: dict[str, Step] = {}
    current = next((name for name, is_done in done.items() if not is_done), None)
    for place, (name, is_done) in enumerate(done.items(), start=1):
        state = "done" if is_done else "now" if name == current else ""
        steps[name] = Step(state=state, number=place)
    return steps


def _checks(source: catalogue.Source, known: Known) -> tuple[Check, ...]:
    checks = [_secret_check(source), _address_check(known)]
    if known.refused:
        checks.append(
            Check(icon="shield-x", tone="reject", name="Requests come and are refused", note=known.refused)
        )
    elif known.newest is None:
        note = "so the address is not saved at the provider, or no matching event has happened"
        checks.append(
            Check(icon="clock", tone="wait", name="No request yet, not even a refused one", note=note)
        )
    else:
        checks.append(Check(icon="ok", tone="ok", name="Requests come and verify", note=""))
    return tuple(checks)


def _secret_check(source: catalogue.Source) -> Check:
    if source.missing is None:
        return Check(icon="ok", tone="ok", name="Its secret is set", note="")
    note = f"{visible(source.missing)} is not set, so the way in is closed"
    return Check(icon="fail", tone="bad", name="Its secret is missing", note=note)


def _address_check(known: Known) -> Check:
    if known.is_local:
        note = "a provider cannot reach it: set WEBHOOKS_PUBLIC_URL, or open a tunnel"
        return Check(icon="warn", tone="wait", name="The address is of this machine only", note=note)
    return Check(icon="ok", tone="ok", name="The address is a public one", note=known.base)


def _signed(webhook: InboundWebhook) -> str:
    scheme = webhook.scheme
    if isinstance(scheme, DescribedScheme):
        where = ", ".join(str(source).strip("{}").replace(":", " ", 1) for source in scheme.signature.sources)
        timed = "; it signs the time, too" if scheme.timestamp is not None else ""
        return f"{scheme.name.upper()} {scheme.algorithm}, in {where}{timed}"
    return scheme.name.replace("_", " ")


def latest_first(rows: Iterable[SourceRow]) -> list[SourceRow]:
    """Return sources by their newest event; those without one last, in the order that they have."""
    return sorted(rows, key=lambda row: row.last.machine if row.last else "", reverse=True)
