"""What handlers see: headers however they are named, events built both ways, responses read both ways."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.webhook_schema import (
    Headers,
    WebhookEvent,
    WebhookResponse,
    parse_json,
    parse_kept_json,
)
from smart_api_integrations.errors import DuplicateKeys, InvalidInput, MalformedRequest


@pytest.mark.parametrize("name", ["X-Webhook-Signature", "x-webhook-signature", "HTTP_X_WEBHOOK_SIGNATURE"])
def test_a_header_is_found_however_its_name_is_written(name):
    headers = Headers([("X-Webhook-Signature", "abc")])
    assert headers[name] == headers.get(name) == "abc"
    assert name in headers


def test_a_repeated_header_keeps_its_values_apart():
    headers = Headers([("A", "1"), ("b", "x"), ("a", "2")])
    assert headers.get_all("A") == ("1", "2")
    assert (list(headers), len(headers)) == (["A", "b"], 2)


def test_middleware_can_set_and_remove_a_header():
    headers = Headers({"A": "1"})
    headers["X-Processed-At"] = "now"
    del headers["a"]
    assert dict(headers) == {"X-Processed-At": "now"}


def test_headers_never_show_their_values():
    assert "hunter2" not in repr(Headers({"Authorization": "hunter2"}))


def test_an_event_is_built_as_the_first_seed_does():
    event = WebhookEvent(
        id="evt_test_123",
        type="user.created",
        provider="myapi",
        webhook_name="default",
        payload={"data": {}},
        headers={},
        timestamp=datetime.now(UTC),
        verified=True,
    )
    assert (event.type, event.event_type, event.id) == ("user.created", "user.created", "evt_test_123")


def test_an_event_is_built_as_the_second_seed_does():
    event = WebhookEvent(
        provider="github", event_type="push", payload={"commits": []}, headers={"X-GitHub-Event": "push"}
    )
    assert (event.type, event.id, event.timestamp) == ("push", "", None)
    assert event.headers["x-github-event"] == "push"


def test_middleware_can_hand_things_to_handlers():
    event = WebhookEvent(provider="myapi", type="legacy.user.created", account_tier="gold")
    event.account = object()
    event.event_type = "user.created"
    assert (event.type, event.account_tier) == ("user.created", "gold")


def test_a_response_is_readable_both_ways():
    response = WebhookResponse(data={"user_id": 7, "success": "a key that is taken"})
    assert response["success"] is True
    assert response["data"]["user_id"] == 7
    assert response.json()["user_id"] == 7
    assert (response.status_code, response["status_code"]) == (200, 200)
    assert set(response) == {"success", "message", "data", "user_id"}


def test_a_body_of_its_own_stands_beside_what_the_response_says():
    response = WebhookResponse(body="<Response/>", content_type="text/xml", data={"replied": True})

    assert response.rendered() == (b"<Response/>", "text/xml")
    assert (response["replied"], response.status_code) == (True, 200)


@pytest.mark.parametrize(
    "content_type", ["text/xml\r\nX-Forged: 1", "text/xml\n", "xml", "", "text/plain; charset", "tёxt/xml"]
)
def test_a_content_type_that_is_none_is_refused_before_it_is_sent(content_type):
    with pytest.raises(InvalidInput, match="content_type"):
        WebhookResponse(body="x", content_type=content_type)


def test_a_content_type_without_a_body_is_refused():
    with pytest.raises(InvalidInput, match="beside a body"):
        WebhookResponse(data={"a": 1}, content_type="text/xml")


@given(st.binary(max_size=200))
def test_a_body_is_json_or_malformed_and_nothing_else(body):
    try:
        parse_json(body)
    except MalformedRequest:
        return


@pytest.mark.parametrize("body", [b"NaN", b"[Infinity]", b"\xff", b"", b"[" * 100_000, b"1" * 5000])
def test_what_breaks_parsers_is_malformed(body):
    with pytest.raises(MalformedRequest):
        parse_json(body)


def test_a_key_that_is_there_twice_is_malformed():
    with pytest.raises(DuplicateKeys):
        parse_json(b'{"data": {"a": 1, "a": 2}}')


def test_what_was_taken_in_before_is_still_read():
    """A body kept by a release that took the last of two equal keys still runs its handlers."""
    assert parse_kept_json(b'{"a": 1, "a": 2}') == {"a": 2}


def test_integers_stay_exact():
    assert parse_json(b"18446744073709551617") == 2**64 + 1


def test_headers_made_of_headers_keep_what_was_repeated():
    headers = Headers([("X-Tag", "a"), ("x-tag", "b")])

    assert Headers(headers).get_all("X-Tag") == ("a", "b")
