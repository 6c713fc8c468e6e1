"""Where the journal stands, read from what it keeps anyway. Floor 3."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select

from smart_api_integrations.core.changes import COUNTED, Mark, version_of
from smart_api_integrations.storage.column_types import EPOCH
from smart_api_integrations.storage.counters import MINUTE
from smart_api_integrations.storage.tables import subscriptions_version, traffic

_sums = (
    select(traffic.c.measure, func.sum(traffic.c.n))
    .where(traffic.c.minute >= bindparam("since"))
    .group_by(traffic.c.measure)
)
_versions = select(subscriptions_version.c.version, subscriptions_version.c.gates).where(
    subscriptions_version.c.id == 1
)


def read_mark(connection: Connection, since: datetime) -> Mark:
    """Sum the counters from the minute of *since* on: a few rows for every minute and process."""
    minute = (since - EPOCH) // MINUTE
    sums = {measure: int(n) for measure, n in connection.execute(_sums, {"since": minute})}
    versions = connection.execute(_versions).one_or_none()
    return Mark(
        since=minute,
        counts=tuple(sums.get(name, 0) for name in COUNTED),
        version=version_of(versions or ()),
    )
