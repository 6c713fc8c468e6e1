"""Why a request was not accepted: causes stand in the order of the evidence."""

from datetime import UTC, datetime, timedelta

import pytest

from smart_api_integrations import errors
from smart_api_integrations.core.journal import EventSummary
from smart_api_integrations.dashboard.views.reasons import REASONS, Evidence
from smart_api_integrations.dashboard.views.rejection import rejection_page
from tests.journal_scenes import rejected

NOW = datetime(2026, 11, 22, 14, 28, tzinfo=UTC)


def verified(ago):
    return EventSummary(
        id="evt_1",
        provider="github",
        webhook_name="deploys",
        event_type="push",
        action=None,
        event_id=None,
        size=1,
        duplicates=0,
        received_at=NOW - ago,
        handlings=(),
        deliveries=(),
    )


def evidence(*, last_verified=None, alike=1, addresses=1, since=timedelta(0)):
    return Evidence(last_verified=last_verified, alike=alike, addresses=addresses, since=NOW - since, now=NOW)


def page(given=None, **values):
    return rejection_page(rejected(**{"received_at": NOW} | values), given or evidence())


def leaves(kind):
    below = kind.__subclasses__()
    return [kind] if not below else [leaf for child in below for leaf in leaves(child)]


@pytest.mark.parametrize("kind", leaves(errors.RequestRejected), ids=lambda kind: kind.__name__)
def test_every_reason_for_which_we_reject_is_explained(kind):
    shown = page(reason=kind().reason)

    assert kind().reason in REASONS
    assert shown.title
    assert shown.causes


def test_a_word_that_is_new_has_a_page_all_the_same():
    shown = page(reason="something_new")

    assert shown.title == "The request was not accepted, so nothing was run"
    assert shown.causes == ()


def test_a_changed_secret_comes_first_where_requests_verified_until_lately():
    shown = page(evidence(last_verified=verified(timedelta(hours=3)), alike=37, since=timedelta(hours=2)))

    assert shown.causes[0].title == "The secret was changed at GitHub and not here"
    assert shown.causes[0].is_top
    assert shown.causes[0].likely.replace("\u00a0", " ") == "37 failed, the last verified 3 h ago"


def test_a_wrong_secret_comes_first_where_nothing_ever_verified():
    shown = page()

    assert shown.causes[0].title == "The secret here is not the one at GitHub"
    assert "ruled out" in shown.causes[-1].likely


def test_a_proxy_is_suspected_where_one_left_its_mark():
    headers = {"headers": ["content-type", "via", "x-hub-signature-256"]}

    shown = page(facts=headers)

    assert "possible: it carries via" in {cause.likely for cause in shown.causes}


def test_a_stranger_is_suspected_where_nothing_is_signed():
    given = evidence(last_verified=verified(timedelta(minutes=1)))

    shown = page(given, reason="signature_missing", facts={"headers": ["user-agent"]})

    assert shown.causes[0].title == "It was not GitHub"


def test_another_signature_is_pointed_at():
    shown = page(reason="signature_missing", facts={"headers": ["stripe-signature"]})

    assert "it carries stripe-signature instead" in {cause.likely for cause in shown.causes}


def test_many_from_the_past_point_to_the_clock():
    assert (
        page(evidence(alike=9), reason="timestamp_too_old").causes[0].title == "This server's clock is wrong"
    )


def test_the_checks_say_how_far_it_came():
    checks = page(facts={"bytes": 11812, "headers": []}).checks

    assert [check.tone for check in checks] == ["ok", "ok", "ok", "ok", "reject", "idle"]
    assert checks[1].note == "11,812 bytes"
    assert checks[5].note == "not reached"


def test_without_a_body_the_checks_stop_at_the_body():
    checks = page(reason="malformed_request", facts={"headers": []}).checks

    assert [check.tone for check in checks] == ["ok", "reject", "idle", "idle", "idle", "idle"]


def test_others_alike_are_counted():
    shown = page(evidence(alike=37, addresses=2, since=timedelta(hours=3)))

    assert shown.alike.replace("\u00a0", " ") == "Same source, same reason, from 2 addresses, since 3 h ago."
    assert page().alike == ""


def test_what_a_stranger_sent_is_made_visible():
    shown = page(
        detail="a\u202eb", facts={"headers": ["x\x00y"], "method": "GE\u200bT"}, remote_address="\x1b[0m"
    )

    assert shown.text == "a\\u202eb"
    assert shown.header_names == ("x␀y",)
    assert ("Method", "GE\\u200bT") in shown.facts
    assert shown.sender == "␛[0m"


def test_facts_of_another_shape_do_no_harm():
    assert page(facts={"headers": "text", "bytes": "many"}).size == ""
