"""The design that delivery is measured against: what one writes first.

    python benchmarks/naive_delivery.py DATABASE_URL SINK_URL COUNT

An ORM session and a transaction for each step (message, delivery, outcome), one shared aiohttp session, a
hundred deliveries at once. Prints how many messages a second were made, sent, and recorded as delivered.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import sys
import time
import uuid

import aiohttp
import uvloop
from sqlalchemy import ForeignKey, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

IN_FLIGHT = 100
SECRET = b"a secret of more than sixteen characters"


class Base(DeclarativeBase):
    """The naive schema."""


class Message(Base):
    """A message."""

    __tablename__ = "naive_messages"
    id: Mapped[str] = mapped_column(primary_key=True)
    body: Mapped[str]


class Delivery(Base):
    """A delivery of it."""

    __tablename__ = "naive_deliveries"
    id: Mapped[str] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(ForeignKey("naive_messages.id"))
    status: Mapped[str]
    response_code: Mapped[int | None]


class Attempt(Base):
    """A try of a delivery."""

    __tablename__ = "naive_attempts"
    id: Mapped[str] = mapped_column(primary_key=True)
    delivery_id: Mapped[str]
    response_code: Mapped[int]
    duration_ms: Mapped[float]


def data() -> dict[str, str]:
    """Return the 2 KB that every message carries."""
    return {"id": uuid.uuid4().hex, "padding": "x" * 1900}


async def run(database_url: str, sink: str, count: int) -> float:
    """Return messages a second."""
    url = database_url.replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(url, pool_size=IN_FLIGHT, max_overflow=0, connect_args=_arguments(url))
    if url.startswith("sqlite"):
        event.listen(engine, "connect", lambda connection, _: _durable(connection))
    Base.metadata.create_all(engine)
    left = iter(range(count))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT)) as session:
        began = time.perf_counter()
        await asyncio.gather(*(_deliver_on(engine, session, sink, left) for _ in range(IN_FLIGHT)))
    return count / (time.perf_counter() - began)


def _arguments(url: str) -> dict[str, object]:
    return {"check_same_thread": False, "timeout": 60} if url.startswith("sqlite") else {}


def _durable(connection: object) -> None:
    for pragma in ("journal_mode = wal", "synchronous = full"):
        connection.execute(f"pragma {pragma}")  # type: ignore[attr-defined]


async def _deliver_on(engine: object, session: aiohttp.ClientSession, sink: str, left: object) -> None:
    for _ in left:  # type: ignore[attr-defined]
        message_id, delivery_id = uuid.uuid4().hex, uuid.uuid4().hex
        body = json.dumps({"id": message_id, "event": "bench.made", "data": data()})
        with Session(engine) as database:  # type: ignore[arg-type]
            database.add(Message(id=message_id, body=body))
            database.commit()
        with Session(engine) as database:  # type: ignore[arg-type]
            database.add(
                Delivery(id=delivery_id, message_id=message_id, status="pending", response_code=None)
            )
            database.commit()
        signed = hmac.new(SECRET, body.encode(), hashlib.sha256).hexdigest()
        began = time.perf_counter()
        async with session.post(
            sink, data=body, headers={"X-Webhook-Signature": f"sha256={signed}"}
        ) as response:
            status = response.status
        with Session(engine) as database:  # type: ignore[arg-type]
            delivery = database.get(Delivery, delivery_id)
            assert delivery is not None
            delivery.status, delivery.response_code = "delivered", status
            took = (time.perf_counter() - began) * 1000
            database.add(
                Attempt(id=uuid.uuid4().hex, delivery_id=delivery_id, response_code=status, duration_ms=took)
            )
            database.commit()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(runner.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
