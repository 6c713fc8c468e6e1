"""Promises of the view that templates read."""

from __future__ import annotations

import pytest

from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import MalformedRequest

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def view(body: bytes = b"{}", *, headers=None, query: str = "", **options) -> RequestView:
    return RequestView(RawRequest(headers=Headers(headers or {}), body=body, query=query), **options)


def test_a_body_is_parsed_once_however_often_it_is_read():
    calls = []

    def parse(body: bytes):
        calls.append(body)
        return {"a": 1}

    made = view(b"[1]", parse_json=parse)

    assert made.json == made.json == made.payload == {"a": 1}
    assert calls == [b"[1]"]


def test_nothing_is_parsed_before_it_is_read():
    view(b"\xff not json", query="%ff", headers=FORM)


def test_a_form_is_a_mapping_with_repeated_fields_as_lists():
    assert view(b"a=1&b=2&b=3&c=", headers=FORM).payload == {"a": "1", "b": ["2", "3"], "c": ""}


def test_a_form_whose_json_field_is_absent_is_an_ordinary_form():
    made = view(b"command=%2Fgo", headers=FORM, form_json_field="payload")

    assert made.payload == {"command": "/go"}
    assert made.json is None


def test_a_form_field_that_should_hold_json_must_hold_it():
    with pytest.raises(MalformedRequest):
        _ = view(b"payload=nope", headers=FORM, form_json_field="payload").payload


def test_an_unsigned_content_type_cannot_turn_json_into_a_form():
    made = view(b' {"a":"&payload={}"}', headers=FORM, form_json_field="payload")

    assert made.form is None
    assert made.payload == {"a": "&payload={}"}


XML = {"Content-Type": "application/xml; charset=utf-8"}


@pytest.mark.parametrize("kind", ["application/xml", "TEXT/XML ; charset=utf-8", "application/soap+xml"])
def test_an_xml_body_is_a_mapping_that_templates_read_as_json(kind):
    made = view(b"<order><id>7</id></order>", headers={"Content-Type": kind})

    assert made.payload == made.json == made.json_numbers_as_text == {"order": {"id": "7"}}


def test_xml_that_cannot_be_read_is_malformed():
    with pytest.raises(MalformedRequest):
        _ = view(b"<order>", headers=XML).payload


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream", "application/xml", "text/csv"])
def test_what_begins_like_json_is_json_whatever_its_content_type(kind):
    assert view(b' {"a": 1}', headers={"Content-Type": kind}).payload == {"a": 1}


@pytest.mark.parametrize(
    ("body", "payload"),
    [(b"a;b\n1;2", "a;b\n1;2"), ("é".encode(), "é"), (b"", ""), (b"\xff\x00", b"\xff\x00")],
)
def test_any_other_body_is_its_text_or_its_bytes(body, payload):
    made = view(body, headers={"Content-Type": "text/csv"})

    assert made.payload == payload
    assert made.json is None
    assert made.json_numbers_as_text is None


@pytest.mark.parametrize("kind", [None, "application/json", "application/cloudevents+json", "text/json"])
def test_a_body_that_should_be_json_must_be(kind):
    with pytest.raises(MalformedRequest):
        _ = view(b"invalid json", headers={} if kind is None else {"Content-Type": kind}).payload


@pytest.mark.parametrize("body", [b"a=%ff", b"a=\xff", b"&".join(b"a=1" for _ in range(1001))])
def test_a_form_that_cannot_be_read_is_malformed(body):
    with pytest.raises(MalformedRequest):
        _ = view(body, headers=FORM).payload


@pytest.mark.parametrize("body", [b"", b"\xff", b"{", b"NaN", b"[" * 100_000, b'{"a":' + b"9" * 5000 + b"}"])
def test_a_body_that_is_no_json_is_malformed(body):
    with pytest.raises(MalformedRequest):
        _ = view(body).payload


def test_a_query_parameter_that_is_there_twice_is_refused():
    with pytest.raises(MalformedRequest, match="query parameter a"):
        view(query="a=1&a=2").query_value("a")


def test_numbers_keep_the_text_they_were_sent_as_and_other_faults_are_malformed():
    made = view(b'{"n":1.50}')

    assert made.json_numbers_as_text is made.json_numbers_as_text
    assert made.json_numbers_as_text == {"n": "1.50"}
    with pytest.raises(MalformedRequest):
        _ = view(b"[").json_numbers_as_text


def test_a_content_type_that_is_there_twice_is_refused():
    with pytest.raises(MalformedRequest):
        _ = view(
            b"a=1", headers=[("Content-Type", FORM["Content-Type"]), ("content-type", "text/plain")]
        ).payload


def test_a_query_string_is_read_by_name_as_often_as_wanted():
    made = view(query="a=1&b=%C3%A9")

    assert (made.query_value("a"), made.query_value("b"), made.query_value("c")) == ("1", "é", None)
