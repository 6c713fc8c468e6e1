"""One table of attacks for every scheme: refused with a reason, no exception, nothing for the sender to see.

A scheme that is added to ``SCHEMES`` must be given a row in ``ROWS``; the suite does the rest by itself.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.signatures import (
    SCHEMES,
    Scheme,
    Secret,
    Verified,
    compile_verification,
    verification_needs,
)
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import VerificationFailed
from smart_api_integrations.receive.answer import refused

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECRET = "sample-secret-of-thirty-two-bytes"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
BODY = b'{"id":"evt_1","type":"order.created"}'
_TIMED = {"timestamp": {"from": "{header:X-Time}"}, "signed": "{timestamp}.{body}"}
_HMAC = {
    "scheme": "hmac",
    "secret": {"env": "S"},
    "signature": {"from": "{header:X-Sign}", "prefix": "v0="},
    **_TIMED,
}
_TOKEN = {"scheme": "token", "secret": {"env": "S"}, "prefix": "Bearer "}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A scheme that is attacked.

    Attributes:
        block: Its ``verification:``.
        header: The header that carries the proof.
        signer: What the sender signs with, where that is not what we hold.
        binds_body: Whether another body must be refused.
        timed: Whether an old request must be refused.
    """

    block: dict[str, Any]
    header: str
    signer: str = SECRET
    held: str = SECRET
    binds_body: bool = True
    timed: bool = True


ROWS = {
    "hmac": Row(block=_HMAC, header="X-Sign"),
    "token": Row(block=_TOKEN, header="Authorization", binds_body=False, timed=False),
    "basic": Row(
        block={**_TOKEN, "prefix": "", "basic": True}, header="Authorization", binds_body=False, timed=False
    ),
    "asymmetric": Row(
        block={
            **_HMAC,
            "scheme": "asymmetric",
            "algorithm": "ed25519",
            "key": {"env": "S", "encoding": "hex"},
        },
        header="X-Sign",
        signer=PRIVATE.private_bytes_raw().hex(),
        held=PRIVATE.public_key().public_bytes_raw().hex(),
    ),
    "jwt": Row(
        block={
            "scheme": "jwt",
            "algorithms": ["HS256"],
            "secret": {"env": "S"},
            "claims": {"body": "{body_sha256}"},
        },
        header="Authorization",
    ),
    "all_of": Row(block={"all_of": [_HMAC, _TOKEN]}, header="X-Sign"),
    "any_of": Row(block={"any_of": [_HMAC, {**_TOKEN, "secret": {"env": "UNSET"}}]}, header="X-Sign"),
}
NOT_ATTACKED = {"none": "believes everything", "custom": "the user's own code, in test_verifier_scheme"}

ATTACKS: dict[str, Callable[[str], str]] = {
    "missing": lambda good: "",
    "blank": lambda good: " \t",
    "truncated": lambda good: good[:-2],
    "cut to its label": lambda good: good[:7],
    "longer": lambda good: good + "0",
    "doubled": lambda good: f"{good},{good}",
    "joined by a server": lambda good: f"{good}, {good}",
    "without its prefix": lambda good: good.partition("=")[2] or good.partition(" ")[2],
    "wrong prefix": lambda good: "v9=" + good[3:],
    "not ascii": lambda good: good[:-1] + "é",
    "not latin-1": lambda good: good[:-1] + "ж",
    "lone surrogate": lambda good: good[:-1] + "\udc80",
    "nul": lambda good: good + "\0",
    "line break": lambda good: good + "\r\nX: y",
    "in another encoding": lambda good: base64.b64encode(good.encode()).decode(),
    "64 KiB": lambda good: good[:3] + "0" * 65_536,
    "1,000 parts": lambda good: ",".join([good] * 1000),
    "a template": lambda good: "{body}",
    "zeros": lambda good: good[:3] + "0" * (len(good) - 3),
}
TIMES = [
    "",
    "soon",
    "1_767_268_800",
    "+1767268800",
    "-1",
    "1.7e9",
    "9" * 400,
    "٠" * 10,
    "1767268800.0",
    "NaN",
]


def schemes_under_attack() -> list[Any]:
    return [pytest.param(row, id=name) for name, row in ROWS.items()]


def verification(row: Row) -> tuple[Scheme, tuple[Secret, ...]]:
    return compile_verification(row.block), verification_needs(row.block).read({"S": row.held})


def good_request(row: Row) -> RawRequest:
    scheme, _ = verification(row)
    signers = [form.decode_signer("S", row.signer) for form in verification_needs(row.block).forms]
    bare = RawRequest(headers=Headers({"Content-Type": "application/json"}), body=BODY)
    return scheme.sign(bare, now=NOW, secrets=signers, message_id="evt_1")


def verify(row: Row, request: RawRequest, *, now: datetime = NOW) -> Verified:
    scheme, secrets = verification(row)
    return scheme.verify(RequestView(request), now=now, secrets=secrets)


def with_header(request: RawRequest, name: str, *values: str) -> RawRequest:
    others = [(known, request.headers[known]) for known in request.headers if known.lower() != name.lower()]
    return RawRequest(headers=Headers([*others, *((name, value) for value in values)]), body=request.body)


def refusal(row: Row, request: RawRequest, *, now: datetime = NOW) -> VerificationFailed:
    with pytest.raises(VerificationFailed) as caught:
        verify(row, request, now=now)
    return caught.value


def test_every_scheme_is_attacked():
    assert set(SCHEMES) <= set(ROWS) | set(NOT_ATTACKED)


@pytest.mark.parametrize("row", schemes_under_attack())
def test_the_request_that_all_attacks_are_made_from_is_good(row):
    assert verify(row, good_request(row)).proof.secret_name == "S"


@pytest.mark.parametrize("row", schemes_under_attack())
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_a_changed_proof_is_refused_with_a_reason_that_the_sender_cannot_see(row, attack):
    request = good_request(row)

    failure = refusal(row, with_header(request, row.header, attack(request.headers[row.header])))

    answer = refused(failure)
    assert (answer.status, answer.body) == (401, refused(VerificationFailed()).body)
    assert failure.reason
    assert row.held not in str(failure)
    assert len(str(failure)) < 250


@pytest.mark.parametrize("row", schemes_under_attack())
def test_the_same_proof_twice_is_refused(row):
    request = good_request(row)
    good = request.headers[row.header]

    for second in (good, "", "x"):
        refusal(row, with_header(request, row.header, good, second))
        refusal(row, with_header(request, row.header, second, good))


@pytest.mark.parametrize("row", schemes_under_attack())
def test_a_header_with_underscores_does_not_stand_in(row):
    request = good_request(row)
    bare = with_header(request, row.header)

    for name in (row.header.replace("-", "_"), "HTTP_" + row.header.upper().replace("-", "_")):
        if name != row.header:
            refusal(row, with_header(bare, name, request.headers[row.header]))


@pytest.mark.parametrize("row", schemes_under_attack())
def test_another_key_is_refused(row):
    scheme, _ = verification(row)
    held = row.held[::-1] if row.signer == row.held else Ed25519PrivateKey.generate().public_key()
    text = held if isinstance(held, str) else held.public_bytes_raw().hex()
    secrets = verification_needs(row.block).read({"S": text})

    for other in (secrets, ()):
        with pytest.raises(VerificationFailed):
            scheme.verify(RequestView(good_request(row)), now=NOW, secrets=other)


@pytest.mark.parametrize("row", [row for row in schemes_under_attack() if row.values[0].binds_body])
@given(bit=st.integers(min_value=0, max_value=8 * len(BODY) - 1))
def test_any_flipped_bit_of_the_body_is_refused(row, bit):
    request = good_request(row)
    body = bytearray(request.body)
    body[bit // 8] ^= 1 << bit % 8

    refusal(row, RawRequest(headers=request.headers, body=bytes(body)))


@pytest.mark.parametrize("row", [row for row in schemes_under_attack() if row.values[0].timed])
def test_a_request_from_another_time_is_refused(row):
    request = good_request(row)

    assert refusal(row, request, now=NOW + timedelta(hours=1)).reason == "timestamp_too_old"
    assert refusal(row, request, now=NOW - timedelta(hours=1)).reason == "timestamp_in_future"


@pytest.mark.parametrize(
    "row", [row for row in schemes_under_attack() if "X-Time" in str(row.values[0].block)]
)
@pytest.mark.parametrize("time", TIMES)
def test_a_time_that_is_none_is_refused(row, time):
    refusal(row, with_header(good_request(row), "X-Time", time))


@pytest.mark.parametrize("row", schemes_under_attack())
@given(value=st.text(max_size=80), body=st.binary(max_size=40))
def test_arbitrary_text_is_a_refusal_and_never_an_exception(row, value, body):
    refusal(row, with_header(RawRequest(headers=good_request(row).headers, body=body), row.header, value))
