"""An edited copy of an event, as its page shows it."""

from datetime import UTC, datetime

from smart_api_integrations.core.edited_copy import edited_copy
from smart_api_integrations.core.journal import Trace
from smart_api_integrations.dashboard.views.event import event_page
from smart_api_integrations.dashboard.views.verification import verification
from tests.journal_scenes import received

NOW = datetime(2026, 11, 22, 14, 28, tzinfo=UTC)
ORIGINAL = received(id="evt_1")
COPY = edited_copy(ORIGINAL, b"{}", new_id="evt_2", now=NOW)


def page_of(event):
    trace = Trace(event=event, handlings=[], messages=[], deliveries=[], attempts=[], endpoints={})
    return event_page(trace, event, now=NOW)


def test_an_edited_copy_claims_no_proof():
    told = verification(COPY)

    assert (told.tone, told.proofs) == ("wait", ())
    assert "evt_1" in told.text
    assert "never sent it" in told.text


def test_its_page_names_what_it_was_copied_from():
    page = page_of(COPY)

    facts = {fact.name: fact for fact in page.ids}
    assert facts["Copied from"].value == "evt_1"
    assert [stage.title for stage in page.stages][:2] == ["Received", "Not checked"]
    assert page.stages[1].note == "edited by a person"


def test_the_page_of_the_original_says_nothing_of_copies():
    page = page_of(ORIGINAL)

    assert "Copied from" not in {fact.name for fact in page.ids}
    assert page.verification.tone == "ok"
