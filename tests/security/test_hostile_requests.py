"""Whatever bytes arrive, the answer is a verdict: every packaged provider against the hostile matrix.

The matrix is the list of mistakes found in fourteen other verifiers, most of which raised something
undocumented on it, which is a 500 for anyone who asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smart_api_integrations.core.inbound_webhook import Judgement
from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.signatures import Secret
from smart_api_integrations.core.signatures.described_scheme import DescribedScheme
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import MalformedRequest, RequestRejected, VerificationFailed
from smart_api_integrations.providers.catalogue import Source, load_catalogue
from smart_api_integrations.providers.samples import known_events, signed_request, signing_secrets
from tests.oracles.oracle import with_key
from tests.oracles.tables import ORACLES

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


# The variables of every provider, and the private key where it signs with one, as the oracles have them.
ROWS = {oracle.provider: oracle for oracle in sorted(ORACLES, key=lambda oracle: oracle.ours)}
ENVIRON = {name: value for row in ROWS.values() for name, value in row.environ.items()}
SOURCES = tuple(
    with_key(source, ROWS[source.key[0]].fetched)
    for source in load_catalogue(
        providers_dir=None, environ=ENVIRON, public_url="https://hooks.example.com"
    ).describe()
)
# Those whose signature covers every byte of the body, whatever it is: a token proves the sender alone.
SIGNING = [source for source in SOURCES if ROWS[source.key[0]].covers_body and ROWS[source.key[0]].any_body]

HOSTILE_VALUES = {
    "empty": "",
    "blank": "  \t ",
    "not ascii": "sha256=é\xff",
    "not latin-1": "v0=ж✓",
    "lone surrogate": "\udc80",
    "nul": "a\0b",
    "control characters": "\r\n\x1b[31m",
    "64 KiB": "a" * 65_536,
    "64 KiB of hexadecimal": "sha256=" + "0f" * 32_768,
    "1,000 parts by comma": ",".join(["t=1", "v1=00"] * 500),
    "1,000 parts by blank": " ".join(["v1,AAAA"] * 1000),
    "separators only": ",=,= , ;;",
    "equals signs": "=" * 100,
    "template": "{timestamp}.{body}",
    "number with underscore": "1_767_268_800",
    "number with sign": "+1767268800",
    "arabic digits": "\u0661\u0667\u0666\u0667\u0662\u0666\u0668\u0668\u0660\u0660",
    "full-width digits": "\uff11\uff17\uff16\uff17\uff12\uff16\uff18\uff18\uff10\uff10",
    "float": "1767268800.0",
    "exponent": "1.7e9",
    "negative": "-1",
    "enormous": "9" * 16,
    "beyond all": "9" * 5000,
    "iso": "2026-01-01T12:00:00Z",
    "json": '{"a":1}',
}
HOSTILE_BODIES = {
    "empty": b"",
    "not utf-8": b"\xff\xfe\x00",
    "deep": b"[" * 100_000,
    "enormous integer": b'{"id":' + b"9" * 5000 + b"}",
    "not a number": b'{"id":NaN}',
    "lone surrogate": b'{"id":"\\ud800","type":"\\udfff"}',
    "nul": b'{"id":"\\u0000","type":"a\\u0000b"}',
    "wrong shapes": b'{"id":{"a":1},"type":[1],"event":7,"action":{},"created":1e999}',
    "an array": b"[1,2]",
    "a scalar": b"7",
    "byte order mark": b"\xef\xbb\xbf{}",
    "repeated keys": b'{"id":"1","id":"2"}',
    "form": b"payload=%ff&payload=%00&a=1",
}
CONTENT_TYPES = ["application/json", "application/x-www-form-urlencoded", "text/plain; charset=é", ""]


def by_name(source: Source) -> str:
    return source.key[0]


def good_request(source: Source) -> RawRequest:
    event, signer = known_events(source)[0], ROWS[source.key[0]].signer
    return signed_request(source, event, now=NOW, delivery_id="delivery-1", secret=signer)


def signers(source: Source) -> Sequence[Secret]:
    """Return what the provider signs with: our secrets, or its own private key."""
    form, text = source.definition.secret_form, ROWS[source.key[0]].signer
    if text is None:
        return source.webhook.secrets
    if form is None:
        return signing_secrets(source, text)
    signer = form.decode_signer(form.names[0], text)
    return signer, *(other for other in source.webhook.secrets if other.part != signer.part)


def signing_headers(source: Source) -> list[str]:
    """Return the headers without which, or with others of which, a request must not verify."""
    if source.webhook.batch is not None and source.webhook.batch.verify_each:
        return []  # every item carries its own signature, in the body
    request = good_request(source)
    secrets = signers(source)
    content = {"Content-Type": request.headers["Content-Type"]}
    bare = replace(request, headers=Headers(content))
    signed = source.webhook.scheme.sign(
        bare, now=NOW, secrets=secrets, message_id="delivery-1", variables=source.webhook.variables
    )
    return [name for name in signed.headers if name not in content]


def changed(request: RawRequest, name: str, *values: str) -> RawRequest:
    others = [(known, request.headers[known]) for known in request.headers if known.lower() != name.lower()]
    return replace(request, headers=Headers([*others, *((name, value) for value in values)]))


def verdict_of(source: Source, request: RawRequest) -> Judgement | RequestRejected:
    try:
        return source.webhook.judge(request, now=NOW)
    except RequestRejected as rejection:
        return rejection


CASES = [(source, name) for source in SOURCES for name in signing_headers(source)]
IDS = [f"{source.key[0]} {name}" for source, name in CASES]


@pytest.mark.parametrize("source", SOURCES, ids=by_name)
def test_the_request_that_all_others_are_made_from_is_good(source):
    assert source.webhook.judge(good_request(source), now=NOW)


@pytest.mark.parametrize(("source", "name"), CASES, ids=IDS)
@pytest.mark.parametrize("value", HOSTILE_VALUES.values(), ids=HOSTILE_VALUES)
def test_a_hostile_header_is_a_typed_rejection(source, name, value):
    request = good_request(source)
    if value == request.headers[name]:
        pytest.skip("that is what this provider sends")

    with pytest.raises(VerificationFailed) as caught:
        source.webhook.judge(changed(request, name, value), now=NOW)

    assert type(caught.value) is not VerificationFailed
    assert caught.value.status_hint == 401


@pytest.mark.parametrize(("source", "name"), CASES, ids=IDS)
def test_a_missing_header_is_a_rejection(source, name):
    with pytest.raises(VerificationFailed):
        source.webhook.judge(changed(good_request(source), name), now=NOW)


@pytest.mark.parametrize(("source", "name"), CASES, ids=IDS)
@pytest.mark.parametrize("second", ["", "forged", None], ids=["empty", "forged", "the same"])
def test_a_header_that_is_there_twice_is_a_rejection_in_either_order(source, name, second):
    request = good_request(source)
    good = request.headers[name]
    other = good if second is None else second

    for values in ((good, other), (other, good)):
        with pytest.raises(VerificationFailed):
            source.webhook.judge(changed(request, name, *values), now=NOW)


@pytest.mark.parametrize(("source", "name"), CASES, ids=IDS)
@pytest.mark.parametrize("joined", ["{0},{0}", "{0}, {0}", "{0},forged", "forged, {0}"])
def test_two_headers_that_a_server_joined_are_a_rejection_or_a_list_that_the_provider_documents(
    source, name, joined
):
    request = good_request(source)
    scheme = source.webhook.scheme
    documents_lists = isinstance(scheme, DescribedScheme) and scheme.signature.parts is not None

    try:
        source.webhook.judge(changed(request, name, joined.format(request.headers[name])), now=NOW)
    except VerificationFailed:
        return
    assert documents_lists


@pytest.mark.parametrize(("source", "name"), CASES, ids=IDS)
def test_a_header_with_underscores_does_not_stand_in(source, name):
    request = good_request(source)
    good = request.headers[name]

    for spoofed in {name.replace("-", "_"), "HTTP_" + name.upper().replace("-", "_")} - {name}:
        with pytest.raises(VerificationFailed):
            source.webhook.judge(changed(changed(request, name), spoofed, good), now=NOW)


@pytest.mark.parametrize("source", SIGNING, ids=by_name)
@pytest.mark.parametrize("body", HOSTILE_BODIES.values(), ids=HOSTILE_BODIES)
@pytest.mark.parametrize("content_type", CONTENT_TYPES)
def test_a_hostile_body_that_is_signed_is_judged_or_malformed(source, body, content_type):
    draft = replace(good_request(source), headers=Headers({"Content-Type": content_type}), body=body)
    try:
        request = source.webhook.scheme.sign(
            draft, now=NOW, secrets=signers(source), message_id="m", variables=source.webhook.variables
        )
    except RequestRejected:  # a form that cannot be read has no field to sign
        request = draft

    verdict = verdict_of(source, request)

    if request is draft:
        assert isinstance(verdict, VerificationFailed)
    elif isinstance(verdict, Judgement):
        for text in (verdict.event_type, verdict.action, verdict.event_id):
            assert text is None or ("\0" not in text and text.encode() and len(text) <= 256)
    else:
        assert isinstance(verdict, MalformedRequest)
        assert verdict.verified is True


@pytest.mark.parametrize("source", SOURCES, ids=by_name)
@given(data=st.data())
@settings(max_examples=60)
def test_arbitrary_bytes_in_any_header_and_body_are_a_verdict(source, data):
    request = good_request(source)
    name = data.draw(st.sampled_from(list(request.headers)))
    value = data.draw(st.binary(max_size=80)).decode("latin-1")
    body = data.draw(st.one_of(st.just(request.body), st.binary(max_size=60)))
    made = replace(changed(request, name, value), body=body)

    verdict = verdict_of(source, made)

    believed = isinstance(verdict, Judgement) or (isinstance(verdict, MalformedRequest) and verdict.verified)
    assert isinstance(verdict, VerificationFailed) is not believed
    assert (
        body == request.body or source not in SIGNING or not believed
    )  # nothing but the sender's own bytes was believed


@pytest.mark.parametrize("source", SIGNING, ids=by_name)
@given(position=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
@settings(max_examples=60)
def test_one_changed_bit_of_the_body_is_a_rejection(source, position, bit):
    request = good_request(source)
    body = bytearray(request.body)
    body[position % len(body)] ^= 1 << bit

    with pytest.raises(VerificationFailed):
        source.webhook.judge(replace(request, body=bytes(body)), now=NOW)


@pytest.mark.parametrize("source", SIGNING, ids=by_name)
def test_a_rejection_tells_neither_secrets_nor_bodies(source):
    request = good_request(source)
    name = signing_headers(source)[-1]

    for value in ("forged", "", request.headers[name][:-3]):
        with pytest.raises(VerificationFailed) as caught:
            source.webhook.judge(changed(request, name, value), now=NOW)
        assert source.webhook.secrets[0].text not in str(caught.value)
        assert len(str(caught.value)) < 200


# Those that sign something for whoever sends the check of an address: none may sign an event so.
COMPUTING = [
    (source, handshake) for source in SOURCES for handshake in source.webhook.handshakes if handshake.compute
]
ASKED = {
    "an event": b'{"for_user_id":"1","tweet_create_events":[{"id_str":"1"}]}',
    "a form": b"a=1",
    "a signed time and a body": b'v0:1767268800:{"event":"meeting.started"}',
    "a JSON scalar": b"1",
    "a word of JSON": b"null",
    "a token": b"challenge-1",
    "hexadecimal": b"0f" * 32,
    "129 letters": b"a" * 129,
    "a trailing newline": b"challenge-1\n",
    "empty": b"",
}


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
@pytest.mark.parametrize(
    ("source", "handshake"), COMPUTING, ids=[f"{source.key[0]}" for source, _ in COMPUTING]
)
def test_no_answer_to_a_handshake_is_the_signature_of_an_event(source, handshake, asked):
    for computation in handshake.compute:
        view = RequestView(replace(good_request(source), body=asked))
        given = replace(computation, of=replace(computation.of, render=lambda _view: asked))
        try:
            answer = given.run(view, source.webhook.secrets).decode()
        except RequestRejected:
            continue
        for name in signing_headers(source):
            for prefix in ("", "sha256=", "v0="):
                forged = changed(view.request, name, prefix + answer)
                with pytest.raises(VerificationFailed):
                    source.webhook.judge(forged, now=NOW)


def test_the_providers_that_compute_an_answer_are_looked_at():
    assert {"twitter", "zoom"} <= {source.key[0] for source, _ in COMPUTING}
