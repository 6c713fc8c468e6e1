"""Counts by type, by answer and by duration, kept with what they count, for the charts. Floor 3.

A slot is five minutes, so that a week of one chart is a few thousand rows along the primary key.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from smart_api_integrations.core.histogram import bucket_of
from smart_api_integrations.core.journal import Attempt, ReceivedEvent
from smart_api_integrations.core.lifecycle import Kind
from smart_api_integrations.errors import InvalidInput
from smart_api_integrations.storage.column_types import EPOCH, storable
from smart_api_integrations.storage.dialect import Counts
from smart_api_integrations.storage.read_models import Tally
from smart_api_integrations.storage.store import Store
from smart_api_integrations.storage.tables import tallies

SLOT = timedelta(minutes=5)
LONGEST_LABEL = 100

TYPES, CODES, LATENCY = "type", "code", "latency"
"""What is counted: events by ``provider/type``, deliveries by their answer, durations by their bucket."""

ALL_DELIVERIES, ALL_HANDLINGS = "", "handlings"
"""Whose, where it is not one endpoint's."""

NO_ANSWER = "none"
Key = tuple[str, str, str, str]  # what, subject, label, tenant


def type_counts(store: Store, accepted: Iterable[ReceivedEvent], *, now: datetime) -> Counts:
    """Return what counts new events by their provider and type."""
    counted = Counter(
        (TYPES, "", _label(event.provider, event.event_type), event.tenant) for event in accepted
    )
    return _counts(store, counted, now=now)


def answer_counts(store: Store, ended: Sequence[tuple[str, Attempt]], *, now: datetime) -> Counts:
    """Return what counts attempts, each with its tenant: by duration, deliveries by their answer too."""
    counted: Counter[Key] = Counter()
    for tenant, attempt in ended:
        bucket = str(bucket_of(attempt.duration_ms))
        if attempt.kind is Kind.HANDLING:
            counted[LATENCY, ALL_HANDLINGS, bucket, tenant] += 1
            continue
        code = NO_ANSWER if attempt.response_code is None else str(attempt.response_code)
        for subject in (ALL_DELIVERIES, attempt.target):
            counted[LATENCY, subject, bucket, tenant] += 1
            counted[CODES, subject, code, tenant] += 1
    return _counts(store, counted, now=now)


def _counts(store: Store, counted: Mapping[Key, int], *, now: datetime) -> Counts:
    slot = (now - EPOCH) // SLOT
    return tallies, [
        (what, subject, slot, label, tenant, store.shard, n)
        for (what, subject, label, tenant), n in counted.items()
    ]


def _label(provider: str, kind: str | None) -> str:
    return storable(f"{provider}/{kind or ''}"[:LONGEST_LABEL])


def whole_slots(span: timedelta) -> int:
    """Return *span* in slots.

    Raises:
        InvalidInput: It is not a positive whole number of them.
    """
    if span < SLOT or span % SLOT:
        message = f"The step must be a whole number of five minutes, at least one; it is {span}"
        raise InvalidInput(message)
    return span // SLOT


def read_tallies(
    store: Store, connection: Connection, asked: tuple[str, str, timedelta, timedelta]
) -> list[Tally]:
    """Sum the counts of each step of the last so-and-so long; the last step is the one that runs."""
    what, subject, since, length = asked
    step = whole_slots(length)
    count = max(-(-since // length), 1)
    last = ((store.now() - EPOCH) // SLOT) // step
    place = tallies.c.slot // step
    statement = (
        select(place, tallies.c.label, func.sum(tallies.c.n))
        .where(
            tallies.c.what == what,
            tallies.c.subject == subject,
            tallies.c.slot >= (last - count + 1) * step,
            tallies.c.slot < (last + 1) * step,
        )
        .group_by(place, tallies.c.label)
    )
    sums: dict[int, dict[str, int]] = defaultdict(dict)
    for at, label, n in connection.execute(statement):
        sums[int(at)][label] = int(n)
    return [Tally(starts_at=EPOCH + at * length, counts=sums[at]) for at in range(last - count + 1, last + 1)]
