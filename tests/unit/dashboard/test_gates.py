from datetime import UTC, datetime, timedelta

import pytest

from smart_api_integrations.core.gate import Gate
from smart_api_integrations.dashboard.views.gates import gate_view

NOW = datetime(2026, 11, 22, 14, 28, tzinfo=UTC)
HANDLER, SOURCE = "github:default:a.b", "github:default"


def view(*gates, waiting=0):
    return gate_view(HANDLER, {gate.target: gate for gate in gates}, waiting=waiting, now=NOW)


def test_nothing_is_said_where_nothing_holds_it():
    found = view(waiting=3)

    assert (found.badge, found.title, found.is_paused, found.waiting) == (None, "", False, "3")


@pytest.mark.parametrize(
    ("gate", "word", "said"),
    [
        (Gate(target=HANDLER, paused_at=NOW), "Paused", "Nothing more begins until it is resumed"),
        (Gate(target=SOURCE, paused_at=NOW), "Paused", "2 pieces of work wait, none is lost"),
        (
            Gate(target=HANDLER, opened_at=NOW, opens_at=NOW + timedelta(seconds=90), openings=2, failures=7),
            "Held by breaker",
            "One goes out in 1 min 30 s",
        ),
        (Gate(target=HANDLER, opened_at=NOW), "Held by breaker", "goes out as a probe"),
        (
            Gate(target=HANDLER, throttles=1, opens_at=NOW + timedelta(seconds=20)),
            "Left alone",
            "The next try begins in 20 s",
        ),
    ],
)
def test_what_holds_it_is_said_with_what_happens_next(gate, word, said):
    found = view(gate, waiting=2)

    assert found.badge is not None
    assert found.badge.word == word
    assert said in found.text.replace("\u00a0", " ")


def test_a_backlog_that_is_caught_up_with_is_no_state():
    found = view(Gate(target=HANDLER, resume_rate=5.0), waiting=2)

    assert (found.badge, found.title) == (None, "Catching up")
    assert "5 a second" in found.text


def test_only_its_own_pause_can_be_ended_here():
    assert not view(Gate(target=SOURCE, paused_at=NOW)).is_paused
    assert view(Gate(target=HANDLER, paused_at=NOW)).is_paused
