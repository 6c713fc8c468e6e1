"""An endpoint: its schedule, and what a repr must not show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.retry_schedule import DELIVERIES

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def endpoint(**values: object) -> Endpoint:
    given = {"id": "ep_1", "url": "https://a.example", "events": ("*",), "secret": "hunter2", **values}
    return Endpoint(created_at=NOW, updated_at=NOW, **given)  # type: ignore[arg-type]


def test_an_endpoint_without_numbers_of_its_own_follows_the_standard_schedule():
    assert endpoint().schedule is DELIVERIES


@pytest.mark.parametrize(
    ("values", "waits"),
    [
        ({"retry_count": 3, "retry_delay": timedelta(seconds=2)}, [2, 4]),
        ({"retry_count": 4}, [5, 10, 20]),
        ({"retry_delay": timedelta(seconds=1)}, [1, 2]),
        ({"retry_count": 0}, []),
    ],
)
def test_an_endpoints_numbers_make_a_doubling_schedule(values, waits):
    assert [wait.total_seconds() for wait in endpoint(**values).schedule.waits] == waits


def test_a_repr_shows_neither_secret_nor_headers():
    text = repr(endpoint(headers={"Authorization": "Bearer swordfish"}))
    assert "hunter2" not in text
    assert "swordfish" not in text
