"""The dashboard and the API inside host applications, with the hosts' own say about who may what."""

import asyncio
import json
from typing import Any

import pytest
from flask import Flask, session
from starlette.applications import Starlette
from starlette.routing import Mount
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from smart_api_integrations import Webhooks
from smart_api_integrations.core.access import ROLES, AuditFilter, Principal, Role
from smart_api_integrations.server.embedded import Beside, asgi_pages, wsgi_pages
from tests.asgi_call import call

OWN = {"sec-fetch-site": "same-origin"}
ANNA = Principal(id="user:7", name="Anna", scopes=ROLES[Role.OPERATOR], role=Role.OPERATOR)
NEW = {"url": "https://example.com/webhook", "events": ["*"]}


@pytest.fixture
def webhooks(tmp_path):
    made = Webhooks(database_url=f"sqlite:///{tmp_path}/webhooks.db", providers_dir=str(tmp_path / "none"))
    yield made
    made.stop()


def by_header(scope):
    """Let in whoever says who they are, as a host's middleware would have found out."""
    named = dict(scope["headers"]).get(b"x-user", b"").decode()
    return {"anna": ANNA, "viewer": "viewer"}.get(named)


class TestInTheHostsLoop:
    async def test_pages_and_api_are_under_the_prefix(self, webhooks):
        app = Starlette(routes=[Mount("/ops/hooks", asgi_pages(webhooks, by_header))])
        async with webhooks.lifespan():
            page = await call(app, "GET", "/ops/hooks/events", headers={"x-user": "viewer"})
            listed = await call(app, "GET", "/ops/hooks/api/webhooks", headers={"x-user": "viewer"})
            made = await call(
                app, "POST", "/ops/hooks/api/webhooks", json_body=NEW, headers={"x-user": "anna"} | OWN
            )
            refused = await call(
                app, "POST", "/ops/hooks/api/webhooks", json_body=NEW, headers={"x-user": "viewer"} | OWN
            )
            lines = await webhooks.platform.access.store.audit(AuditFilter())

        assert 'href="/ops/hooks/endpoints"' in page.text
        assert (page.status, listed.status, made.status, refused.status) == (200, 200, 201, 403)
        assert [(line.actor_id, line.actor_name, line.action) for line in reversed(lines)] == [
            ("user:7", "Anna", "register_webhook"),
            ("host:viewer", "viewer of the host", "register_webhook"),
        ]

    async def test_nobody_is_let_in_whom_the_host_does_not_know(self, webhooks):
        app = Starlette(routes=[Mount("/hooks", asgi_pages(webhooks, by_header))])
        async with webhooks.lifespan():
            answers = [
                await call(app, "GET", path) for path in ("/hooks/", "/hooks/api/stats", "/hooks/docs")
            ]

        assert [answer.status for answer in answers] == [403, 403, 403]

    async def test_the_hosts_cookies_change_nothing_for_another_site(self, webhooks):
        app = Starlette(routes=[Mount("/hooks", asgi_pages(webhooks, by_header))])
        async with webhooks.lifespan():
            answer = await call(app, "POST", "/hooks/api/webhooks", json_body=NEW, headers={"x-user": "anna"})

        assert (answer.status, answer.json()["code"]) == (403, "cross_site")


class TestInAnotherLoop:
    async def test_a_platform_of_its_own_thread_answers(self, webhooks):
        async def by_asking(scope):
            await asyncio.sleep(0)
            return by_header(scope)

        async def host(scope, receive, send):
            await send({"type": "http.response.start", "status": 299, "headers": []})
            await send({"type": "http.response.body", "body": scope["path"].encode()})

        app = Beside(host, "/hooks/", asgi_pages(webhooks, by_asking))
        anna = {"x-user": "anna"} | OWN

        beside = await call(app, "GET", "/hooksx")
        made = await call(app, "POST", "/hooks/api/webhooks", json_body=NEW, headers=anna)
        listed = await call(app, "GET", "/hooks/api/webhooks", headers=anna)
        page = await call(app, "GET", "/hooks", headers=anna)

        assert (beside.status, beside.body) == (299, b"/hooksx")
        assert made.status == 201
        assert [entry["id"] for entry in listed.json()] == [made.json()["id"]]
        assert page.status == 200
        assert 'href="/hooks/events"' in page.text


class TestInFlask:
    @pytest.fixture
    def client(self, webhooks):
        app = Flask(__name__)
        app.secret_key = "for tests only"

        @app.get("/sign-in/<role>")
        def sign_in(role):
            session["role"] = role
            return "welcome"

        def authorise(environ):
            with app.request_context(environ):
                return session.get("role")

        pages: dict[str, Any] = {"/hooks": wsgi_pages(webhooks, authorise)}
        app.wsgi_app = DispatcherMiddleware(app.wsgi_app, pages)  # type: ignore[method-assign]
        return Client(app)

    def test_the_hosts_session_opens_the_pages(self, client):
        before = client.get("/hooks/")
        client.get("/sign-in/operator")
        page = client.get("/hooks/")
        made = client.post("/hooks/api/webhooks", json=NEW, headers={"Sec-Fetch-Site": "same-origin"})
        listed = client.get("/hooks/api/webhooks")
        form = client.post(
            "/hooks/endpoints",
            data={"url": "https://example.com/two", "events": "a.b"},
            headers={"Sec-Fetch-Site": "same-origin"},
        )

        assert (before.status_code, page.status_code) == (403, 200)
        assert 'href="/hooks/events"' in page.text
        assert made.status_code == 201
        assert [entry["id"] for entry in json.loads(listed.data)] == [made.json["id"]]
        assert form.status_code == 201

    def test_a_role_holds_and_other_sites_do_not_get_in(self, client):
        client.get("/sign-in/viewer")
        refused = client.post("/hooks/api/webhooks", json=NEW, headers={"Sec-Fetch-Site": "same-origin"})
        client.get("/sign-in/admin")
        cross = client.post("/hooks/api/webhooks", json=NEW, headers={"Sec-Fetch-Site": "cross-site"})

        assert (refused.status_code, refused.json["code"]) == (403, "scope_missing")
        assert (cross.status_code, cross.json["code"]) == (403, "cross_site")

    def test_the_hosts_own_pages_stay(self, client):
        assert client.get("/sign-in/viewer").text == "welcome"
