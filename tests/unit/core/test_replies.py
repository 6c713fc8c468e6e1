"""Promises about answers that a YAML words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.replies import LONGEST, Reply, compile_reply, compile_wording
from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import ConfigurationError, MalformedRequest


def view(body: bytes = b"{}", *, query: str = "", headers=()) -> RequestView:
    return RequestView(RawRequest(headers=Headers(headers), body=body, query=query))


def render(block, seen=None, **computed: bytes) -> Reply:
    return compile_reply(block, tuple(computed)).render(seen or view(), computed)


def test_an_empty_block_is_an_empty_200():
    assert render({}) == Reply(status=200, body=b"", content_type="text/plain; charset=utf-8")


def test_a_body_is_echoed_as_plain_text():
    reply = render({"body": "{query:hub.challenge}"}, view(query="hub.challenge=%3Cb%3E1%3C%2Fb%3E"))

    assert reply.body == b"<b>1</b>"
    assert reply.content_type == "text/plain; charset=utf-8"


def test_json_texts_are_filled_and_escaped_and_everything_else_stays():
    block = {
        "json": {"type": 1, "on": True, "none": None, "list": ["{json:a}"], "inner": {"x": "v={json:a}"}}
    }

    reply = render(block, view(b'{"a": "q\\"}<b>"}'))

    assert json.loads(reply.body) == {
        "type": 1,
        "on": True,
        "none": None,
        "list": ['q"}<b>'],
        "inner": {"x": 'v=q"}<b>'},
    }
    assert reply.content_type == "application/json"


@given(st.text(max_size=200))
def test_whatever_a_request_holds_a_json_answer_stays_json_with_that_text(text):
    seen = view(json.dumps({"challenge": text}).encode())

    reply = render({"json": {"challenge": "{json:challenge}"}}, seen)

    assert json.loads(reply.body) == {"challenge": text}


def test_a_computed_value_is_named_like_a_reference():
    block = {"json": {"plain": "{json:t}", "signed": "sha256={digest}"}}

    assert json.loads(render(block, view(b'{"t":"a"}'), digest=b"00ff").body) == {
        "plain": "a",
        "signed": "sha256=00ff",
    }


def test_a_text_that_only_contains_a_computed_name_stays_text():
    assert render({"body": "digest {digest} adigesta"}, digest=b"x").body == b"digest x adigesta"


def test_what_a_request_brings_in_is_not_looked_at_again():
    assert (
        render({"body": "{json:t}"}, view(b'{"t":"{digest}{body}"}'), digest=b"x").body == b"{digest}{body}"
    )


def test_a_body_without_what_it_needs_is_no_answer():
    with pytest.raises(MalformedRequest, match="lacks"):
        render({"body": "{json:challenge}"})
    with pytest.raises(MalformedRequest, match="lacks"):
        render({"json": {"a": "{json:challenge}"}})


def test_a_header_without_what_it_needs_is_left_out():
    block = {"headers": {"WebHook-Allowed-Origin": "{header:O}", "WebHook-Allowed-Rate": "{header:R}"}}

    assert render(block, view(headers=[("O", "a.example")])).headers == (
        ("WebHook-Allowed-Origin", "a.example"),
    )


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x", "a\nb", "a\0b", "ü", "\x7f"])
def test_a_header_never_carries_more_than_one_line_of_plain_text(value):
    with pytest.raises(MalformedRequest, match="header"):
        render({"headers": {"X-Echo": "{json:v}"}}, view(json.dumps({"v": value}).encode()))


def test_an_answer_is_bounded():
    long = json.dumps({"c": "a" * LONGEST}).encode()

    assert len(render({"body": "{json:c}"}, view(long)).body) == LONGEST
    with pytest.raises(MalformedRequest, match="longer"):
        render({"body": "{json:c}!"}, view(long))


def test_bytes_that_are_no_text_are_not_echoed():
    with pytest.raises(MalformedRequest, match="UTF-8"):
        render({"body": "{body}"}, view(b"\xff"))


@pytest.mark.parametrize("content_type", ["text/html", "application/json", "image/svg+xml", "text/plainer"])
def test_a_requests_text_is_never_sent_as_a_page(content_type):
    with pytest.raises(ConfigurationError, match="text/plain"):
        compile_reply({"body": "{json:challenge}", "content_type": content_type})


def test_a_fixed_body_may_be_of_any_type_and_brackets_are_text():
    twilio = compile_reply({"body": "<Response/>", "content_type": "application/xml"}).fixed()
    adyen = compile_reply({"body": "[accepted]", "content_type": "text/plain"}).fixed()

    assert (twilio.body, twilio.content_type) == (b"<Response/>", "application/xml")
    assert (adyen.body, adyen.content_type) == (b"[accepted]", "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    "block", [{"body": "{json:id}"}, {"json": {"a": ["{body}"]}}, {"headers": {"X-A": "{header:B}"}}]
)
def test_an_answer_to_events_cannot_read_from_one(block):
    with pytest.raises(ConfigurationError, match="same for every event"):
        compile_reply(block).fixed()


def test_a_wording_that_is_no_template_is_refused():
    with pytest.raises(ConfigurationError, match="partner"):
        compile_wording("{json:a", ("digest",))
