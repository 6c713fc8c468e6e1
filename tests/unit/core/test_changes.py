"""Marks and what changed between two of them."""

import pytest

from smart_api_integrations.core.changes import COUNTED, Change, Mark, change_between, version_of

MARK = Mark(since=29_384_756, counts=(3, 0, 1, 2, 0, 10_000, 7), version="0badcafe")


def test_a_token_spells_its_mark():
    assert Mark.parse(MARK.token) == MARK


@pytest.mark.parametrize(
    "token",
    [
        "",
        "1",
        MARK.token + "-1",
        MARK.token[:-1],
        MARK.token.replace("-3-", "--3-"),
        "-" + MARK.token,
        "٣" + MARK.token,
        MARK.token.upper(),
        MARK.token + "\n",
        "9" * 13 + "-0" * 7 + "-00000000",
    ],
)
def test_what_spells_none_is_no_mark(token):
    assert Mark.parse(token) is None


def test_a_change_is_what_was_added():
    later = Mark(since=MARK.since, counts=(5, 0, 1, 3, 0, 10_000, 8), version=MARK.version)

    change = change_between(MARK, later)

    assert change == Change(counts=(2, 0, 0, 1, 0, 0, 1))
    assert change
    assert {name: change.count(name) for name in ("accepted", "handled", "delivered")} == {
        "accepted": 2,
        "handled": 1,
        "delivered": 0,
    }


def test_nothing_new_is_no_change():
    assert not change_between(MARK, MARK)


def test_what_people_change_is_seen_by_its_version():
    assert change_between(MARK, Mark(since=MARK.since, counts=MARK.counts, version="00000000")).settings


@pytest.mark.parametrize(
    "other",
    [
        Mark(since=MARK.since + 1, counts=MARK.counts, version=MARK.version),
        Mark(since=MARK.since, counts=(2, *MARK.counts[1:]), version=MARK.version),
    ],
    ids=["another minute", "fewer than before"],
)
def test_what_cannot_be_compared_may_be_anything(other):
    assert change_between(MARK, other).unknown


def test_changes_add_up():
    one = Change(counts=(1, 0, 0, 0, 0, 0, 2))

    assert one + Change(settings=True) == Change(counts=one.counts, settings=True)
    assert (one + one).counts == (2, 0, 0, 0, 0, 0, 4)
    assert (one + Change(unknown=True)).unknown


def test_a_version_depends_on_each_part():
    assert version_of(["a", None]) != version_of(["a", "b"])
    assert version_of([None]) == version_of([None])
    assert len(COUNTED) == len(Change().counts)
