"""Charts that are kept for a moment: read once for many pages, and never a failure."""

import asyncio
from datetime import timedelta

import pytest

from smart_api_integrations.dashboard.kept_answers import MOST, KeptAnswers, kept_for
from smart_api_integrations.errors import StorageUnavailable


class Reader:
    """Counts how often it is asked, and answers when it is let."""

    def __init__(self):
        self.asked = 0
        self.let = asyncio.Event()
        self.let.set()

    async def __call__(self):
        self.asked += 1
        await self.let.wait()
        return self.asked


async def test_what_was_read_is_given_again_within_its_time():
    kept, read = KeptAnswers(), Reader()

    assert [await kept.get("q", 60, read) for _ in range(3)] == [1, 1, 1]
    assert await kept.get("other", 60, read) == 2


async def test_after_its_time_it_is_read_anew():
    kept, read = KeptAnswers(), Reader()

    assert [await kept.get("q", 0, read) for _ in range(2)] == [1, 2]


async def test_many_at_once_wait_for_one_reading():
    kept, read = KeptAnswers(), Reader()
    read.let.clear()
    asking = [asyncio.ensure_future(kept.get("q", 60, read)) for _ in range(20)]
    await asyncio.sleep(0)
    read.let.set()

    assert await asyncio.gather(*asking) == [1] * 20


async def test_who_leaves_does_not_end_the_reading_for_others():
    kept, read = KeptAnswers(), Reader()
    read.let.clear()
    first, second = (asyncio.ensure_future(kept.get("q", 60, read)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    read.let.set()

    assert await second == 1


async def test_a_failure_is_not_kept():
    kept, answers = KeptAnswers(), [StorageUnavailable("away"), "there"]

    async def read():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(StorageUnavailable):
        await kept.get("q", 60, read)
    assert await kept.get("q", 60, read) == "there"


async def test_not_everything_is_remembered():
    kept, read = KeptAnswers(), Reader()
    for number in range(MOST * 2):
        await kept.get(number, 60, read)

    assert len(kept._kept) <= MOST


def test_a_longer_chart_is_kept_for_longer():
    assert kept_for(timedelta(hours=1)) < 0.5
    assert kept_for(timedelta(days=7)) == 60
