from datetime import UTC, datetime

from smart_api_integrations.core.edited_copy import HEADER, edited_copy, original_of
from tests.journal_scenes import received

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_copy_is_an_event_of_its_own_that_says_what_it_is():
    event = received(dedupe_keys=(b"k",), duplicates=3)

    copy = edited_copy(event, b'{"a": 1}', new_id="evt_2", now=NOW)

    assert (copy.id, copy.event_id, copy.body, copy.received_at) == ("evt_2", "evt_2", b'{"a": 1}', NOW)
    assert (copy.event_type, copy.provider) == (event.event_type, event.provider)
    assert (copy.dedupe_keys, copy.duplicates, copy.proof.scheme) == ((), 0, "edited")
    assert copy.headers[0] == (HEADER, event.id)
    assert original_of(copy) == event.id


def test_a_copy_of_a_copy_names_the_last_one():
    first = edited_copy(received(), b"{}", new_id="evt_2", now=NOW)

    second = edited_copy(first, b"[]", new_id="evt_3", now=NOW)

    assert original_of(second) == "evt_2"
    assert [name for name, _ in second.headers].count(HEADER) == 1


def test_a_provider_cannot_pretend():
    assert original_of(received(headers=((HEADER, "evt_1"),))) is None
