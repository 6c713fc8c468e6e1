"""Keys, roles, sessions and the audit log, over a real journal and the whole application."""

import asyncio
import json
import os
import re
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from smart_api_integrations.api import create_api
from smart_api_integrations.api.application import RESOURCES
from smart_api_integrations.api.permissions import OPERATIONS
from smart_api_integrations.application.access import NewKey
from smart_api_integrations.core.access import AuditFilter, Role
from smart_api_integrations.dashboard import create_dashboard
from smart_api_integrations.errors import ConfigurationError, StorageUnavailable
from smart_api_integrations.server.application import create_app
from smart_api_integrations.server.listening import check_exposure, has_stored_keys
from smart_api_integrations.settings import Settings
from tests.asgi_call import call
from tests.journal_scenes import everything, open_platform

OWN = {"sec-fetch-site": "same-origin"}
BROWSER = {"accept": "text/html"}
ENVIRONMENT = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


async def ingest(scope, receive, send):
    raise AssertionError


@pytest.fixture
async def platform(tmp_path):
    async with open_platform(tmp_path) as opened:
        yield opened


@pytest.fixture
async def ids(platform):
    return await everything(platform)


@pytest.fixture
def app(platform):
    return create_app(platform, ingest=ingest)


@pytest.fixture
async def keys(platform):
    """Return a header with a key of each role."""
    made = {role: await platform.access.create_key(NewKey(name=role, role=role)) for role in Role}
    return {role: {"authorization": f"Bearer {key.value}"} for role, key in made.items()}


async def audit(platform, **wanted):
    lines = await platform.access.store.audit(AuditFilter(**wanted))
    return [(line.action, line.target) for line in reversed(lines)]


class TestRoles:
    @pytest.mark.parametrize("role", Role)
    async def test_everybody_reads(self, app, ids, keys, role):
        for path in ("/api/received", "/api/stats", "/api/webhooks", "/api/deliveries", "/events", "/"):
            assert (await call(app, "GET", path, headers=keys[role])).status == 200, path

    async def test_a_viewer_changes_nothing(self, app, ids, keys, platform):
        refused = [
            ("POST", "/api/events/trigger", {"event": "a.b", "data": 1}),
            ("POST", "/api/webhooks", {"url": "https://example.com/", "events": ["*"]}),
            ("DELETE", f"/api/webhooks/{ids['endpoint']}", None),
            ("POST", f"/api/dead-letters/{ids['dead']}/replay", None),
            ("GET", "/api/keys", None),
            ("POST", "/api/keys", {"name": "more", "role": "admin"}),
            ("GET", "/api/audit", None),
        ]
        for method, path, body in refused:
            answer = await call(app, method, path, json_body=body, headers=keys[Role.VIEWER])

            assert (answer.status, answer.json()["code"]) == (403, "scope_missing"), path
        form = await call(app, "POST", "/endpoints", form={"url": "x"}, headers=keys[Role.VIEWER])
        assert form.status == 403
        assert "write:endpoints" in form.text

    async def test_an_operator_is_no_administrator(self, app, keys):
        sent = {"event": "order.created", "data": {}}

        triggered = await call(app, "POST", "/api/events/trigger", json_body=sent, headers=keys["operator"])
        made = await call(app, "POST", "/api/keys", json_body={"name": "x"}, headers=keys["operator"])

        assert (triggered.status, made.status) == (202, 403)

    async def test_payloads_are_for_who_may_see_them(self, app, ids, keys, platform):
        event = f"/api/received/{ids['event']}"
        seen = await call(app, "GET", event, headers=keys[Role.OPERATOR])
        withheld = await call(app, "GET", event, headers=keys[Role.VIEWER])

        assert "refs/heads/main" in seen.text
        assert "refs/heads/main" not in withheld.text
        assert (withheld.json()["body"], withheld.json()["body_encoding"]) == (None, None)
        assert seen.json().keys() == withheld.json().keys()
        assert ("line 41" in seen.text, "line 41" in withheld.text) == (True, False)

    async def test_pages_withhold_them_too(self, app, ids, keys):
        pages = [f"/events/{ids['event']}?body={tab}" for tab in ("pretty", "raw", "headers")]
        pages += [f"/messages/{ids['message']}", f"/events/{ids['event']}"]
        for path in pages:
            answer = await call(app, "GET", path, headers=keys[Role.VIEWER])

            assert answer.status == 200
            assert "refs/heads" not in answer.text, path
            assert "line 41" not in answer.text, path
        body = await call(app, "GET", f"/events/{ids['event']}/body", headers=keys[Role.VIEWER])
        assert body.status == 403

    async def test_every_operation_names_its_scope(self, platform):
        names = {route.name for resource in RESOURCES for route in resource.create_router(platform).routes}

        assert names == set(OPERATIONS)

    async def test_an_application_without_a_shell_answers_nobody(self, platform):
        bare = await call(create_api(platform), "GET", "/api/stats")
        page = await call(create_dashboard(platform), "GET", "/events")

        assert (bare.status, page.status) == (401, 401)


class TestKeys:
    async def test_a_key_is_told_once(self, app, platform):
        made = await call(app, "POST", "/api/keys", json_body={"name": "ci", "role": "admin"})
        value = made.json()["key"]
        shown = {"authorization": f"Bearer {value}"}
        later = await call(app, "GET", f"/api/keys/{made.json()['id']}", headers=shown)
        listed = await call(app, "GET", "/api/keys", headers=shown)

        assert (made.status, made.headers["location"]) == (201, f"/api/keys/{made.json()['id']}")
        assert re.fullmatch(r"whk_[\w-]{43}", value)
        assert later.json()["prefix"] == value[:12]
        for answer in (later, listed):
            assert value not in answer.text
        assert value not in (await platform.access.store.keys()).__repr__()

    async def test_the_first_key_closes_the_doors(self, app, platform):
        before = await call(app, "GET", "/api/stats")
        await platform.access.create_key(NewKey(name="first", role="viewer"))
        after = await call(app, "GET", "/api/stats")

        assert (before.status, after.status) == (200, 401)

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({}, 422),
            ({"role": "owner"}, 422),
            ({"role": "viewer", "scopes": ["replay"]}, 422),
            ({"scopes": ["everything"]}, 422),
            ({"role": "viewer", "expires_in_days": 0}, 422),
            ({"role": "viewer", "name": "\u202e"}, 422),
            ({"scopes": ["replay", "replay"]}, 201),
        ],
    )
    async def test_what_cannot_be_made_is_refused(self, app, change, status):
        answer = await call(app, "POST", "/api/keys", json_body={"name": "ci"} | change)

        assert answer.status == status

    async def test_a_revoked_key_and_its_sessions_end_at_once(self, app, platform, keys):
        made = await platform.access.create_key(NewKey(name="lost", role="admin"))
        _, cookie = await platform.access.sign_in(made.value)
        lost = {"authorization": f"Bearer {made.value}"}

        gone = await call(app, "DELETE", f"/api/keys/{made.key.id}", headers=keys["admin"])

        assert gone.status == 204
        assert (await call(app, "GET", "/api/stats", headers=lost)).status == 401
        assert (await call(app, "GET", "/", headers={"cookie": f"webhooks_session={cookie}"})).status == 401

    async def test_a_rotated_key_overlaps(self, app, platform, keys):
        old = await platform.access.create_key(
            NewKey(name="shop", scopes=["send:events"], lifetime=timedelta(days=9))
        )
        answer = await call(
            app,
            "POST",
            f"/api/keys/{old.key.id}/rotate",
            json_body={"overlap_hours": 1},
            headers=keys["admin"],
        )
        new = answer.json()

        assert (new["name"], new["scopes"]) == ("shop", ["send:events"])
        assert await platform.access.holder_of(old.value) is not None
        assert await platform.access.holder_of(new["key"]) is not None
        ended = await platform.access.store.key(old.key.id)
        assert ended.expires_at - platform.journal.now() < timedelta(hours=1)
        at_once = await platform.access.rotate_key(new["id"], overlap=timedelta(0))
        assert await platform.access.holder_of(new["key"]) is None
        assert await platform.access.holder_of(at_once.value) is not None

    async def test_when_a_key_was_used_is_noted_without_waiting_for_it(self, platform):
        made = await platform.access.create_key(NewKey(name="ci", role="viewer"))
        for _ in range(3):
            await platform.access.holder_of(made.value)
        await platform.access.close()

        used = await platform.access.store.key(made.key.id)

        assert used.last_used_at is not None

    async def test_keys_of_the_settings_are_administrators(self, tmp_path):
        async with open_platform(tmp_path, api_keys=("whk_of-the-settings",)) as platform:
            app = create_app(platform, ingest=ingest)
            shown = {"authorization": "Bearer whk_of-the-settings"}

            assert (await call(app, "GET", "/api/keys", headers=shown)).status == 200

    async def test_a_store_that_is_away_lets_nobody_in(self, app, platform, monkeypatch, keys):
        async def away(*_):
            raise StorageUnavailable

        monkeypatch.setattr(platform.journal.access, "key_of", away)

        answer = await call(app, "GET", "/api/stats", headers=keys["admin"])

        assert (answer.status, answer.headers["retry-after"]) == (503, "5")

    async def test_a_stored_key_lets_a_server_listen_elsewhere(self, platform):
        settings = Settings(host="0.0.0.0", database_url=platform.settings.database_url)  # noqa: S104
        with pytest.raises(ConfigurationError, match="webhooks keys create"):
            check_exposure(settings, has_stored_keys=await has_stored_keys(settings))

        await platform.access.create_key(NewKey(name="first", role="admin"))

        check_exposure(settings, has_stored_keys=await has_stored_keys(settings))


class TestSigningIn:
    async def sign_in(self, app, key, **more):
        form = {"key": key, "next": "/events?status=failed"} | more
        return await call(app, "POST", "/login", form=form, headers=OWN)

    async def test_a_key_opens_a_session(self, app, platform):
        made = await platform.access.create_key(NewKey(name="anna", role="operator"))
        sent_away = await call(app, "GET", "/events", headers=BROWSER)
        answer = await self.sign_in(app, made.value)
        cookie = answer.headers["set-cookie"]
        session = {"cookie": cookie.partition(";")[0]} | BROWSER
        page = await call(app, "GET", "/events", headers=session)
        form = {"url": "https://example.com/hook", "events": "*"}
        added = await call(app, "POST", "/endpoints", form=form, headers=session | OWN)
        left = await call(app, "POST", "/logout", headers=session | OWN)
        after = await call(app, "GET", "/events", headers=session)

        assert (sent_away.status, sent_away.headers["location"]) == (303, "/login?next=%2Fevents")
        assert (answer.status, answer.headers["location"]) == (303, "/events?status=failed")
        assert {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=43200"} <= set(cookie.split("; "))
        assert (page.status, added.status, left.status, after.status) == (200, 201, 303, 303)
        assert await audit(platform, actor_id=made.key.id) == [
            ("sign_in", ""),
            ("POST /endpoints", ""),
            ("sign_out", ""),
        ]

    async def test_over_https_the_cookie_is_bound_to_the_host(self, app, platform):
        made = await platform.access.create_key(NewKey(name="anna", role="operator"))

        async def over_https(scope, receive, send):
            await app({**scope, "scheme": "https"}, receive, send)

        answer = await self.sign_in(over_https, made.value)

        assert answer.headers["set-cookie"].startswith("__Host-webhooks_session=")
        assert "Secure" in answer.headers["set-cookie"]

    async def test_a_wrong_key_is_counted(self, app, platform):
        made = await platform.access.create_key(NewKey(name="anna", role="operator"))
        tries = [await self.sign_in(app, "whk_wrong") for _ in range(6)]
        right = await self.sign_in(app, made.value)

        assert [answer.status for answer in tries] == [401] * 5 + [429]
        assert "4 tries left" in tries[0].text
        assert "whk_wrong" not in tries[0].text
        assert (right.status, right.headers["retry-after"]) == (429, "60")

    @pytest.mark.parametrize(
        "wanted", ["//evil.example", "https://evil.example", "/\\evil.example", "x", "/login"]
    )
    async def test_it_leads_nowhere_else(self, app, platform, wanted):
        made = await platform.access.create_key(NewKey(name="anna", role="viewer"))

        answer = await self.sign_in(app, made.value, next=wanted)

        assert answer.headers["location"] == "/"

    async def test_the_page_holds_what_was_asked_for_as_text(self, app):
        page = await call(app, "GET", "/login?next=/%22%3E%3Cscript%3E")

        assert page.status == 200
        assert "<script>" not in page.text
        assert "webhooks keys create" in page.text


class TestAudit:
    async def test_every_page_that_asks_for_payloads_is_logged(self, app, platform, ids):
        for page in ("body", "edit", "forward"):
            assert (await call(app, "GET", f"/events/{ids['event']}/{page}")).status == 200, page

        assert await audit(platform) == [("view_payload", ids["event"])] * 3

    async def test_changes_and_looks_at_payloads_are_logged(self, app, platform, ids, keys):
        admin = keys["admin"]
        new = {"url": "https://example.com/x", "events": ["*"]}
        made = (await call(app, "POST", "/api/webhooks", json_body=new, headers=admin)).json()["id"]
        await call(app, "PATCH", f"/api/webhooks/{made}", json_body={"active": False}, headers=admin)
        await call(app, "PATCH", "/api/webhooks/ep_unknown", json_body={"active": False}, headers=admin)
        await call(app, "DELETE", f"/api/webhooks/{made}", headers=keys["viewer"])
        await call(app, "GET", f"/api/received/{ids['event']}", headers=admin)
        await call(app, "GET", f"/api/received/{ids['event']}", headers=keys["viewer"])
        await call(app, "GET", f"/events/{ids['event']}", headers=admin)
        await call(app, "GET", "/api/received", headers=admin)

        assert await audit(platform) == [
            ("register_webhook", made),
            ("update_webhook", made),
            ("delete_webhook", made),
            ("view_payload", ids["event"]),
            ("view_payload", ids["event"]),
        ]
        lines = (await call(app, "GET", "/api/audit", headers=admin)).json()
        assert [line["actor_name"] for line in lines] == ["admin", "admin", "viewer", "admin", "admin"]
        assert lines[2]["details"] == {"refused": True}
        assert {line["remote_address"] for line in lines} == {"127.0.0.1"}

    async def test_no_line_holds_a_secret(self, app, platform):
        made = (await call(app, "POST", "/api/keys", json_body={"name": "ci", "role": "admin"})).json()
        admin = {"authorization": f"Bearer {made['key']}"}
        new = {"url": "https://example.com/x", "events": ["*"], "secret": "a secret of sixteen or more"}
        await call(app, "POST", "/api/webhooks", json_body=new, headers=admin)

        answer = await call(app, "GET", "/api/audit", headers=admin)

        assert len(answer.json()) == 2
        assert made["key"][12:] not in answer.text
        assert "a secret of" not in answer.text

    async def test_lines_are_filtered_and_paged(self, app, platform, ids):
        for name in ("event", "quiet", "dead"):
            await call(app, "GET", f"/api/received/{ids[name]}")

        first = await call(app, "GET", "/api/audit?action=view_payload&limit=2")
        rest = await call(app, "GET", first.headers["link"][1 : first.headers["link"].index(">")])
        one = await call(app, "GET", f"/api/audit?target={ids['quiet']}&actor_id=local")
        none = await call(app, "GET", "/api/audit?until=2020-01-01T00:00:00Z")

        assert [line["target"] for line in first.json() + rest.json()] == [
            ids[name] for name in ("dead", "quiet", "event")
        ]
        assert [line["target"] for line in one.json()] == [ids["quiet"]]
        assert none.json() == []

    async def test_a_log_that_cannot_be_written_is_told_and_the_change_stands(
        self, app, platform, monkeypatch, caplog
    ):
        async def away(*_):
            raise StorageUnavailable

        monkeypatch.setattr(platform.journal.access, "log", away)
        new = {"url": "https://example.com/x", "events": ["*"]}

        answer = await call(app, "POST", "/api/webhooks", json_body=new)

        assert answer.status == 201
        assert "audit log" in caplog.text


async def test_the_command_line_makes_a_key_that_the_server_takes(tmp_path):
    command = ["webhooks", "keys", "create", "ci", "--role", "viewer", "--json"]
    ran = await asyncio.create_subprocess_exec(
        *command, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, env=ENVIRONMENT
    )
    told, _ = await ran.communicate()
    made = json.loads(told)

    async with open_platform(tmp_path) as platform:
        who = await platform.access.holder_of(made["key"])
        lines = await platform.access.store.audit(AuditFilter())

    assert who is not None
    assert (who.id, who.role) == (made["id"], Role.VIEWER)
    assert [(line.actor_id, line.action, line.target) for line in lines] == [
        ("command", "create_key", made["id"])
    ]


async def test_an_issue_shows_no_traceback_to_who_may_see_no_payload(app, platform, ids, keys):
    (issue,) = [each for each in await platform.journal.issues.issues() if each.kind == "handling"][:1]
    path = f"/issues/{issue.id}"

    seen = await call(app, "GET", path, headers=keys[Role.OPERATOR])
    withheld = await call(app, "GET", path, headers=keys[Role.VIEWER])

    assert (seen.status, withheld.status) == (200, 200)
    assert "line 41" in seen.text
    assert "line 41" not in withheld.text
