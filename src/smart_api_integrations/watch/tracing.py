"""Traces by OpenTelemetry: from the provider's request over its handler to the endpoint. Floor 6.

It needs the API alone (the extra ``otel``), and spans go nowhere until the process has a tracer provider: run
the server under ``opentelemetry-instrument``, or set one in a module of ``WEBHOOKS_HANDLERS``. Nothing of
OpenTelemetry is imported unless ``WEBHOOKS_TRACING`` is set.

Which trace a span belongs to is told by ``core.trace_context``; what a handler calls while it runs hangs
under its span, and a delivery carries its own span to the endpoint as ``traceparent``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from smart_api_integrations.core.journal import AttemptStatus, Claim, Outcome, ReceivedEvent
from smart_api_integrations.core.lifecycle import Kind
from smart_api_integrations.core.outbound_request import Answer, OutboundRequest
from smart_api_integrations.core.trace_context import parse_traceparent, root_span_id_of, trace_id_of
from smart_api_integrations.telemetry import EventAccepted, Telemetry
from smart_api_integrations.work.worker import Runner

SYSTEM = "webhooks"
_KINDS = {
    Kind.HANDLING: ("process", SpanKind.CONSUMER),
    Kind.DELIVERY: ("send", SpanKind.PRODUCER),
}
_FINE = frozenset({AttemptStatus.SUCCEEDED, AttemptStatus.SKIPPED})


class Transport(Protocol):
    """What sends requests: ``network.http_transport.HttpTransport``."""

    async def send(self, request: OutboundRequest, *, timeout: float) -> Answer:  # noqa: ASYNC109
        """Send *request*; return the answer, or raise ``DeliveryError``."""


class TracingTransport:
    """Sends the current span's context along with every request."""

    def __init__(self, transport: Transport) -> None:
        """Send through *transport*."""
        self._transport = transport

    async def send(self, request: OutboundRequest, *, timeout: float) -> Answer:  # noqa: ASYNC109
        """See ``Transport.send``."""
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        return await self._transport.send(
            replace(request, headers={**request.headers, **carrier}), timeout=timeout
        )


def traced(runners: Mapping[Kind, Runner]) -> Mapping[Kind, Runner]:
    """Return *runners* that run each claim under a span of its own."""
    return {kind: _traced(kind, run) for kind, run in runners.items()}


def follow(telemetry: Telemetry) -> None:
    """Make a span for every event that is kept from now on."""
    telemetry.subscribe(EventAccepted, _received)


def _traced(kind: Kind, run: Runner) -> Runner:
    operation, span_kind = _KINDS[kind]

    async def run_traced(claim: Claim) -> Outcome:
        attributes: dict[str, str | int] = {
            **_named(operation, claim.work.target, claim.work.subject_id),
            "webhooks.attempt": claim.work.attempt_count,
        }
        with _tracer().start_as_current_span(
            f"{operation} {claim.work.target}",
            context=_context(_root(claim)),
            kind=span_kind,
            attributes=attributes,
        ) as span:
            outcome = await run(claim)
            span.set_attribute("webhooks.state", outcome.state.value)
            if outcome.attempt.status not in _FINE:
                span.set_status(Status(StatusCode.ERROR, outcome.attempt.error_code or "failed"))
            return outcome

    return run_traced


def _received(told: EventAccepted) -> None:
    event, ended = told.event, datetime.now(UTC)
    source = f"{event.provider}:{event.webhook_name}"
    span = _tracer().start_span(
        f"receive {source}",
        context=_context(event.id),
        kind=SpanKind.SERVER,
        attributes={**_named("receive", source, event.id), "webhooks.duplicate": told.duplicate},
        links=_links(event),
        start_time=_nanoseconds(ended - timedelta(seconds=told.seconds)),
    )
    span.end(_nanoseconds(ended))


def _links(event: ReceivedEvent) -> list[Link]:
    """Return a link to the sender's span, where the request names one."""
    said = next((value for name, value in event.headers if name.lower() == "traceparent"), "")
    found = parse_traceparent(said)
    return [] if found is None else [Link(_span_context(*found))]


def _root(claim: Claim) -> str:
    """Return the id of the event that *claim* goes back to, or of the message that no event caused."""
    if claim.message is not None and claim.message.event_id is not None:
        return claim.message.event_id
    return claim.work.subject_id


def _context(root: str) -> Context:
    parent = _span_context(trace_id_of(root), root_span_id_of(root))
    return trace.set_span_in_context(NonRecordingSpan(parent), Context())


def _span_context(trace_id: int, span_id: int) -> SpanContext:
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _named(operation: str, destination: str, message_id: str) -> dict[str, str]:
    """Return attributes by OpenTelemetry's conventions for messaging."""
    return {
        "messaging.system": SYSTEM,
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": destination,
        "messaging.message.id": message_id,
    }


def _tracer() -> trace.Tracer:
    return trace.get_tracer("smart_api_integrations")


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000_000)
