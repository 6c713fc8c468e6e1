"""Promises about a verifier of the user's own."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime

import pytest

from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.signatures import Secret
from smart_api_integrations.core.signatures.verifier_scheme import VerifierScheme
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import (
    InvalidInput,
    SignatureMalformed,
    SignatureMismatch,
    VerificationFailed,
    VerifierRaised,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECRETS = (Secret(name="NEW", text="new", key=b"new"), Secret(name="OLD", text="old", key=b"old"))


class SeedVerifier:
    """The first guide's own: ``timestamp,hex``, which raises on a signature without a comma."""

    def verify(self, payload, signature, secret, **kwargs):
        timestamp, value = signature.split(",")
        if int(timestamp) != int(kwargs["now"].timestamp()):
            return False
        message = f"{timestamp}.{payload.decode('utf-8')}"
        return hmac.compare_digest(
            hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest(), value
        )


class Answering:
    def __init__(self, answer):
        self.answer = answer

    def verify(self, payload, signature, secret, **kwargs):
        return self.answer


def verify(verifier, headers, *, body=b"{}", secrets=SECRETS):
    view = RequestView(RawRequest(headers=Headers(headers), body=body))
    return VerifierScheme(verifier=verifier).verify(view, now=NOW, secrets=secrets)


def signed(secret: bytes) -> str:
    time = int(NOW.timestamp())
    return f"{time},{hmac.new(secret, f'{time}.{{}}'.encode(), hashlib.sha256).hexdigest()}"


@pytest.mark.parametrize(("secret", "name"), [(b"new", "NEW"), (b"old", "OLD")])
def test_it_is_asked_with_each_secret(secret, name):
    assert verify(SeedVerifier(), {"X-Signature": signed(secret)}).proof.secret_name == name


@pytest.mark.parametrize("signature", ["", "garbage", "1,2,3", "x,y", "é,1", "1,é"])
def test_whatever_it_raises_is_a_no_with_a_reason_of_its_own(signature):
    headers = {"X-Webhook-Signature": signature}

    with pytest.raises(VerificationFailed) as caught:
        verify(SeedVerifier(), headers, body=b"\xff")

    said_no = signature == "1,é"
    assert caught.value.reason == ("signature_mismatch" if said_no else "verifier_raised")


def test_what_it_raised_is_named_with_its_place_and_without_its_words():
    class Telling:
        def verify(self, payload, signature, secret, **kwargs):
            raise ValueError(payload, signature, secret)

    with pytest.raises(VerifierRaised) as caught:
        verify(Telling(), {"X-Signature": "hush"}, body=b"private")

    line = Telling.verify.__code__.co_firstlineno + 1
    assert str(caught.value) == f"Telling.verify raised ValueError at {__name__}:{line}."
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_one_that_raises_for_the_new_secret_may_still_believe_the_old_one():
    class OnlyOld:
        def verify(self, payload, signature, secret, **kwargs):
            return {"old": True}[secret]

    assert verify(OnlyOld(), {}).proof.secret_name == "OLD"


@pytest.mark.parametrize("answer", [False, None, 1, "yes", NotImplemented])
def test_only_true_is_a_yes(answer):
    with pytest.raises(SignatureMismatch):
        verify(Answering(answer), {})


def test_a_signature_that_is_there_twice_is_refused_without_asking():
    with pytest.raises(SignatureMalformed):
        verify(Answering(True), [("X-Signature", "a"), ("X-Signature", "b")])


def test_without_a_verifier_nothing_verifies():
    with pytest.raises(VerificationFailed, match=r"processor\.verifier"):
        verify(None, {})


def test_without_a_secret_it_is_not_asked():
    """A hash under an empty key is one that anybody can make."""
    with pytest.raises(VerificationFailed, match="needs_secret"):
        verify(Answering(True), {}, secrets=())


def test_a_verifier_that_says_so_is_asked_without_a_secret():
    class NeedsNone(Answering):
        needs_secret = False

    assert verify(NeedsNone(True), {}, secrets=()).proof.secret_name is None


def test_equal_bodies_under_different_signatures_are_different_events():
    one, other = (verify(Answering(True), {"X-Signature": text}).signed for text in "ab")

    assert one != other


def test_it_cannot_be_signed_for():
    with pytest.raises(InvalidInput):
        VerifierScheme().sign(
            RawRequest(headers=Headers(), body=b""), now=NOW, secrets=SECRETS, message_id="1"
        )
