"""Promises of the hmac scheme: whose requests it believes, and how it says no."""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.signatures import Secret
from smart_api_integrations.core.signatures.scheme_options import hmac_scheme
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import (
    InvalidInput,
    SignatureMalformed,
    SignatureMismatch,
    SignatureMissing,
    TimestampInFuture,
    TimestampMalformed,
    TimestampMissing,
    TimestampTooOld,
)

NOW = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
TIME = "1700000000"
NEW = Secret(name="NEW", text="the-newest-secret", key=b"the-newest-secret")
OLD = Secret(name="NEW_OLD", text="the-older-secret", key=b"the-older-secret")
BODY = b'{"id":"evt_1"}'

PLAIN = hmac_scheme({"signature": {"from": "{header:S}", "prefix": "sha256="}})
LISTED = hmac_scheme(
    {
        "signature": {"from": "{header:S}", "list": {"separator": ",", "pair": "=", "key": "v1"}},
        "timestamp": {"part": "t"},
        "signed": "{timestamp}.{body}",
    }
)
TIMED = hmac_scheme(
    {
        "signature": {"from": "{header:S}", "encoding": "base64"},
        "timestamp": {"from": "{header:T}", "tolerance": 300, "future": 60},
        "signed": "{timestamp}{body}",
    }
)
NAMED = hmac_scheme(
    {
        "signature": {
            "from": "{header:S}",
            "list": {"separator": " ", "pair": ",", "key": "v1"},
            "encoding": "base64",
        },
        "timestamp": {"from": "{header:T}"},
        "id": "{header:I}",
        "signed": "{id}.{timestamp}.{body}",
    }
)


def digest(text: bytes, *, secret: Secret = NEW, algorithm: str = "sha256") -> bytes:
    return hmac.digest(secret.key, text, algorithm)


def verify(scheme, headers, *, body: bytes = BODY, now: datetime = NOW, secrets=(NEW, OLD)):
    view = RequestView(RawRequest(headers=Headers(headers), body=body))
    return scheme.verify(view, now=now, secrets=secrets)


def plain_headers(**options) -> dict[str, str]:
    return {"S": "sha256=" + digest(BODY, **options).hex()}


def timed_headers(time: str = TIME) -> dict[str, str]:
    return {"S": base64.b64encode(digest(time.encode() + BODY)).decode(), "T": time}


def test_a_good_request_verifies_and_says_by_what():
    verified = verify(PLAIN, plain_headers())

    assert verified.signed == BODY
    assert (verified.proof.scheme, verified.proof.algorithm) == ("hmac", "sha256")
    assert (verified.proof.secret_name, verified.proof.secret_index, verified.proof.secrets_tried) == (
        "NEW",
        0,
        1,
    )
    assert verified.proof.timestamp is None


def test_while_a_secret_is_rotated_the_proof_says_that_the_old_one_matched():
    proof = verify(PLAIN, plain_headers(secret=OLD)).proof

    assert (proof.secret_name, proof.secret_index, proof.secrets_tried) == ("NEW_OLD", 1, 2)


def test_without_any_secret_nothing_verifies():
    with pytest.raises(SignatureMismatch):
        verify(PLAIN, plain_headers(), secrets=())


def test_a_ninth_secret_is_not_tried():
    others = [Secret(name=f"S{n}", text="x", key=b"x%d" % n) for n in range(8)]

    with pytest.raises(SignatureMismatch):
        verify(PLAIN, plain_headers(), secrets=[*others, NEW])


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64", "base64url"])
@pytest.mark.parametrize("configured", ["same", "auto"])
def test_every_algorithm_in_every_encoding(algorithm, encoding, configured):
    value = digest(b"\xff\xfe" + BODY, algorithm=algorithm)
    written = {
        "hex": value.hex(),
        "base64": base64.b64encode(value).decode(),
        "base64url": base64.urlsafe_b64encode(value).decode().rstrip("="),
    }[encoding]
    scheme = hmac_scheme(
        {
            "algorithm": algorithm,
            "signature": {"from": "{header:S}", "encoding": encoding if configured == "same" else "auto"},
        }
    )

    assert verify(scheme, {"S": written}, body=b"\xff\xfe" + BODY).proof.algorithm == algorithm


def test_hexadecimal_may_be_in_upper_case_and_have_blanks_around_it():
    assert verify(PLAIN, {"S": f" sha256= {digest(BODY).hex().upper()} "})


@pytest.mark.parametrize("weaker", ["sha1", "sha512"])
def test_the_request_never_chooses_the_algorithm(weaker):
    with pytest.raises(SignatureMismatch):
        verify(PLAIN, {"S": "sha256=" + digest(BODY, algorithm=weaker).hex()})


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({}, SignatureMissing),
        ({"S": ""}, SignatureMissing),
        ({"S": " \t "}, SignatureMissing),
        ({"S": "sha256"}, SignatureMalformed),
        ({"S": digest(BODY).hex()}, SignatureMalformed),
        ({"S": "sha1=" + digest(BODY, algorithm="sha1").hex()}, SignatureMalformed),
        ({"S": "SHA256=" + digest(BODY).hex()}, SignatureMalformed),
        ({"S": "sha256="}, SignatureMismatch),
        ({"S": "sha256=" + digest(BODY).hex()[:-1]}, SignatureMismatch),
        ({"S": "sha256=" + digest(BODY).hex()[:-2]}, SignatureMismatch),
        ({"S": "sha256=" + digest(BODY).hex() + "00"}, SignatureMismatch),
        ({"S": "sha256=" + base64.b64encode(digest(BODY)).decode()}, SignatureMismatch),
        ({"S": "sha256=é"}, SignatureMismatch),
    ],
)
def test_every_way_of_being_wrong_has_its_name(headers, error):
    with pytest.raises(error):
        verify(PLAIN, headers)


def test_a_signature_header_that_is_there_twice_is_refused_even_if_both_are_good():
    header = plain_headers()["S"]

    with pytest.raises(SignatureMalformed, match="more than once"):
        verify(PLAIN, [("S", header), ("s", header)])


def test_of_several_listed_signatures_one_must_fit():
    good = digest(TIME.encode() + b"." + BODY).hex()

    verified = verify(LISTED, {"S": f"t={TIME}, v1={'00' * 32},v0=x,v1={good},junk"})

    assert verified.signed == TIME.encode() + b"." + BODY
    assert verified.proof.timestamp == NOW
    assert verified.proof.tolerance == timedelta(seconds=300)


@pytest.mark.parametrize(
    ("header", "error"),
    [
        ("v1=00", TimestampMissing),
        ("t=,v1=00", TimestampMissing),
        (f"t={TIME},t={TIME},v1=00", TimestampMalformed),
        (f"t={TIME}", SignatureMalformed),
        (f"t={TIME},v0=00", SignatureMalformed),
        (f"t={TIME},v1", SignatureMalformed),
        (f"t={TIME},v1=", SignatureMismatch),
        (f"t={TIME}" + ",v1=00" * 1000, SignatureMalformed),
        ("=", TimestampMissing),
        (",,,", TimestampMissing),
    ],
)
def test_every_way_of_being_wrong_in_a_list_has_its_name(header, error):
    with pytest.raises(error):
        verify(LISTED, {"S": header})


def test_a_seventeenth_signature_is_not_tried():
    good = digest(TIME.encode() + b"." + BODY).hex()

    with pytest.raises(SignatureMismatch):
        verify(LISTED, {"S": f"t={TIME}" + f",v1={'00' * 32}" * 16 + f",v1={good}"})


@pytest.mark.parametrize(
    ("late", "error"),
    [
        (301, TimestampTooOld),
        (300.001, TimestampTooOld),
        (300, None),
        (0, None),
        (-60, None),
        (-61, TimestampInFuture),
    ],
)
def test_the_window_is_exact_at_both_ends(late, error):
    now = NOW + timedelta(seconds=late)
    if error is None:
        assert verify(TIMED, timed_headers(), now=now)
    else:
        with pytest.raises(error):
            verify(TIMED, timed_headers(), now=now)


def test_a_tolerance_of_zero_is_exact_and_not_off():
    scheme = hmac_scheme(
        {
            "signature": {"from": "{header:S}"},
            "timestamp": {"from": "{header:T}", "tolerance": 0},
            "signed": "{timestamp}",
        }
    )
    headers = {"S": digest(TIME.encode()).hex(), "T": TIME}

    assert verify(scheme, headers)
    with pytest.raises(TimestampTooOld):
        verify(scheme, headers, now=NOW + timedelta(seconds=1))


def test_a_late_request_that_is_forged_is_a_mismatch():
    with pytest.raises(SignatureMismatch):
        verify(TIMED, {**timed_headers(), "T": "1"}, now=NOW)


@pytest.mark.parametrize("time", ["", " "])
def test_a_time_that_is_blank_is_missing_or_malformed(time):
    with pytest.raises((TimestampMissing, TimestampMalformed)):
        verify(TIMED, {**timed_headers(), "T": time})


@pytest.mark.parametrize(
    "time",
    [
        "1_700_000_000",
        "+1700000000",
        "1700000000.0",
        "1.7e9",
        "\u0661\u0667\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0660",
        "9" * 16,
        "9" * 40,
    ],
)
def test_a_time_that_int_or_float_would_take_is_malformed_though_it_is_signed(time):
    headers = {"T": time, "S": base64.b64encode(digest(time.encode() + BODY)).decode()}

    with pytest.raises(TimestampMalformed):
        verify(TIMED, headers)


def test_a_time_that_is_there_twice_is_refused():
    headers = timed_headers()

    with pytest.raises(TimestampMalformed):
        verify(TIMED, [*headers.items(), ("t", TIME)])


def test_the_text_of_the_time_is_signed_and_not_its_number():
    padded = "0" + TIME

    assert verify(TIMED, {"T": padded, "S": base64.b64encode(digest(padded.encode() + BODY)).decode()})


def test_a_missing_message_id_that_is_signed_is_refused():
    with pytest.raises(SignatureMalformed, match="lacks something that is signed"):
        verify(NAMED, {"S": "v1," + base64.b64encode(digest(b"x")).decode(), "T": TIME})


def test_a_signed_part_of_the_body_that_cannot_be_parsed_is_refused():
    scheme = hmac_scheme({"signature": {"from": "{json:signature}"}, "signed": "{json:token}"})

    with pytest.raises(SignatureMalformed):
        verify(scheme, {}, body=b"{")


def test_a_signature_inside_the_body_is_read_from_there():
    scheme = hmac_scheme({"signature": {"from": "{json:signature}"}, "signed": "{json:token}"})
    body = b'{"token":"abc","signature":"' + digest(b"abc").hex().encode() + b'"}'

    assert verify(scheme, {}, body=body).signed == b"abc"


def test_several_headers_may_carry_signatures():
    scheme = hmac_scheme({"signature": {"from": ["{header:S-1}", "{header:S-2}"]}})

    assert verify(scheme, {"S-1": "00" * 32, "S-2": digest(BODY).hex()})


@pytest.mark.parametrize("scheme", [PLAIN, LISTED, TIMED, NAMED])
def test_what_it_signs_it_believes(scheme):
    request = RawRequest(headers=Headers({"X": "1", "s": "an older signature"}), body=BODY)

    headers = scheme.sign(request, now=NOW, secrets=(NEW,), message_id="msg_1").headers

    assert verify(scheme, headers).proof.secret_name == "NEW"


@pytest.mark.parametrize(
    "options",
    [
        {"signature": {"from": "{json:signature}"}},
        {"signature": {"from": "{header:S}"}, "signed": "{url}{body}"},
    ],
)
def test_what_it_cannot_sign_it_says(options):
    with pytest.raises(InvalidInput):
        hmac_scheme(options).sign(
            RawRequest(headers=Headers(), body=b"{}"), now=NOW, secrets=(NEW,), message_id="1"
        )


def flipped(value: bytes, bit: int) -> bytes:
    changed = bytearray(value)
    changed[bit // 8 % len(value)] ^= 1 << bit % 8
    return bytes(changed)


@given(body=st.binary(min_size=1, max_size=300), bit=st.integers(min_value=0))
def test_any_flipped_bit_of_the_body_is_a_mismatch(body, bit):
    signed = NAMED.sign(RawRequest(headers=Headers(), body=body), now=NOW, secrets=(NEW,), message_id="msg_1")
    headers = signed.headers

    assert verify(NAMED, headers, body=body)
    with pytest.raises(SignatureMismatch):
        verify(NAMED, headers, body=flipped(body, bit))


@given(scheme=st.sampled_from([PLAIN, LISTED, TIMED, NAMED]), bit=st.integers(min_value=0), data=st.data())
def test_any_flipped_bit_of_a_header_is_refused(scheme, bit, data):
    headers = dict(
        scheme.sign(
            RawRequest(headers=Headers(), body=BODY), now=NOW, secrets=(NEW,), message_id="msg_1"
        ).headers
    )
    name = data.draw(st.sampled_from(sorted(headers)))
    changed = flipped(headers[name].encode(), bit).decode("latin-1")
    assume(
        changed[-64:].lower() != headers[name][-64:].lower()
    )  # hexadecimal in upper case is the same number

    with pytest.raises(
        (SignatureMissing, SignatureMalformed, SignatureMismatch, TimestampMissing, TimestampMalformed)
    ):
        verify(scheme, {**headers, name: changed})
