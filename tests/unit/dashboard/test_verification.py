"""The verdict in words, and what it rests on."""

from datetime import UTC, datetime, timedelta

from smart_api_integrations.core.journal import Proof
from smart_api_integrations.dashboard.views.verification import verification
from tests.journal_scenes import received

AT = datetime(2026, 11, 22, 14, 23, 41, tzinfo=UTC)
STRIPE = {
    "provider": "stripe",
    "headers": (("Stripe-Signature", "t=1795357420,v1=" + "5f" * 32),),
    "received_at": AT,
}


def proof(**values):
    return Proof(scheme="hmac", algorithm="sha256", secret_name="STRIPE_SECRET", secrets_tried=2, **values)


def plain(text):
    return text.replace("\u00a0", " ")


def test_the_verdict_names_the_sender_the_header_and_the_age():
    signed = proof(timestamp=AT - timedelta(seconds=1), tolerance=timedelta(seconds=300))

    verdict = verification(received(**STRIPE, proof=signed))

    assert verdict.title == "Verified: this came from Stripe, unchanged"
    assert plain(verdict.text).endswith("made with your current secret, 1 s before it arrived.")
    found = {line.name: (plain(line.found), plain(line.rests_on)) for line in verdict.proofs}
    assert found["Signature"][0] == "HMAC-SHA256 matches"
    assert found["Secret"] == ("STRIPE_SECRET", "current, 2 tried")
    assert found["Timestamp"] == ("1 s old", "limit is 5 min")
    assert found["First time seen"] == ("Yes", "no repeat so far")


def test_the_signature_is_cut():
    shown = verification(received(**STRIPE, proof=proof())).proofs[0].rests_on

    assert "5f" * 8 not in shown
    assert len(shown) <= 48


def test_an_older_secret_is_pointed_out():
    verdict = verification(received(**STRIPE, proof=proof(secret_index=1)))

    secret = verdict.proofs[1]
    assert "an older secret" in verdict.text
    assert secret.tone == "wait"
    assert "has not changed over" in secret.rests_on


def test_a_clock_that_is_ahead_is_told():
    ahead = proof(timestamp=AT + timedelta(seconds=4))

    assert plain(verification(received(**STRIPE, proof=ahead)).proofs[2].found) == "4 s ahead"


def test_repeats_are_counted():
    repeated = verification(received(**STRIPE, proof=proof(), duplicates=2)).proofs[3]

    assert plain(repeated.found) == "2 repeats later"


def test_what_was_not_checked_is_not_called_verified():
    verdict = verification(received(**STRIPE, proof=Proof(scheme="none")))

    assert verdict.tone == "wait"
    assert "Verified" not in verdict.title
    assert [line.name for line in verdict.proofs] == ["First time seen"]


def test_a_signature_that_stands_in_no_known_header_is_still_told():
    verdict = verification(received(provider="stripe", headers=(), proof=proof()))

    assert verdict.text.startswith("Its signature matches")
