"""A message in the caller's own transaction: with its commit it is sent, with its rollback it never was."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from smart_api_integrations import Webhooks, publish
from smart_api_integrations.errors import ConfigurationError, InvalidInput
from tests.sink import SECRET, Sink, running_sink

KEYS = "a passphrase of more than sixteen characters"
POSTGRES = pytest.param("postgresql", marks=pytest.mark.postgres)
ENGINES = pytest.mark.parametrize("engine", ["sqlite", POSTGRES])


class Shop:
    """An application with a table of its own in the journal's database, and an endpoint that is told."""

    def __init__(self, url: str, webhooks: Webhooks, sink: Sink) -> None:
        self.url, self.webhooks, self.sink = url, webhooks, sink
        self.file = url.removeprefix("sqlite:///")
        self.alchemy = url.replace("postgresql:", "postgresql+psycopg:")

    @property
    def orders(self) -> int:
        engine = create_engine(self.alchemy)
        with engine.connect() as connection:
            count: int = connection.execute(text("SELECT count(*) FROM orders")).scalar_one()
        engine.dispose()
        return count


@pytest.fixture
def url(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path}/shop.db"
        return
    server = request.getfixturevalue("postgres_url")
    name = f"enlisting_{time.time_ns()}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
    yield server.rpartition("/")[0] + f"/{name}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def shop(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEBHOOKS_ALLOWED_NETWORKS", "127.0.0.0/8")
    monkeypatch.setenv("WEBHOOKS_ENCRYPTION_KEYS", KEYS)
    with running_sink() as sink, Webhooks(database_url=url) as webhooks:
        webhooks.call(webhooks.platform.endpoints.register(sink.url, ["order.*"], secret=SECRET))
        shop = Shop(url, webhooks, sink)
        engine = create_engine(shop.alchemy)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE orders (id INTEGER)"))
        engine.dispose()
        yield shop


@contextmanager
def by_dbapi(shop: Shop) -> Iterator[tuple[Any, Callable[[], Any], Callable[[], Any]]]:
    connection: Any = psycopg.connect(shop.url) if shop.url.startswith("p") else sqlite3.connect(shop.file)
    try:
        connection.execute("INSERT INTO orders VALUES (1)")
        yield connection, connection.commit, connection.rollback
    finally:
        connection.close()


@contextmanager
def by_connection(shop: Shop) -> Iterator[tuple[Any, Callable[[], Any], Callable[[], Any]]]:
    engine = create_engine(shop.alchemy)
    with engine.connect() as connection:
        connection.execute(text("INSERT INTO orders VALUES (1)"))
        yield connection, connection.commit, connection.rollback
    engine.dispose()


@contextmanager
def by_session(shop: Shop) -> Iterator[tuple[Any, Callable[[], Any], Callable[[], Any]]]:
    engine = create_engine(shop.alchemy)
    with Session(engine) as session:
        session.execute(text("INSERT INTO orders VALUES (1)"))
        yield session, session.commit, session.rollback
    engine.dispose()


WAYS = pytest.mark.parametrize("way", [by_dbapi, by_connection, by_session])


@ENGINES
@WAYS
def test_it_is_sent_with_the_commit_and_not_before(shop: Shop, way: Any) -> None:
    with way(shop) as (connection, commit, _):
        message_id = publish("order.created", {"id": 1}, {"by": "shop"}, connection=connection)
        assert not shop.sink.wait_for(1, seconds=0.7), "it was sent before the commit"
        commit()
        committed = time.monotonic()
        assert shop.sink.wait_for(1)
        took = time.monotonic() - committed

    assert set(shop.sink.documents) == {message_id}
    assert shop.sink.documents[message_id]["data"] == {"id": 1}
    assert shop.orders == 1
    assert took < 5, "a worker looks twice a second"


@ENGINES
@WAYS
def test_with_a_rollback_it_never_was(shop: Shop, way: Any) -> None:
    with way(shop) as (connection, _, rollback):
        publish("order.created", {"id": 1}, connection=connection)
        rollback()
    after = shop.webhooks.publish("order.paid", {"id": 2})

    assert shop.sink.wait_for(1)
    assert not shop.sink.wait_for(2, seconds=0.7)
    assert set(shop.sink.documents) == {after}
    assert shop.orders == 0
    messages = shop.webhooks.call(shop.webhooks.platform.journal.messages.messages())
    assert [message.id for message in messages] == [after]


@ENGINES
def test_what_is_asked_of_a_message_is_kept(shop: Shop) -> None:
    with by_dbapi(shop) as (connection, commit, _):
        first = shop.webhooks.publish("order.created", {}, ordering_key="7", connection=connection)
        delayed = shop.webhooks.publish("order.due", {}, delay=3600, connection=connection)
        commit()
    assert shop.sink.wait_for(1)

    kept = {each.id: each for each in shop.webhooks.call(shop.webhooks.platform.journal.messages.messages())}
    assert kept[first].ordering_key == "7"
    assert kept[delayed].deliver_at is not None
    assert set(shop.sink.documents) == {first}


@pytest.mark.parametrize("engine", [POSTGRES])
@pytest.mark.parametrize("kind", ["connection", "session", "psycopg"])
def test_a_coroutine_does_it_with_an_asynchronous_connection(shop: Shop, kind: str) -> None:
    async def run() -> tuple[str, str]:
        engine = create_async_engine(shop.alchemy)
        opened: Any = {
            "connection": engine.connect,
            "session": lambda: AsyncSession(engine),
            "psycopg": None,
        }[kind]
        context = opened() if opened else await psycopg.AsyncConnection.connect(shop.url)
        async with context as connection:
            lost = await publish.aio("order.lost", {}, connection=connection)
            await connection.rollback()
            kept = await publish.aio("order.created", {}, connection=connection)
            await connection.commit()
        await engine.dispose()
        return lost, kept

    _, kept = asyncio.run(run())

    assert shop.sink.wait_for(1)
    assert set(shop.sink.documents) == {kept}


@ENGINES
def test_another_database_is_refused_and_nothing_is_sent(
    shop: Shop, tmp_path: Path, postgres_url: str
) -> None:
    other: Any = (
        psycopg.connect(postgres_url) if shop.url.startswith("p") else sqlite3.connect(tmp_path / "o.db")
    )
    with pytest.raises(ConfigurationError, match="another database"):
        publish("order.created", {}, connection=other)
    other.close()

    wrong: Any = sqlite3.connect(":memory:")
    with pytest.raises(ConfigurationError, match=r"another database|is of sqlite"):
        publish("order.created", {}, connection=wrong)
    wrong.close()


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_cannot_be_used_is_refused(shop: Shop) -> None:
    with pytest.raises(ConfigurationError, match=r"builtins\.object"):
        publish("order.created", {}, connection=object())
    with by_dbapi(shop) as (connection, _, rollback):
        with pytest.raises(InvalidInput, match="idempotency_key"):
            publish("order.created", {}, idempotency_key="k", connection=connection)
        with pytest.raises(InvalidInput, match="data"):
            publish("order.created", object(), connection=connection)
        with pytest.raises(ConfigurationError, match=r"publish\(…\)"):
            asyncio.run(publish.aio("order.created", {}, connection=connection))
        rollback()


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize(("safe", "warnings"), [((99,), 0), ((0,), 1)])
def test_an_sqlite_that_may_corrupt_a_file_is_warned_of_once(
    shop: Shop,
    safe: tuple[int],
    warnings: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", safe)
    with caplog.at_level(logging.WARNING), by_dbapi(shop) as (connection, _, rollback):
        publish("order.created", {}, connection=connection)
        publish("order.created", {}, connection=connection)
        rollback()

    assert sum("application's own" in record.message for record in caplog.records) == warnings


@ENGINES
def test_what_was_committed_while_no_worker_ran_is_sent_by_the_next(shop: Shop) -> None:
    shop.webhooks.stop()
    shop.webhooks.open()
    with by_dbapi(shop) as (connection, commit, _):
        message_id = publish("order.created", {}, connection=connection)
        commit()
    shop.webhooks.start()

    assert shop.sink.wait_for(1)
    assert set(shop.sink.documents) == {message_id}
