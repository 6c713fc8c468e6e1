"""Promises about secrets that a handshake brings."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from smart_api_integrations.core.captured_key import CapturedKey

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
AWAITED = CapturedKey(
    id="key_1",
    provider="notion",
    webhook_name="default",
    variable="NOTION_WEBHOOK_SECRET",
    awaited_until=NOW + timedelta(hours=1),
)


def test_it_may_come_until_its_time_is_over():
    assert AWAITED.is_awaited(NOW)
    assert AWAITED.is_awaited(NOW + timedelta(minutes=59))
    assert not AWAITED.is_awaited(NOW + timedelta(hours=1))


def test_one_that_came_is_awaited_no_more():
    assert not replace(AWAITED, captured_at=NOW).is_awaited(NOW)
