"""What attempts say about their endpoints: breakers, throttles, and switching off. Floor 3.

Runs in the transaction that records the attempts, so a restart forgets nothing. An endpoint that answers
well and has no gate costs nothing here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from smart_api_integrations.core.broker_event import BROKER
from smart_api_integrations.core.circuit_breaker import (
    BROKER_RULES,
    BreakerRules,
    is_endpoints_fault,
    throttle_for,
)
from smart_api_integrations.core.gate import Gate
from smart_api_integrations.core.journal import AttemptStatus, Message, Outcome
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.core.outbound_message import message_body
from smart_api_integrations.storage.counters import endpoint_statistics
from smart_api_integrations.storage.directory import Directory
from smart_api_integrations.storage.endpoints import switch_off
from smart_api_integrations.storage.gate_rows import keep_gate, lock_gate, tell_of_gates
from smart_api_integrations.storage.messages import Messages
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import messages as messages_table

FAILED = frozenset({AttemptStatus.FAILED, AttemptStatus.LOST})
GONE = "gone"
FAILING = "failing"


class EndpointHealth:
    """The operations on endpoints' gates that follow from attempts, to be run in the writing lane."""

    def __init__(
        self, store: Store, directory: Directory, messages: Messages, *, rules: BreakerRules | None = None
    ) -> None:
        """Work on *store*; what there is to tell is published by *messages*."""
        self._store = store
        self._directory = directory
        self._messages = messages
        self._rules = rules or BreakerRules()
        self._read_told = select(messages_table.c.id).where(
            store.dialect.among(messages_table.c.id, "ids"), messages_table.c.operational.is_not(None)
        )

    def judge(self, connection: Connection, outcomes: Sequence[Outcome], *, now: datetime) -> None:
        """Move the gates of endpoints, after the attempts of *outcomes* were counted."""
        of_endpoint: dict[str, list[Outcome]] = defaultdict(list)
        for outcome in outcomes:
            if outcome.work.kind is Kind.DELIVERY:
                of_endpoint[outcome.work.target].append(outcome)
        for endpoint_id, those in sorted(of_endpoint.items()):
            if _failed(those) or self._directory.gate(endpoint_id) is not None:
                self._judge(connection, endpoint_id, those, now=now)
        dead = [outcome for outcome in outcomes if outcome.state is State.FAILED]
        self._tell_of_exhausted(connection, [each for each in dead if each.work.kind is Kind.DELIVERY], now)

    def _judge(
        self, connection: Connection, endpoint_id: str, outcomes: Sequence[Outcome], *, now: datetime
    ) -> None:
        before = lock_gate(self._store, connection, endpoint_id)
        gate = _after_successes(before, outcomes)
        failed = _failed(outcomes)
        if failed:
            gate = replace(
                gate, failing_since=gate.failing_since or now, failures=gate.failures + len(failed)
            )
            gate = self._after_failures(connection, gate, failed, now=now)
            gate = self._worn_out(connection, gate, failed, now=now)
        if gate != before:
            tell_of_gates(self._store, connection)
            keep_gate(connection, gate)

    def _after_failures(
        self, connection: Connection, gate: Gate, failed: Sequence[Outcome], *, now: datetime
    ) -> Gate:
        busy = [outcome.busy_for for outcome in failed if outcome.busy_for is not None]
        if busy:
            throttles = gate.throttles + 1
            until = now + throttle_for(asked=max(busy), throttles=throttles)
            gate = replace(gate, throttles=throttles, opens_at=_later(gate.opens_at, until))
        if not self._breaks(connection, gate, failed):
            return gate
        openings = gate.openings + 1
        rules = BROKER_RULES if gate.target == BROKER else self._rules
        until = now + rules.open_for(openings=openings)
        # A probe had shut the gate behind itself: that is over now.
        held = None if gate.opened_at is not None and not busy else gate.opens_at
        return replace(gate, opened_at=now, openings=openings, opens_at=_later(held, until))

    def _breaks(self, connection: Connection, gate: Gate, failed: Sequence[Outcome]) -> bool:
        """Tell whether *failed* opens a breaker, or keeps it open: a probe failed."""
        opened = gate.opened_at
        if opened is not None:
            return any(outcome.attempt.started_at >= opened for outcome in failed)
        recent = endpoint_statistics(self._store, connection, (gate.target, self._rules.window))
        return self._rules.opens(attempts=recent.total_attempts, failed=recent.failed)

    def _worn_out(
        self, connection: Connection, gate: Gate, failed: Sequence[Outcome], *, now: datetime
    ) -> Gate:
        """Warn of an endpoint that did nothing but fail, and at last switch it off."""
        endpoint = self._directory.get(gate.target)
        if (
            endpoint is None
            or endpoint.id == BROKER
            or gate.failing_since is None
            or endpoint.disabled_reason is not None
        ):
            return gate
        reason = FAILING
        worn = self._rules.worn_out(failing_since=gate.failing_since, failures=gate.failures, now=now)
        if any(outcome.attempt.error_code == GONE for outcome in failed):
            worn, reason = 100, GONE
        if worn <= gate.warned:
            return gate
        facts: dict[str, Any] = {
            "endpoint_id": endpoint.id,
            "description": endpoint.description,
            "reason": reason,
        }
        facts |= {"failing_since": gate.failing_since.isoformat(), "failures": gate.failures}
        if worn < 100:
            self._tell(
                connection, endpoint.tenant, "endpoint.failing", facts=facts | {"percent": worn}, now=now
            )
            return replace(gate, warned=worn)
        switch_off(self._store, connection, endpoint.id, reason=reason)
        self._directory.refresh(connection)
        self._tell(connection, endpoint.tenant, "endpoint.disabled", facts=facts, now=now)
        return replace(gate, warned=worn, paused_at=gate.paused_at or now)

    def _tell_of_exhausted(self, connection: Connection, dead: Sequence[Outcome], now: datetime) -> None:
        wanted = [each for each in dead if self._is_wanted(each.work.tenant, "delivery.exhausted")]
        if not wanted:
            return
        ids = sorted({each.work.subject_id for each in wanted})
        silent = set(connection.scalars(self._read_told, {"ids": ids}))
        for outcome in wanted:
            part = outcome.work
            if part.subject_id not in silent:
                facts: dict[str, Any] = {
                    "delivery_id": part.id,
                    "message_id": part.subject_id,
                    "endpoint_id": part.target,
                }
                facts |= {"attempts": part.attempt_count, "error_code": outcome.attempt.error_code}
                self._tell(connection, part.tenant, "delivery.exhausted", facts=facts, now=now)

    def _is_wanted(self, tenant: str, event: str) -> bool:
        return bool(self._directory.subscribers(tenant, event, operational=True))

    def _tell(
        self, connection: Connection, tenant: str, event: str, *, facts: Mapping[str, Any], now: datetime
    ) -> None:
        """Publish an operational message, if an endpoint of the tenant wants it."""
        if not self._is_wanted(tenant, event):
            return
        message_id = self._store.new_id("msg_")
        body = message_body(id=message_id, event=event, timestamp=now, data=dict(facts))
        message = Message(
            id=message_id, tenant=tenant, event=event, body=body, created_at=now, operational=True
        )
        self._messages.keep_all(connection, [(message, None)])


def _failed(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return those that failed by their endpoint's fault."""
    return [
        outcome
        for outcome in outcomes
        if outcome.attempt.status in FAILED and is_endpoints_fault(outcome.attempt.error_code)
    ]


def _after_successes(gate: Gate, outcomes: Sequence[Outcome]) -> Gate:
    """Return the gate after what went well: it knows of no failure, and an open breaker closes.

    What began before the breaker opened says nothing about it.
    """
    began = [
        outcome.attempt.started_at
        for outcome in outcomes
        if outcome.attempt.status == AttemptStatus.SUCCEEDED
    ]
    if not began or (gate.opened_at is not None and max(began) < gate.opened_at):
        return gate
    held = gate.opens_at if gate.opened_at is None and not gate.throttles else None
    return Gate(target=gate.target, paused_at=gate.paused_at, resume_rate=gate.resume_rate, opens_at=held)


def _later(moment: datetime | None, other: datetime) -> datetime:
    return other if moment is None else max(moment, other)
