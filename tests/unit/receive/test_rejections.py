"""The log of rejections: bounded whatever comes, complete in its counts, harmless where the store is away."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from smart_api_integrations.core.journal import Rejection
from smart_api_integrations.errors import StorageUnavailable
from smart_api_integrations.receive.rejections import KINDS, ROWS_PER_KIND, RejectionLog
from smart_api_integrations.telemetry import EventRejected, Telemetry
from tests.journal_scenes import rejected


class Notebook:
    """Keeps what is logged."""

    def __init__(self, *, away: bool = False) -> None:
        self.away = away
        self.pages: list[list[Rejection]] = []

    async def log_rejections(self, rejections: Sequence[Rejection]) -> None:
        if self.away:
            raise StorageUnavailable
        self.pages.append(list(rejections))

    @property
    def rows(self) -> list[Rejection]:
        return [row for page in self.pages for row in page]


def logged(*rejections: Rejection, away: bool = False) -> Notebook:
    """Tell of the rejections, then close the log."""
    notebook = Notebook(away=away)

    async def tell() -> None:
        telemetry = Telemetry()
        log = RejectionLog(notebook, telemetry)  # type: ignore[arg-type]  # the one method that it calls
        for rejection in rejections:
            telemetry.tell(EventRejected(rejection))
        assert notebook.pages == []  # nothing on the request's path
        await log.close()

    asyncio.run(tell())
    return notebook


def test_what_was_gathered_is_written_in_one_go() -> None:
    first, second = rejected(), rejected(provider="slack")

    assert logged(first, second).pages == [[first, second]]


def test_of_requests_that_were_refused_alike_a_few_rows_stand_for_all() -> None:
    rows = logged(*[rejected() for _ in range(100)]).rows

    assert len(rows) == ROWS_PER_KIND
    assert sum(row.sampled for row in rows) == 100


@pytest.mark.parametrize(
    "differing",
    [
        {"provider": "slack"},
        {"webhook_name": "b"},
        {"reason": "timestamp_too_old"},
        {"remote_address": "::1"},
    ],
)
def test_a_flood_of_one_kind_does_not_hide_another(differing: dict[str, Any]) -> None:
    other = rejected(**differing)

    assert other in logged(*[rejected() for _ in range(100)], other).rows


def test_however_many_addresses_a_flood_has_its_rows_are_bounded() -> None:
    count = 5000

    rows = logged(*[rejected(remote_address=f"192.0.2.{number}") for number in range(count)]).rows

    assert len(rows) <= KINDS + ROWS_PER_KIND
    assert sum(row.sampled for row in rows) == count


def test_a_store_that_is_away_costs_the_rows_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    assert logged(rejected(), rejected(), away=True).rows == []

    (record,) = caplog.records
    assert (record.__dict__["action"], record.__dict__["count"]) == ("log_rejections", 2)


def test_nothing_gathered_is_nothing_written() -> None:
    assert logged().pages == []


def test_it_is_written_by_itself_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smart_api_integrations.receive.rejections.FLUSH_SECONDS", 0)
    notebook = Notebook()

    async def tell() -> None:
        telemetry = Telemetry()
        log = RejectionLog(notebook, telemetry)  # type: ignore[arg-type]  # the one method that it calls
        for _ in range(2):
            telemetry.tell(EventRejected(rejected()))
            count = len(notebook.pages)
            async with asyncio.timeout(10):
                while len(notebook.pages) == count:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0)
        await log.close()

    asyncio.run(tell())

    assert [len(page) for page in notebook.pages] == [1, 1]
