"""A process that does not work takes no work."""

from __future__ import annotations

from smart_api_integrations.core.intake import NoIntake


def test_no_intake_offers_nothing():
    intake = NoIntake()
    assert intake.offer() is None
    intake.take([])
