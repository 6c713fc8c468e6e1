"""What the three health pages say, to whom, and when a process should get no more requests."""

from __future__ import annotations

import json

import pytest

from smart_api_integrations.errors import StorageUnavailable
from smart_api_integrations.server import health
from smart_api_integrations.server.health import Health
from tests.asgi_call import call


class Store:
    def __init__(self) -> None:
        self.is_away = False
        self.asked = 0

    async def check(self) -> None:
        self.asked += 1
        if self.is_away:
            raise StorageUnavailable


async def asked(app: Health, path: str) -> tuple[int, dict[str, object]]:
    answer = await call(app, "GET", path)
    return answer.status, json.loads(answer.body)


@pytest.fixture
def store():
    return Store()


async def test_health_is_the_fourth_guides_body(store):
    status, body = await asked(Health(store), "/health")

    assert status == 200
    assert body["status"] == "healthy"
    assert body["service"] == "webhook-gateway"


async def test_a_store_that_is_away_makes_it_not_ready_and_it_lives_all_the_same(store):
    store.is_away = True
    app = Health(store, worker=lambda: "ok")

    assert await asked(app, "/livez") == (200, {"status": "alive"})
    assert await asked(app, "/readyz") == (
        503,
        {"status": "not ready", "checks": {"store": "unavailable", "worker": "ok", "stop": "ok"}},
    )
    assert (await asked(app, "/health"))[0] == 503


@pytest.mark.parametrize(("worker", "status"), [("ok", 200), ("elsewhere", 200), ("not running", 503)])
async def test_a_worker_that_should_run_and_does_not_makes_it_not_ready(store, worker, status):
    assert (await asked(Health(store, worker=lambda: worker), "/readyz"))[0] == status


async def test_a_stop_that_has_begun_sends_requests_elsewhere(store):
    app = Health(store)
    assert (await asked(app, "/readyz"))[0] == 200

    app.drain()

    status, body = await asked(app, "/readyz")
    assert (status, body["checks"]) == (503, {"store": "ok", "worker": "elsewhere", "stop": "begun"})
    assert (await asked(app, "/livez"))[0] == 200


async def test_the_store_is_not_asked_for_everybody_who_asks(store, monkeypatch):
    app = Health(store)
    for _ in range(20):
        await asked(app, "/readyz")
    assert store.asked == 1

    monkeypatch.setattr(health, "KEPT_SECONDS", -1.0)
    await asked(app, "/readyz")

    assert store.asked == 2
