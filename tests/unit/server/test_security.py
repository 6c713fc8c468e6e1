"""Who may ask, from which page: every rule of the shell around the API and the dashboard."""

import base64
from dataclasses import replace

import pytest
from starlette.datastructures import Headers

from smart_api_integrations.core.access import ROLES, Principal, Role
from smart_api_integrations.core.page_policy import HEADERS
from smart_api_integrations.server.doorkeeper import Doorkeeper, HostDoorkeeper
from smart_api_integrations.server.refusals import (
    BODY_TOO_LARGE,
    CROSS_SITE,
    HOST_SAYS_NO,
    HOST_UNKNOWN,
    KEY_WRONG_API,
    KEY_WRONG_PAGE,
    LENGTH_NEEDED,
    NOT_LOOPBACK,
    Refusal,
)
from smart_api_integrations.server.security import AccessRules, SecurityShell
from tests.asgi_call import call

KEY = "whk_a-key-for-tests-only"
COOKIE = "a-session-for-tests-only"
SHOPKEEPER = Principal(id="key_1", name="shop", scopes=ROLES[Role.OPERATOR], role=Role.OPERATOR)
AT_HOME = AccessRules(is_loopback=True, public_url=None, max_body_bytes=1000)
WITH_KEYS = AccessRules(is_loopback=False, public_url="https://hooks.example.com", max_body_bytes=1000)


class Keys:
    """One key and one session; or none, where *rules* are those of a server without."""

    def __init__(self, *, exist):
        self.exist = exist

    async def needs_key(self):
        return self.exist

    async def holder_of(self, value):
        return SHOPKEEPER if value == KEY else None

    async def signed_in(self, cookie):
        return replace(SHOPKEEPER, by_cookie=True) if cookie == COOKIE else None


def shell(rules, *, clock=lambda: 0.0, per_minute=0, gatekeeper=None):
    keys = Keys(exist=rules.public_url is not None and not rules.is_loopback)
    doorkeeper = Doorkeeper(keys, per_minute=per_minute, clock=clock)
    return SecurityShell(answer_ok, rules, gatekeeper or doorkeeper)


async def refusal_of(scope, rules, **more):
    """Return why the shell lets a request go no further, or None."""
    verdict = await shell(rules, **more)._judge(scope, Headers(scope=scope), "192.0.2.1")
    return verdict if isinstance(verdict, Refusal) else None


def scope(method="GET", path="/", **headers):
    named = {"host": "127.0.0.1:8000"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return {
        "type": "http",
        "method": method,
        "path": path,
        "client": ("127.0.0.1", 50000),
        "headers": [(name.encode(), value.encode()) for name, value in named.items() if value is not None],
    }


def basic(password, user="anybody"):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class TestWithoutKeys:
    @pytest.mark.parametrize("peer", [("192.0.2.1", 5000), ("::ffff:192.0.2.1", 5000), ("", 0), None])
    async def test_a_peer_elsewhere_is_refused_whatever_host_it_names(self, peer):
        assert await refusal_of(scope() | {"client": peer}, AT_HOME) is NOT_LOOPBACK

    @pytest.mark.parametrize("peer", [("127.0.0.1", 1), ("127.9.9.9", 1), ("::1", 1)])
    async def test_a_peer_at_this_machine_is_let_in(self, peer):
        assert await refusal_of(scope() | {"client": peer}, AT_HOME) is None

    @pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "[::1]:80", "127.8.9.1", "LOCALHOST:1"])
    async def test_loopback_names_are_let_in(self, host):
        assert await refusal_of(scope(host=host), AT_HOME) is None

    @pytest.mark.parametrize(
        "host",
        [
            "evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.4",
            "localhost.evil.example",
            "",
            "[::1",
            None,
            "203.0.113.9",
        ],
    )
    async def test_other_names_are_not_as_a_rebound_name_would_be(self, host):
        assert await refusal_of(scope(host=host), AT_HOME) is NOT_LOOPBACK

    @pytest.mark.parametrize(
        "header", ["x_forwarded_for", "forwarded", "via", "x_forwarded_host", "cf_connecting_ip"]
    )
    async def test_what_came_through_a_tunnel_is_not_at_home(self, header):
        assert await refusal_of(scope(**{header: "203.0.113.9"}), AT_HOME) is NOT_LOOPBACK

    async def test_a_server_that_is_not_bound_to_loopback_lets_nobody_in(self):
        rules = AccessRules(is_loopback=False, public_url=None, max_body_bytes=1)

        assert await refusal_of(scope(), rules) is NOT_LOOPBACK

    async def test_the_public_name_needs_a_key(self):
        rules = AccessRules(is_loopback=True, public_url="https://hooks.example.com", max_body_bytes=1)

        assert await refusal_of(scope(host="hooks.example.com"), rules) is NOT_LOOPBACK


class TestWithKeys:
    @pytest.mark.parametrize("path", ["/api/stats", "/api", "/openapi.json"])
    async def test_the_api_takes_a_bearer_key(self, path):
        assert await refusal_of(scope(path=path, authorization=f"Bearer {KEY}"), WITH_KEYS) is None

    @pytest.mark.parametrize(
        "shown", [None, "Bearer", "Bearer wrong", f"Token {KEY}", basic("wrong"), "Bearer " + KEY[:-1]]
    )
    async def test_the_api_takes_nothing_else(self, shown):
        assert await refusal_of(scope(path="/api/stats", authorization=shown), WITH_KEYS) is KEY_WRONG_API

    async def test_the_dashboard_takes_a_key_as_the_password(self):
        assert await refusal_of(scope(authorization=basic(KEY)), WITH_KEYS) is None

    @pytest.mark.parametrize(
        "shown", [None, "Basic", "Basic !!!", "Basic /w==", basic("wrong"), basic(""), f"Token {KEY}"]
    )
    async def test_the_dashboard_takes_nothing_else(self, shown):
        assert await refusal_of(scope(authorization=shown), WITH_KEYS) is KEY_WRONG_PAGE

    async def test_any_host_name_will_do(self):
        assert await refusal_of(scope(host="anything.example", authorization=basic(KEY)), WITH_KEYS) is None

    async def test_a_program_with_a_key_may_post_from_anywhere(self):
        headers = {"authorization": f"Bearer {KEY}", "origin": "https://elsewhere.example"}

        assert await refusal_of(scope("POST", "/api/events/trigger", **headers), WITH_KEYS) is None


class TestCrossSite:
    @pytest.mark.parametrize("site", ["cross-site", "same-site", "none", "anything"])
    async def test_a_form_of_another_page_changes_nothing(self, site):
        assert await refusal_of(scope("POST", "/endpoints", sec_fetch_site=site), AT_HOME) is CROSS_SITE

    async def test_our_own_forms_do(self):
        assert await refusal_of(scope("POST", "/endpoints", sec_fetch_site="same-origin"), AT_HOME) is None

    @pytest.mark.parametrize(
        "origin",
        [
            "https://evil.example",
            "null",
            "http://127.0.0.1:9999",
            "http://localhost:8000",
            "file://",
            "http://[",
        ],
    )
    async def test_another_origin_changes_nothing_where_a_browser_sends_no_metadata(self, origin):
        assert await refusal_of(scope("DELETE", "/api/webhooks/ep_1", origin=origin), AT_HOME) is CROSS_SITE

    @pytest.mark.parametrize("origin", ["http://127.0.0.1:8000", "https://127.0.0.1:8000"])
    async def test_our_own_origin_does_behind_tls_too(self, origin):
        assert await refusal_of(scope("POST", "/endpoints", origin=origin), AT_HOME) is None

    async def test_the_configured_origin_does_where_a_proxy_changes_the_host(self):
        headers = {"authorization": basic(KEY), "origin": "https://hooks.example.com"}

        assert await refusal_of(scope("POST", "/endpoints", **headers), WITH_KEYS) is None

    async def test_remembered_passwords_do_not_help_another_site(self):
        headers = {"authorization": basic(KEY), "sec_fetch_site": "cross-site"}

        assert await refusal_of(scope("POST", "/endpoints", **headers), WITH_KEYS) is CROSS_SITE

    async def test_a_program_sends_neither(self):
        assert await refusal_of(scope("POST", "/api/events/trigger"), AT_HOME) is None

    async def test_another_site_may_link_to_a_page(self):
        assert (
            await refusal_of(scope(sec_fetch_site="cross-site", sec_fetch_mode="navigate"), AT_HOME) is None
        )

    async def test_another_site_may_not_load_one(self):
        assert (
            await refusal_of(scope(sec_fetch_site="cross-site", sec_fetch_mode="no-cors"), AT_HOME)
            is CROSS_SITE
        )


class TestSessions:
    def cookie(self, value=COOKIE):
        return {"cookie": f"other=1; webhooks_session={value}", "accept": "text/html"}

    @pytest.mark.parametrize("path", ["/", "/api/stats", "/docs"])
    async def test_a_session_opens_pages_and_the_api(self, path):
        assert await refusal_of(scope(path=path, **self.cookie()), WITH_KEYS) is None

    async def test_an_unknown_session_does_not(self):
        assert await refusal_of(scope(**self.cookie("wrong")), WITH_KEYS) is KEY_WRONG_PAGE

    async def test_a_form_of_our_own_changes_something(self):
        headers = self.cookie() | {"sec_fetch_site": "same-origin"}

        assert await refusal_of(scope("POST", "/endpoints", **headers), WITH_KEYS) is None

    @pytest.mark.parametrize(
        "told", [{}, {"sec_fetch_site": "same-site"}, {"origin": "null"}, {"origin": "https://evil.example"}]
    )
    async def test_what_does_not_say_that_it_is_ours_changes_nothing(self, told):
        for path in ("/endpoints", "/api/webhooks"):
            asked = scope("POST", path, **self.cookie(), **told)

            assert await refusal_of(asked, WITH_KEYS) is CROSS_SITE

    async def test_a_form_of_another_site_signs_nobody_in(self):
        assert await refusal_of(scope("POST", "/login"), WITH_KEYS) is CROSS_SITE

    async def test_the_page_to_sign_in_is_open(self):
        for path in ("/login", "/static/app.css"):
            assert await refusal_of(scope(path=path), WITH_KEYS) is None

    async def test_who_opens_a_page_is_sent_to_sign_in(self):
        answer = await call(shell(WITH_KEYS), "GET", "/events?q=a%20b", headers={"accept": "text/html"})

        assert answer.status == 303
        assert answer.headers["location"] == "/login?next=%2Fevents%3Fq%3Da%2520b"


class TestLimits:
    async def test_a_key_may_ask_so_often_in_a_minute(self):
        asked = scope(path="/api/stats", authorization=f"Bearer {KEY}")
        now = [0.0]
        guarded = shell(WITH_KEYS, per_minute=2, clock=lambda: now[0])

        answers = [await guarded._judge(asked, Headers(scope=asked), "192.0.2.1") for _ in range(3)]
        now[0] = 30.0
        later = await guarded._judge(asked, Headers(scope=asked), "192.0.2.1")

        assert [getattr(answer, "status", None) for answer in answers] == [None, None, 429]
        assert answers[2].retry_after == 30
        assert later == SHOPKEEPER

    async def test_wrong_keys_are_told_to_wait_and_the_right_one_is_not(self):
        wrong = scope(path="/api/stats", authorization="Bearer wrong")
        right = scope(path="/api/stats", authorization=f"Bearer {KEY}")
        guarded = shell(WITH_KEYS)

        answers = [await guarded._judge(wrong, Headers(scope=wrong), "192.0.2.1") for _ in range(31)]

        assert [answer.status for answer in answers] == [401] * 30 + [429]
        assert await guarded._judge(right, Headers(scope=right), "192.0.2.1") == SHOPKEEPER


class TestHosts:
    @pytest.mark.parametrize(("host", "is_ours"), [("hooks.example:8000", True), ("other.example", False)])
    async def test_only_listed_names_are_answered(self, host, is_ours):
        rules = replace(WITH_KEYS, allowed_hosts=frozenset({"hooks.example"}))
        refusal = await refusal_of(scope(host=host, authorization=basic(KEY)), rules)

        assert refusal is (None if is_ours else HOST_UNKNOWN)


class TestInsideAHost:
    @pytest.mark.parametrize("answer", ["viewer", Role.VIEWER, SHOPKEEPER])
    async def test_the_host_says_who_may(self, answer):
        asked = scope() | {"client": ("203.0.113.9", 1)}

        assert await refusal_of(asked, AT_HOME, gatekeeper=HostDoorkeeper(lambda _: answer)) is None

    async def test_the_host_says_who_may_not(self):
        async def nobody(_scope):
            return None

        assert await refusal_of(scope(), AT_HOME, gatekeeper=HostDoorkeeper(nobody)) is HOST_SAYS_NO

    async def test_the_hosts_cookies_change_nothing_from_elsewhere(self):
        keeper = HostDoorkeeper(lambda _: "admin")
        asked = scope("POST", "/endpoints", authorization="Bearer of-the-host")

        assert await refusal_of(asked, AT_HOME, gatekeeper=keeper) is CROSS_SITE


class TestBodies:
    async def test_a_body_within_the_limit_passes(self):
        assert await refusal_of(scope("POST", content_length="1000"), AT_HOME) is None

    @pytest.mark.parametrize("length", ["1001", "-1", "a", "99999999999999999999"])
    async def test_a_larger_one_does_not(self, length):
        assert await refusal_of(scope("POST", content_length=length), AT_HOME) is BODY_TOO_LARGE

    async def test_one_of_unknown_length_does_not(self):
        assert await refusal_of(scope("PATCH", transfer_encoding="chunked"), AT_HOME) is LENGTH_NEEDED


async def answer_ok(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"max-age=1")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.mark.parametrize(("host", "status"), [("localhost", 200), ("evil.example", 403)])
async def test_every_answer_carries_the_headers(host, status):
    answer = await call(shell(AT_HOME), "GET", "/", headers={"host": host})

    assert answer.status == status
    assert {name.lower(): value for name, value in HEADERS.items()}.items() <= answer.headers.items()


async def test_what_an_answer_says_of_caching_holds():
    answer = await call(shell(AT_HOME), "GET", "/")

    assert answer.headers["cache-control"] == "max-age=1"


async def test_a_refusal_is_a_problem_that_says_what_to_do_and_is_not_kept():
    answer = await call(shell(AT_HOME), "GET", "/", headers={"host": "evil.example"})

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["code"] == "key_needed"
    assert "WEBHOOKS_API_KEYS" in answer.json()["hint"]


async def test_a_missing_key_is_asked_for():
    answer = await call(shell(WITH_KEYS), "GET", "/")

    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")


async def test_no_page_opens_a_socket():
    async def unasked(*_given):
        raise AssertionError

    await shell(AT_HOME)({"type": "websocket"}, unasked, unasked)
