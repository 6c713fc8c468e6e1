"""The mark that a page carries: read before the page, and missing where the journal cannot be read."""

from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.requests import Request

from smart_api_integrations.core.changes import Mark
from smart_api_integrations.dashboard.first_mark import FirstMark, mark_of
from smart_api_integrations.errors import StorageUnavailable

NOTHING: Any = None
MARK = Mark(since=1, counts=(1, 0, 0, 0, 0, 0, 0), version="0badcafe")


class Journal:
    """Answers with one mark, or not at all."""

    def __init__(self, *, is_away=False):
        self.is_away = is_away
        self.asked = []

    def now(self):
        return datetime(2026, 11, 22, tzinfo=UTC)

    async def mark(self, since):
        self.asked.append(since)
        if self.is_away:
            raise StorageUnavailable
        return MARK


async def seen_by_page(journal, path, *, method="GET", root=""):
    seen = []

    async def page(scope, receive, send):
        seen.append(mark_of(Request(scope)))

    scope = {"type": "http", "method": method, "path": path, "root_path": root, "headers": []}
    await FirstMark(page, journal)(scope, NOTHING, NOTHING)
    return seen


async def test_a_page_has_the_mark_from_before_it():
    journal = Journal()

    assert await seen_by_page(journal, "/events") == [MARK.token]
    assert journal.asked == [datetime(2026, 11, 21, 23, 59, tzinfo=UTC)]


@pytest.mark.parametrize("path", ["/static/v-1/app.css", "/live/stream"])
@pytest.mark.parametrize("root", ["", "/ops/hooks"])
async def test_what_is_no_page_reads_nothing(path, root):
    journal = Journal()

    assert await seen_by_page(journal, root + path, root=root) == [""]
    assert journal.asked == []


async def test_a_form_reads_nothing():
    assert await seen_by_page(Journal(), "/endpoints", method="POST") == [""]


async def test_a_page_comes_without_a_mark_where_the_journal_is_away():
    assert await seen_by_page(Journal(is_away=True), "/events") == [""]
