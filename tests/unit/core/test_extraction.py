"""Promises about what a request says about itself."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.extraction import LONGEST_TEXT, Extraction, fit_text
from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.templates import compile_template
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import MalformedRequest


def read(body: bytes, headers=None, **templates):
    extraction = Extraction(**{name: compile_template(source) for name, source in templates.items()})
    return extraction.read(RequestView(RawRequest(headers=Headers(headers or {}), body=body)))


def test_type_and_id_are_found_without_being_told_where():
    assert read(b'{"event_type":"a","id":7}').event_type == "a"
    assert read(b'{"event":"b","id":7}').event_id == "7"
    assert read(b'{"type":"c","event":"b"}').event_type == "c"


def test_what_is_absent_is_none():
    found = read(b"{}", action="{json:action?}", occurred_at="{json:t}")

    assert (found.event_type, found.action, found.event_id, found.occurred_at) == (None, None, None, None)


@pytest.mark.parametrize(
    ("text", "when"), [("1700000000", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)), ('"x"', None)]
)
def test_a_time_that_cannot_be_read_counts_as_absent(text, when):
    assert read(f'{{"t":{text}}}'.encode(), occurred_at="{json:t}").occurred_at == when


def test_a_long_id_is_shortened_to_be_shown_but_whole_for_deduplication():
    found = read(b'{"id":"' + b"x" * 500 + b'"}')

    assert found.event_id == "x" * LONGEST_TEXT
    assert found.exact_event_id == b"x" * 500


def test_an_event_header_that_is_there_twice_is_malformed():
    with pytest.raises(MalformedRequest):
        read(b"{}", [("X-Event", "a"), ("X-Event", "b")], event_type="{header:X-Event}")


@given(st.binary(max_size=2000))
def test_whatever_is_received_what_is_shown_is_one_line_that_every_store_and_log_takes(received):
    text = fit_text(received)

    if text is not None:
        assert 1 <= len(text) <= LONGEST_TEXT
        assert len(text.splitlines()) == 1
        assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in text)
        text.encode()


def test_letters_of_every_script_stay():
    assert fit_text("заказ.создан ✓".encode()) == "заказ.создан ✓"


def seen(body: str, **headers: str) -> RequestView:
    return RequestView(RawRequest(headers=Headers(headers), body=body.encode()))


@pytest.mark.parametrize(
    ("template", "body", "payload"),
    [
        ("{base64:json:m.data}", '{"m":{"data":"eyJhIjoxfQ=="}}', {"a": 1}),
        ("{base64:json:m.data}", '{"m":{"data":"aGk="}}', "hi"),
        ("{base64:json:m.data}", '{"m":{"data":"/w=="}}', b"\xff"),
        ("{base64:json:m.data}", '{"m":{"data":"e2E="}}', "{a"),  # begins like JSON, and is none
        ("{base64:json:m.data}", '{"m":{"data":"%"}}', {"m": {"data": "%"}}),
        ("{base64:json:m.data}", '{"m":{}}', {"m": {}}),
        ("{json:Message}", '{"Message":"{\\"a\\":[1]}"}', {"a": [1]}),
        ("{json:data.object}", '{"data":{"object":{"a":1}}}', {"a": 1}),
        ("{json:data.0?}", '{"data":[[1,2]]}', [1, 2]),
        ("{json:data}", '{"data":[]}', []),
        ("{json:data|json:other}", '{"data":{"a":1}}', {"data": {"a": 1}}),
        ("{item:data}", '{"data":{"a":1}}', {"a": 1}),
    ],
)
def test_the_payload_may_be_a_part_of_the_request(template, body, payload):
    assert Extraction(payload=compile_template(template)).payload_of(seen(body)) == payload


def test_the_account_is_one_line_of_text():
    extraction = Extraction(account=compile_template("{header:X-Shop|json:account}"))

    assert extraction.account_of(seen("{}", **{"X-Shop": "mine.example"})) == "mine.example"
    assert extraction.account_of(seen('{"account":"acct\\n1"}')) == "acct\ufffd1"
    assert extraction.account_of(seen("{}")) is None
    assert Extraction().account_of(seen('{"account":"a"}')) is None
