"""Telemetry: told in order, and no subscriber can break the work."""

from __future__ import annotations

import logging

from smart_api_integrations.telemetry import EVENTS, LeasesLost, StoreFailed, Telemetry


def test_subscribers_are_told_of_their_kind_of_event_in_order():
    told: list[object] = []
    telemetry = Telemetry()
    telemetry.subscribe(LeasesLost, lambda event: told.append(("first", event.count)))
    telemetry.subscribe(LeasesLost, lambda event: told.append(("second", event.count)))
    telemetry.tell(LeasesLost(2))
    telemetry.tell(StoreFailed("accept", "away"))
    assert told == [("first", 2), ("second", 2)]


def test_a_failing_subscriber_is_logged_and_the_others_are_told(caplog):
    told: list[int] = []

    def fail(event: LeasesLost) -> None:
        raise ValueError(event)

    telemetry = Telemetry()
    telemetry.subscribe(LeasesLost, fail)
    telemetry.subscribe(LeasesLost, lambda event: told.append(event.count))
    with caplog.at_level(logging.ERROR):
        telemetry.tell(LeasesLost(3))
    assert told == [3]
    assert [record.message for record in caplog.records] == ["A telemetry subscriber failed"]


def test_every_event_says_what_it_means():
    for event in EVENTS:
        assert "Fields:" in (event.__doc__ or "")
