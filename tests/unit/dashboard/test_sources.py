from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from smart_api_integrations.core.gate import Gate
from smart_api_integrations.core.source_traffic import SourceTraffic
from smart_api_integrations.dashboard.views.sources import (
    NOTHING,
    Known,
    latest_first,
    source_page,
    source_row,
)
from smart_api_integrations.providers.catalogue import load_catalogue
from tests.unit.dashboard.test_lists import plain, summary

NOW = datetime(2026, 11, 22, 14, 28, tzinfo=UTC)
CATALOGUE = load_catalogue(
    providers_dir=None, environ={"GITHUB_WEBHOOK_SECRET": "a secret of more than sixteen characters"}
)
GITHUB, LINEAR = CATALOGUE.source("github"), CATALOGUE.source("linear")
KNOWN = Known(base="https://a.example", newest=None, traffic=NOTHING, handlers=0, gate=None, now=NOW)
SEEN = replace(KNOWN, newest=summary(received_at=NOW - timedelta(minutes=4)))


def traffic(accepted, rejected):
    return SourceTraffic(accepted=(accepted,), rejected=(rejected,))


@pytest.mark.parametrize(
    ("source", "known", "word", "why"),
    [
        (LINEAR, KNOWN, "Not mounted", "waits for its secret"),
        (GITHUB, KNOWN, "Never verified", "waiting for its first event"),
        (GITHUB, SEEN, "Verified", "4 min ago"),
        (GITHUB, replace(SEEN, traffic=traffic(9, 2)), "Verified", "4 min ago; 2 requests refused"),
        (GITHUB, replace(SEEN, traffic=traffic(0, 37)), "Failing", "37 requests refused in 24 h"),
        (
            GITHUB,
            replace(SEEN, gate=Gate(target="github:default", paused_at=NOW)),
            "Paused",
            "what comes is kept, and waits",
        ),
    ],
)
def test_its_state_says_what_it_rests_on(source, known, word, why):
    row = source_row(source, known)

    assert (row.badge.word, plain(row.why)) == (word, why)


def test_what_is_not_mounted_names_its_variable_and_its_address():
    page = source_page(LINEAR, KNOWN)

    assert page.row.missing == "LINEAR_WEBHOOK_SECRET"
    assert page.export == "export LINEAR_WEBHOOK_SECRET='…'"
    assert page.row.url == "https://a.example/webhooks/linear/"
    assert "webhooks trigger linear Issue.create" in page.trigger
    assert page.row.signed == "HMAC sha256, in header Linear-Signature; it signs the time, too"


@pytest.mark.parametrize(
    ("source", "known", "states"),
    [
        (LINEAR, KNOWN, ["now", "", "", ""]),
        (GITHUB, KNOWN, ["done", "now", "", ""]),
        (GITHUB, replace(KNOWN, traffic=traffic(0, 1)), ["done", "done", "now", ""]),
        (GITHUB, SEEN, ["done", "done", "done", "now"]),
        (GITHUB, replace(SEEN, handlers=2), ["done", "done", "done", "done"]),
    ],
)
def test_the_steps_follow_what_happened(source, known, states):
    steps = source_page(source, known).steps

    assert [step.state for step in steps.values()] == states
    assert [step.number for step in steps.values()] == [1, 2, 3, 4]


def test_where_nothing_comes_it_says_what_was_looked_at():
    names = [check.name for check in source_page(LINEAR, replace(KNOWN, is_local=True)).checks]

    assert names == [
        "Its secret is missing",
        "The address is of this machine only",
        "No request yet, not even a refused one",
    ]
    refused = source_page(GITHUB, replace(KNOWN, refused="No secret makes this signature."))
    assert refused.checks[-1].note == "No secret makes this signature."
    assert source_page(GITHUB, SEEN).checks[-1].name == "Requests come and verify"


def test_those_that_had_an_event_last_come_first():
    never = source_row(LINEAR, KNOWN)
    before, now = (
        source_row(GITHUB, replace(KNOWN, newest=summary(received_at=NOW - timedelta(minutes=minutes))))
        for minutes in (4, 1)
    )

    assert latest_first([never, before, now]) == [now, before, never]
