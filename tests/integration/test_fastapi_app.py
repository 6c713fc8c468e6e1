"""FastAPI beyond its routes: ``verified``, routers, and lifespans of the application's own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fastapi import APIRouter, Depends, FastAPI

from smart_api_integrations import Webhooks
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.frameworks.fastapi import get_webhook_routes, register_webhook_routes, verified
from smart_api_integrations.testing.calling_apps import AsgiServer, Got
from smart_api_integrations.webhooks import WebhookEvent, WebhookHandler
from tests.github_requests import SECRET, signed_headers


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_WEBHOOK_SECRET", SECRET)
    get_webhook_registry().clear()
    yield
    get_webhook_registry().clear()


def send(app: FastAPI, target: str, **headers: str) -> Got:
    body = json.dumps({"ref": "main"}).encode()
    server = AsgiServer(app)
    try:
        return server.send("POST", target, list((signed_headers(body) | headers).items()), body)
    finally:
        server.close()


def own_route(provider: str = "github") -> FastAPI:
    app = FastAPI()

    @app.post("/own")
    async def own(
        event: WebhookEvent = Depends(verified(provider)),  # noqa: B008, FAST002 - the form that most know
    ) -> dict[str, object]:
        return {"type": event.type, "ref": event.payload["ref"], "verified": event.verified}

    return app


def test_a_route_of_ones_own_gets_the_verified_event() -> None:
    got = send(own_route(), "/own")

    assert (got.status, got.json()) == (200, {"type": "push", "ref": "main", "verified": True})


def test_what_does_not_verify_does_not_reach_it() -> None:
    got = send(own_route(), "/own", **{"x-hub-signature-256": "sha256=" + "0" * 64})

    assert (got.status, got.json()) == (401, {"detail": "The request could not be verified."})


def test_a_secret_that_is_missing_is_named_in_the_log_alone(caplog: pytest.LogCaptureFixture) -> None:
    got = send(own_route("stripe"), "/own")

    assert got.status == 503
    assert "STRIPE_WEBHOOK_SECRET" in caplog.text
    assert b"STRIPE" not in got.body


def test_routes_in_a_router_with_a_prefix_of_its_own() -> None:
    class Handler(WebhookHandler):
        provider = "github"

        def on_push(self, event):
            return self.success_response({"ref": event.payload["ref"]})

    app, router = FastAPI(), APIRouter(prefix="/hooks")
    router.include_router(get_webhook_routes("fastapi", {"github": Handler()}))
    app.include_router(router)

    assert send(app, "/hooks/webhooks/github/").json()["ref"] == "main"


def test_ways_in_are_no_part_of_the_api_description() -> None:
    app = FastAPI()
    register_webhook_routes(app)

    assert app.openapi()["paths"] == {}


def test_the_applications_own_lifespan_runs_inside(tmp_path: Path) -> None:
    seen: list[bool] = []
    webhooks = Webhooks(database_url=f"sqlite:///{tmp_path}/webhooks.db")

    @asynccontextmanager
    async def own(_: FastAPI) -> AsyncIterator[None]:
        seen.append(webhooks.is_running)
        yield
        seen.append(webhooks.is_running)

    app = FastAPI(lifespan=own)
    webhooks.init_app(app)

    assert send(app, "/webhooks/github").status == 200
    assert (seen, webhooks.is_running) == ([True, True], False)


def test_the_platforms_lifespan_can_be_the_applications(tmp_path: Path) -> None:
    webhooks = Webhooks(database_url=f"sqlite:///{tmp_path}/webhooks.db")
    app = FastAPI(lifespan=webhooks.lifespan)
    app.include_router(get_webhook_routes("fastapi", webhooks=webhooks))

    assert send(app, "/webhooks/github").status == 200
    assert not webhooks.is_running
