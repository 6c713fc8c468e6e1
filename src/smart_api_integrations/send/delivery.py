"""Running one delivery: a signed request, and what becomes of it. Floor 4.

Nothing is written here; the worker records the outcome.

Rules:

1. Whatever happens becomes an outcome: an attempt that names its failure, and the state that follows.
2. A failure is followed by the endpoint's own schedule; ``Retry-After`` can make a wait longer, never
   shorter, and never longer than a day.
3. Some things are not tried again: 410, which asks for no more; a message that runs in a circle; a request
   that cannot be made from what is stored; and a filter or a transformation that cannot be computed. All are
   dead letters that somebody can see, and replay once the cause is mended.
4. What the attempt shows of the request is what was sent, but for the values of the endpoint's own
   headers and ``Authorization``, which are credentials.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import perf_counter
from typing import Protocol

from smart_api_integrations.core.circuit_breaker import THROTTLING
from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.journal import Attempt, AttemptStatus, Claim, Message, Outcome
from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.core.masking import MASK
from smart_api_integrations.core.message_expressions import content_of, is_wanted, transformed
from smart_api_integrations.core.outbound_request import (
    MAX_HOPS,
    Answer,
    OutboundRequest,
    Verdict,
    judge_answer,
    signed_headers,
)
from smart_api_integrations.errors import DeliveryError, ExpressionError, InvalidInput

logger = logging.getLogger(__name__)

# PostgreSQL's text holds no NUL, and a page or a terminal should not obey what an endpoint answers.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class Transport(Protocol):
    """What sends requests: ``network.http_transport.HttpTransport``."""

    async def send(self, request: OutboundRequest, *, timeout: float) -> Answer:  # noqa: ASYNC109
        """Send *request*; return the answer, or raise ``DeliveryError``, within *timeout* seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ending:
    """How an attempt ended: what of it goes into the outcome."""

    code: str | None = None
    message: str | None = None
    headers: Mapping[str, str] | None = None
    answer: Answer | None = None
    retry_after: timedelta | None = None
    final: State | None = None


class Delivering:
    """Runs deliveries: the worker's runner for that kind of work."""

    def __init__(
        self,
        transport: Transport,
        *,
        now: Callable[[], datetime],
        random: Callable[[], float],
        new_id: Callable[[str], str],
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        """Send through *transport*.

        *random* gives a number from 0 to 1 for the jitter, *new_id* an id with the prefix that it is
        given, *clock* seconds that only go forward.
        """
        self._transport = transport
        self._now = now
        self._random = random
        self._new_id = new_id
        self._clock = clock

    async def deliver(self, claim: Claim) -> Outcome:
        """Try once to deliver what *claim* holds, and return what became of it.

        Raises nothing but ``CancelledError``; the attempt's failure is in the outcome.
        """
        started_at = self._now()
        start = self._clock()
        ending = await self._try(claim, started_at)
        duration_ms = round((self._clock() - start) * 1000, 3)
        attempt = self._attempt(claim, ending, started_at=started_at, duration_ms=duration_ms)
        state, wait = self._what_follows(claim, ending)
        if ending.code is not None:
            logger.info(
                "A delivery did not succeed",
                extra={
                    "action": "deliver",
                    "delivery_id": claim.work.id,
                    "endpoint_id": claim.work.target,
                    "code": ending.code,
                    "state": str(state),
                },
            )
        return Outcome(work=claim.work, state=state, wait=wait, attempt=attempt, busy_for=_busy_for(ending))

    async def _try(self, claim: Claim, started_at: datetime) -> _Ending:
        endpoint, message = claim.endpoint, claim.message
        if endpoint is None:
            return _Ending(code="endpoint_gone", message="the endpoint was deleted", final=State.CANCELLED)
        if message is None:
            return _Ending(code="message_gone", message="the message is no longer kept", final=State.FAILED)
        unfit = _unfit(message, endpoint, started_at)
        if unfit is not None:
            return unfit
        try:
            message = _fitted(message, endpoint)
            headers = _headers(message, endpoint, started_at)
        except _Unfit as unfit_for:
            return unfit_for.ending
        except InvalidInput as error:
            return _Ending(code="invalid_request", message=str(error), final=State.FAILED)
        return replace(await self._send(message, endpoint, headers), headers=_shown(headers, endpoint))

    async def _send(self, message: Message, endpoint: Endpoint, headers: Mapping[str, str]) -> _Ending:
        request = OutboundRequest(url=endpoint.url, headers=headers, body=message.body)
        try:
            answer = await self._transport.send(request, timeout=endpoint.timeout.total_seconds())
        except DeliveryError as error:
            return _Ending(code=error.code, message=f"{error.stage}: {error}")
        return _judged(judge_answer(answer.status, answer.headers, now=self._now()), answer)

    def _what_follows(self, claim: Claim, ending: _Ending) -> tuple[State, timedelta | None]:
        if ending.code is None:
            return State.DELIVERED, None
        if ending.final is not None or claim.endpoint is None:
            return ending.final or State.CANCELLED, None
        wait = claim.endpoint.schedule.next_wait(
            failures=claim.work.failures + 1, random=self._random, asked=ending.retry_after
        )
        return (State.FAILED, None) if wait is None else (State.RETRY_SCHEDULED, wait)

    def _attempt(self, claim: Claim, ending: _Ending, *, started_at: datetime, duration_ms: float) -> Attempt:
        work, answer = claim.work, ending.answer
        return Attempt(
            id=self._new_id("att_"),
            work_id=work.id,
            kind=work.kind,
            target=work.target,
            subject_id=work.subject_id,
            number=work.attempt_count,
            status=_status(ending),
            started_at=started_at,
            duration_ms=duration_ms,
            error_code=ending.code,
            error_message=ending.message,
            request_headers=ending.headers,
            response_code=None if answer is None else answer.status,
            response_headers=None if answer is None else answer.headers,
            response_body=None if answer is None else printable(answer.body),
            phases=None if answer is None else answer.phases,
        )


class _Unfit(Exception):
    """The message is not sent; it says how that ends."""

    def __init__(self, ending: _Ending) -> None:
        super().__init__(ending.code)
        self.ending = ending


def _fitted(message: Message, endpoint: Endpoint) -> Message:
    """Return *message* as the endpoint gets it.

    Raises:
        _Unfit: Its filter refuses the message, or one of its expressions cannot be computed.
    """
    if endpoint.filter is None and endpoint.transformation is None:
        return message
    content = content_of(message.body)
    try:
        wanted = is_wanted(endpoint.filter, content)
    except ExpressionError as error:
        raise _Unfit(_Ending(code="filter_failed", message=str(error), final=State.FAILED)) from error
    if not wanted:
        told = "the endpoint's filter, as it is now, is not true of the message"
        raise _Unfit(_Ending(code="filtered", message=told, final=State.CANCELLED))
    if endpoint.transformation is None:
        return message
    try:
        return replace(message, body=transformed(endpoint.transformation, content))
    except ExpressionError as error:
        ending = _Ending(code="transformation_failed", message=str(error), final=State.FAILED)
        raise _Unfit(ending) from error


def _unfit(message: Message, endpoint: Endpoint, now: datetime) -> _Ending | None:
    """Return why *message* is not sent to *endpoint* at all, or None."""
    if message.expires_at is not None and message.expires_at <= now:
        told = f"the message expired at {message.expires_at.isoformat()}"
        return _Ending(code="expired", message=told, final=State.CANCELLED)
    if not endpoint.secret:
        told = "no key of WEBHOOKS_ENCRYPTION_KEYS opens the endpoint's secret: add the one it had"
        return _Ending(code="secret_unreadable", message=told)
    if message.hops >= MAX_HOPS:
        told = f"the message has passed through {message.hops} of our systems: it runs in a circle"
        return _Ending(code="hop_limit", message=told, final=State.FAILED)
    return None


def printable(body: bytes) -> str:
    """Return an answer's body as text that can be stored and shown: what is neither is replaced."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", body.decode("utf-8", "replace"))


def _headers(message: Message, endpoint: Endpoint, timestamp: datetime) -> dict[str, str]:
    return signed_headers(
        message.body,
        message_id=message.id,
        secrets=endpoint.secrets_at(timestamp),
        timestamp=timestamp,
        authorization=None if endpoint.auth is None else endpoint.auth.authorization,
        extra=endpoint.headers,
        hops=message.hops,
    )


def _shown(headers: Mapping[str, str], endpoint: Endpoint) -> Mapping[str, str]:
    theirs = {name.lower() for name in endpoint.headers} | {"authorization"}
    return {name: MASK if name.lower() in theirs else value for name, value in headers.items()}


def _judged(verdict: Verdict, answer: Answer) -> _Ending:
    if verdict.delivered:
        return _Ending(answer=answer)
    return _Ending(
        code=verdict.code,
        message=verdict.message,
        answer=answer,
        retry_after=verdict.retry_after,
        final=State.FAILED if verdict.gone else None,
    )


def _busy_for(ending: _Ending) -> timedelta | None:
    if ending.answer is None or ending.answer.status not in THROTTLING:
        return None
    return ending.retry_after or timedelta(0)


def _status(ending: _Ending) -> str:
    if ending.code is None:
        return AttemptStatus.SUCCEEDED
    return AttemptStatus.SKIPPED if ending.final is State.CANCELLED else AttemptStatus.FAILED
