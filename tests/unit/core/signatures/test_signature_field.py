"""Promises about reading and writing signature fields."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.signatures.signature_field import (
    DECODERS,
    ENCODERS,
    MOST_PARTS,
    PartsList,
    SignatureField,
    TimestampField,
)
from smart_api_integrations.core.templates import compile_template
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import SignatureMalformed, SignatureMissing, TimestampMissing

COMMAS = PartsList(separator=",", pair="=", key="v1")


@given(st.binary(min_size=20, max_size=64), st.sampled_from(sorted(ENCODERS)))
def test_what_is_encoded_is_decoded_again(digest, encoding):
    assert DECODERS[encoding](ENCODERS[encoding](digest), len(digest)) == digest


@pytest.mark.parametrize("size", [20, 32, 64])
@pytest.mark.parametrize("encoding", ["hex", "base64", "base64url"])
def test_auto_tells_them_by_their_length(size, encoding):
    digest = b"\xfb\xff" * (size // 2)

    assert DECODERS["auto"](ENCODERS[encoding](digest), size) == digest


@given(st.binary(max_size=200), st.sampled_from(sorted(DECODERS)))
def test_whatever_the_bytes_they_decode_or_match_nothing(text, encoding):
    found = DECODERS[encoding](text, 32)

    assert found is None or isinstance(found, bytes)


def test_a_digest_has_one_base64_text():
    good = base64.b64encode(b"\0" * 32)
    other_unused_bits = good[:-2] + b"B="

    assert DECODERS["base64"](good, 32)
    assert DECODERS["base64"](other_unused_bits, 32) is None
    assert DECODERS["base64"](good + b"\n", 32) is None
    assert DECODERS["base64"](good.rstrip(b"="), 32) is None


def test_a_part_is_split_once_so_that_padding_stays():
    assert COMMAS.split(b"v1=YQ==,t=1,junk, v1=b") == [(b"v1", b"YQ=="), (b"t", b"1"), (b"v1", b"b")]


def test_a_list_beyond_all_measure_is_refused():
    assert len(COMMAS.split(b",".join([b"a=b"] * MOST_PARTS))) == MOST_PARTS
    with pytest.raises(SignatureMalformed):
        COMMAS.split(b",".join([b"a=b"] * (MOST_PARTS + 1)))


@pytest.mark.parametrize("value", [b"sha256=00", b"00"])
def test_an_optional_prefix_may_be_left_out(value):
    field = SignatureField(sources=(), prefix="sha256=", prefix_optional=True)

    assert field.candidates([value], digest_size=1) == [b"\0"]


def test_a_signature_is_written_as_the_provider_writes_it():
    field = SignatureField(sources=(compile_template("{header:A}"),), parts=COMMAS)

    assert field.write(b"\1", timestamp_part=("t", "7")) == "t=7,v1=01"


def test_every_number_of_a_numbered_header_is_read_in_order():
    field = SignatureField(sources=(compile_template("{header:X-Sign-*}"),))
    headers = Headers({"X-Sign-10": "c", "X-Sign-2": "b", "x-sign-1": "a", "X-Sign-": "d", "X-Sign-1x": "e"})

    assert field.read_values(RequestView(RawRequest(headers=headers, body=b""))) == [b"a", b"b", b"c"]


def test_a_numbered_header_that_is_there_twice_is_malformed_and_none_is_missing():
    field = SignatureField(sources=(compile_template("{header:X-Sign-*}"),))
    twice = Headers([("X-Sign-1", "a"), ("X-Sign-1", "b")])

    with pytest.raises(SignatureMalformed):
        field.read_values(RequestView(RawRequest(headers=twice, body=b"")))
    with pytest.raises(SignatureMissing):
        field.read_values(RequestView(RawRequest(headers=Headers({"X-Sign-1": " "}), body=b"")))


def test_a_time_that_is_a_part_of_no_list_is_missing():
    view = RequestView(RawRequest(headers=Headers(), body=b""))

    with pytest.raises(TimestampMissing):
        TimestampField(part="t").read(view, SignatureField(sources=()), [b"t=1"])
