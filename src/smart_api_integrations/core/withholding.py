"""Records without what only a reader of payloads may see. Floor 1.

What is left says that, when and how something happened. What is withheld is everything that a sender, a
handler or an endpoint wrote: bodies, queries, answers, results and tracebacks.
"""

from __future__ import annotations

from dataclasses import replace

from smart_api_integrations.core.journal import Attempt, Message, ReceivedEvent, Trace

WITHHELD = "withheld: the scope read:payloads is needed"
WITHHELD_BODY = WITHHELD.encode()


def event_without_payload(event: ReceivedEvent) -> ReceivedEvent:
    """Return *event* without its body and its query; its headers stay, secrets in them are always masked."""
    return replace(event, body=WITHHELD_BODY, query=WITHHELD if event.query else "")


def message_without_payload(message: Message) -> Message:
    """Return *message* without its body."""
    return replace(message, body=WITHHELD_BODY)


def attempt_without_payload(attempt: Attempt) -> Attempt:
    """Return *attempt* without what was answered, returned or raised."""
    return replace(
        attempt,
        response_body=None if attempt.response_body is None else WITHHELD,
        response_headers=None if attempt.response_headers is None else {},
        error_detail=None if attempt.error_detail is None else WITHHELD,
        result=None,
    )


def trace_without_payloads(trace: Trace) -> Trace:
    """Return *trace* with every record of it without its payload."""
    return replace(
        trace,
        event=None if trace.event is None else event_without_payload(trace.event),
        messages=tuple(message_without_payload(message) for message in trace.messages),
        attempts=tuple(attempt_without_payload(attempt) for attempt in trace.attempts),
    )
