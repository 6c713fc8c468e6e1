"""Who may ask, from which page: every rule of the shell around the API and the dashboard."""

import base64

import pytest

from smart_api_integrations.core.page_policy import HEADERS
from smart_api_integrations.server.security import (
    BODY_TOO_LARGE,
    CROSS_SITE,
    KEY_WRONG_API,
    KEY_WRONG_PAGE,
    LENGTH_NEEDED,
    NOT_LOOPBACK,
    AccessRules,
    SecurityShell,
    digest,
    refusal_of,
)
from tests.asgi_call import call

KEY = "whk_a-key-for-tests-only"
AT_HOME = AccessRules(keys=(), is_loopback=True, public_url=None, max_body_bytes=1000)
WITH_KEYS = AccessRules(
    keys=(digest("whk_another"), digest(KEY)),
    is_loopback=False,
    public_url="https://hooks.example.com",
    max_body_bytes=1000,
)


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
    def test_a_peer_elsewhere_is_refused_whatever_host_it_names(self, peer):
        assert refusal_of(scope() | {"client": peer}, AT_HOME) is NOT_LOOPBACK

    @pytest.mark.parametrize("peer", [("127.0.0.1", 1), ("127.9.9.9", 1), ("::1", 1)])
    def test_a_peer_at_this_machine_is_let_in(self, peer):
        assert refusal_of(scope() | {"client": peer}, AT_HOME) is None

    @pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "[::1]:80", "127.8.9.1", "LOCALHOST:1"])
    def test_loopback_names_are_let_in(self, host):
        assert refusal_of(scope(host=host), AT_HOME) is None

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
    def test_other_names_are_not_as_a_rebound_name_would_be(self, host):
        assert refusal_of(scope(host=host), AT_HOME) is NOT_LOOPBACK

    @pytest.mark.parametrize(
        "header", ["x_forwarded_for", "forwarded", "via", "x_forwarded_host", "cf_connecting_ip"]
    )
    def test_what_came_through_a_tunnel_is_not_at_home(self, header):
        assert refusal_of(scope(**{header: "203.0.113.9"}), AT_HOME) is NOT_LOOPBACK

    def test_a_server_that_is_not_bound_to_loopback_lets_nobody_in(self):
        rules = AccessRules(keys=(), is_loopback=False, public_url=None, max_body_bytes=1)

        assert refusal_of(scope(), rules) is NOT_LOOPBACK

    def test_the_public_name_needs_a_key(self):
        rules = AccessRules(
            keys=(), is_loopback=True, public_url="https://hooks.example.com", max_body_bytes=1
        )

        assert refusal_of(scope(host="hooks.example.com"), rules) is NOT_LOOPBACK


class TestWithKeys:
    @pytest.mark.parametrize("path", ["/api/stats", "/api", "/openapi.json"])
    def test_the_api_takes_a_bearer_key(self, path):
        assert refusal_of(scope(path=path, authorization=f"Bearer {KEY}"), WITH_KEYS) is None

    @pytest.mark.parametrize(
        "shown", [None, "Bearer", "Bearer wrong", f"Token {KEY}", basic(KEY), "Bearer " + KEY[:-1]]
    )
    def test_the_api_takes_nothing_else(self, shown):
        assert refusal_of(scope(path="/api/stats", authorization=shown), WITH_KEYS) is KEY_WRONG_API

    def test_the_dashboard_takes_a_key_as_the_password(self):
        assert refusal_of(scope(authorization=basic(KEY)), WITH_KEYS) is None

    @pytest.mark.parametrize(
        "shown", [None, "Basic", "Basic !!!", "Basic /w==", basic("wrong"), basic(""), f"Bearer {KEY}"]
    )
    def test_the_dashboard_takes_nothing_else(self, shown):
        assert refusal_of(scope(authorization=shown), WITH_KEYS) is KEY_WRONG_PAGE

    def test_any_host_name_will_do(self):
        assert refusal_of(scope(host="anything.example", authorization=basic(KEY)), WITH_KEYS) is None

    def test_a_program_with_a_key_may_post_from_anywhere(self):
        headers = {"authorization": f"Bearer {KEY}", "origin": "https://elsewhere.example"}

        assert refusal_of(scope("POST", "/api/events/trigger", **headers), WITH_KEYS) is None


class TestCrossSite:
    @pytest.mark.parametrize("site", ["cross-site", "same-site", "none", "anything"])
    def test_a_form_of_another_page_changes_nothing(self, site):
        assert refusal_of(scope("POST", "/endpoints", sec_fetch_site=site), AT_HOME) is CROSS_SITE

    def test_our_own_forms_do(self):
        assert refusal_of(scope("POST", "/endpoints", sec_fetch_site="same-origin"), AT_HOME) is None

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
    def test_another_origin_changes_nothing_where_a_browser_sends_no_metadata(self, origin):
        assert refusal_of(scope("DELETE", "/api/webhooks/ep_1", origin=origin), AT_HOME) is CROSS_SITE

    @pytest.mark.parametrize("origin", ["http://127.0.0.1:8000", "https://127.0.0.1:8000"])
    def test_our_own_origin_does_behind_tls_too(self, origin):
        assert refusal_of(scope("POST", "/endpoints", origin=origin), AT_HOME) is None

    def test_the_configured_origin_does_where_a_proxy_changes_the_host(self):
        headers = {"authorization": basic(KEY), "origin": "https://hooks.example.com"}

        assert refusal_of(scope("POST", "/endpoints", **headers), WITH_KEYS) is None

    def test_remembered_passwords_do_not_help_another_site(self):
        headers = {"authorization": basic(KEY), "sec_fetch_site": "cross-site"}

        assert refusal_of(scope("POST", "/endpoints", **headers), WITH_KEYS) is CROSS_SITE

    def test_a_program_sends_neither(self):
        assert refusal_of(scope("POST", "/api/events/trigger"), AT_HOME) is None

    def test_another_site_may_link_to_a_page(self):
        assert refusal_of(scope(sec_fetch_site="cross-site", sec_fetch_mode="navigate"), AT_HOME) is None

    def test_another_site_may_not_load_one(self):
        assert refusal_of(scope(sec_fetch_site="cross-site", sec_fetch_mode="no-cors"), AT_HOME) is CROSS_SITE


class TestBodies:
    def test_a_body_within_the_limit_passes(self):
        assert refusal_of(scope("POST", content_length="1000"), AT_HOME) is None

    @pytest.mark.parametrize("length", ["1001", "-1", "a", "99999999999999999999"])
    def test_a_larger_one_does_not(self, length):
        assert refusal_of(scope("POST", content_length=length), AT_HOME) is BODY_TOO_LARGE

    def test_one_of_unknown_length_does_not(self):
        assert refusal_of(scope("PATCH", transfer_encoding="chunked"), AT_HOME) is LENGTH_NEEDED


async def answer_ok(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"max-age=1")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.mark.parametrize(("host", "status"), [("localhost", 200), ("evil.example", 403)])
async def test_every_answer_carries_the_headers(host, status):
    answer = await call(SecurityShell(answer_ok, AT_HOME), "GET", "/", headers={"host": host})

    assert answer.status == status
    assert {name.lower(): value for name, value in HEADERS.items()}.items() <= answer.headers.items()


async def test_what_an_answer_says_of_caching_holds():
    answer = await call(SecurityShell(answer_ok, AT_HOME), "GET", "/")

    assert answer.headers["cache-control"] == "max-age=1"


async def test_a_refusal_is_a_problem_that_says_what_to_do_and_is_not_kept():
    answer = await call(SecurityShell(answer_ok, AT_HOME), "GET", "/", headers={"host": "evil.example"})

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["code"] == "key_needed"
    assert "WEBHOOKS_API_KEYS" in answer.json()["hint"]


async def test_a_missing_key_is_asked_for():
    answer = await call(SecurityShell(answer_ok, WITH_KEYS), "GET", "/")

    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")


async def test_no_page_opens_a_socket():
    async def unasked(*_given):
        raise AssertionError

    await SecurityShell(answer_ok, AT_HOME)({"type": "websocket"}, unasked, unasked)
