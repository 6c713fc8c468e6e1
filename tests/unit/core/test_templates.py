"""Promises of the expression language."""

from __future__ import annotations

import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.templates import compile_template
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import ConfigurationError, MalformedRequest

BODY = (
    b'{"type":"order.paid","nested":{"list":[{"id":"first"},{"id":"second"}]},"n":1E2,'
    b'"big":18446744073709551617,"yes":true,"no":false,"nothing":null,"zero":-0,"empty":""}'
)


def view(
    body: bytes = BODY, *, headers: dict[str, str] | list[tuple[str, str]] | None = None, query: str = ""
) -> RequestView:
    request = RawRequest(
        method="POST",
        path="/in",
        query=query,
        headers=Headers(headers or {}),
        body=body,
        public_url="https://h/in?a=1",
    )
    return RequestView(request)


def form_view(body: bytes, *, field: str | None = None) -> RequestView:
    headers = Headers({"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
    return RequestView(RawRequest(headers=headers, body=body), form_json_field=field)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("plain", b"plain"),
        ("", b""),
        ("{body}", BODY),
        ("{method} {path} {url}", b"POST /in https://h/in?a=1"),
        ("{json:type}", b"order.paid"),
        ("{json:nested.list.1.id}", b"second"),
        ("{json:nested.list.*.id}", b"first"),
        ("{json:n}", b"1E2"),
        ("{json:big}", b"18446744073709551617"),
        ("{json:zero}", b"-0"),
        ("{json:yes}{json:no}", b"truefalse"),
        ("{json:missing|json:type}", b"order.paid"),
        ("{json:missing?}", b""),
        ("{json:empty}", b""),
        ("{json:type}[.{json:action}]", b"order.paid"),
        ("{json:type}[.{json:nested.list.0.id}]", b"order.paid.first"),
        ("[accepted]", b"[accepted]"),
        ("{body_sha256}", hashlib.sha256(BODY).hexdigest().encode()),
        ("{sha256:body}", hashlib.sha256(BODY).hexdigest().encode()),
        ("{body_crc32}", str(zlib.crc32(BODY)).encode()),
        ("{sha256:json:type}", hashlib.sha256(b"order.paid").hexdigest().encode()),
        ("{base64:header:X-Data}", b"hello"),
        ("v0:{header:x-data}", b"v0:aGVsbG8="),
        ("{query:a}", b"1 2"),
    ],
)
def test_a_template_renders_what_it_says(template, expected):
    made = view(headers={"X-Data": "aGVsbG8="}, query="a=1+2")

    assert compile_template(template).render(made) == expected


@pytest.mark.parametrize(
    "template",
    [
        "{header:X-Absent}",
        "{json:absent}",
        "{json:nothing}",
        "{json:nested}",
        "{json:nested.list}",
        "{json:nested.list.9.id}",
        "{json:nested.list.-1.id}",
        "{json:type.further}",
        "{json:absent.*.x}",
        "{timestamp}.{body}",
        "{id}",
        "{form:x}",
        "{sorted_form}",
        "{query:absent}",
        "a{json:absent}b",
        "{base64:json:type}",
    ],
)
def test_what_is_absent_makes_the_whole_template_absent(template):
    assert compile_template(template).render(view()) is None
    assert compile_template(template).text(view()) is None


@pytest.mark.parametrize(
    ("template", "word"),
    [
        ("{body", "brace"),
        ("body}", "brace"),
        ("{{body}}", "brace"),
        ("[.{body}", "partner"),
        (".{body}]", "partner"),
        ("[a[{body}]]", "inside another"),
        ("{bdoy}", "did you mean 'body'"),
        ("{heder:X}", "did you mean 'header'"),
        ("{header:}", "without saying which"),
        ("{}", "unknown"),
        ("{body|}", "unknown"),
        ("{sha256:bdy}", "unknown"),
        ("{header}", "unknown"),
    ],
)
def test_a_template_that_cannot_be_meant_is_refused_when_it_is_read(template, word):
    with pytest.raises(ConfigurationError, match=word):
        compile_template(template)


def test_a_header_that_is_there_twice_is_refused_and_not_joined():
    twice = view(headers=[("X-Signature", "a"), ("x-signature", "b")])

    with pytest.raises(MalformedRequest, match="more than once"):
        compile_template("{header:X-Signature}").render(twice)


@pytest.mark.parametrize("spoofed", ["X_Signature", "HTTP_X_SIGNATURE"])
def test_a_header_written_with_underscores_is_another_header(spoofed):
    assert compile_template("{header:X-Signature}").render(view(headers={spoofed: "forged"})) is None


def test_the_bytes_of_a_header_come_back_as_they_were_on_the_wire():
    on_the_wire = "zażółć".encode()

    rendered = compile_template("{header:X}").render(view(headers={"X": on_the_wire.decode("latin-1")}))

    assert rendered == on_the_wire


@pytest.mark.parametrize(("value", "expected"), [("ż", "ż".encode()), ("\udcff", b"\xed\xb3\xbf")])
def test_a_header_that_is_no_latin_1_is_still_bytes(value, expected):
    assert compile_template("{header:X}").render(view(headers={"X": value})) == expected


def test_a_form_is_read_by_field_and_in_twilios_order():
    made = form_view(b"To=%2B1&From=2&Tags=b&Tags=a&Tags=b")

    assert compile_template("{form:To}").render(made) == b"+1"
    assert compile_template("{sorted_form}").render(made) == b"From2TagsaTagsbTo+1"
    with pytest.raises(MalformedRequest, match="more than once"):
        compile_template("{form:Tags}").render(made)


def test_json_inside_a_form_field_is_read_like_a_body():
    made = form_view(b"payload=%7B%22type%22%3A%22block_actions%22%2C%22n%22%3A1.50%7D", field="payload")

    assert compile_template("{json:type} {json:n}").render(made) == b"block_actions 1.50"


@given(st.binary(max_size=200))
def test_what_a_reference_brings_in_is_never_a_template_again(body):
    hostile = b"{timestamp}{json:x}[$&]" + body
    made = view(hostile)
    made.timestamp = b"17"

    assert compile_template("{timestamp}.{body}").render(made) == b"17." + hostile


@given(st.text(alphabet="{}[]|?:.a*json header", max_size=30), st.binary(max_size=60))
def test_any_text_compiles_or_is_a_configuration_error_and_then_renders_or_is_malformed(source, body):
    try:
        template = compile_template(source)
    except ConfigurationError:
        return
    try:
        rendered = template.render(view(body))
    except MalformedRequest:
        return
    assert rendered is None or isinstance(rendered, bytes)


@given(st.text(st.characters(blacklist_characters="{}[]", blacklist_categories=["Cs"])))
def test_text_without_braces_and_brackets_stands_for_itself(source):
    assert compile_template(source).render(view()) == source.encode()


def test_a_template_knows_what_it_reads():
    template = compile_template("{id}.{timestamp}.{header:A|header:B?}")

    assert [reference.kind for reference in template.references] == ["id", "timestamp", "header", "header"]
    assert template.reads("timestamp")
    assert not template.reads("body")
    assert str(template) == "{id}.{timestamp}.{header:A|header:B?}"
