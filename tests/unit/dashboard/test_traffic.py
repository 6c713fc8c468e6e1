"""The traffic chart's geometry and words."""

from datetime import UTC, datetime, timedelta

import pytest

from smart_api_integrations.core.journal import TrafficPoint
from smart_api_integrations.dashboard.views.traffic import HEIGHT, RANGES, chart, range_of

DAY = range_of("24h")
START = datetime(2026, 11, 22, tzinfo=UTC)


def points(**counts):
    return [TrafficPoint(starts_at=START + timedelta(minutes=30 * index), **counts) for index in range(48)]


def test_every_range_is_cut_into_whole_slices():
    for span in RANGES:
        assert span.since % span.step == timedelta(0)
        assert 30 <= span.since // span.step <= 60


def test_an_unknown_range_is_a_day():
    assert range_of("forever") is DAY
    assert range_of("1h").since == timedelta(hours=1)


def test_what_came_in_stands_above_the_line_and_what_went_out_below():
    drawn = chart(points(accepted=10, rejected=2, delivered=8, delivery_failed=1), DAY)
    bars = {bar.name: bar for bar in drawn.slices[0].bars}

    middle = float(drawn.middle)
    assert float(bars["f-in"].y) + float(bars["f-in"].height) < middle
    assert float(bars["f-reject"].y) + float(bars["f-reject"].height) <= float(bars["f-in"].y)
    assert float(bars["f-out"].y) > middle
    assert float(bars["f-fail"].y) >= float(bars["f-out"].y) + float(bars["f-out"].height)


@pytest.mark.parametrize("most", [1, 2, 3, 7, 10, 99, 100, 1234, 48_000])
def test_no_bar_leaves_the_picture_and_the_labels_are_round(most):
    drawn = chart(points(accepted=most, delivered=most), DAY)

    for bar in drawn.slices[0].bars:
        assert float(bar.y) >= 0
        assert float(bar.y) + float(bar.height) <= HEIGHT + 1
    assert drawn.labels[2] == "0"


def test_one_among_thousands_can_be_seen():
    drawn = chart(points(accepted=40_000, rejected=1), DAY)
    rejected = next(bar for bar in drawn.slices[0].bars if bar.name == "f-reject")

    assert float(rejected.height) >= 1.5


def test_nothing_is_drawn_where_nothing_happened():
    drawn = chart(points(), DAY)

    assert all(not slice_.bars for slice_ in drawn.slices)
    assert "0 accepted" in drawn.title


def test_the_title_says_the_finding_and_the_table_has_every_slice():
    drawn = chart(points(accepted=1, duplicate=1, delivered=3), DAY)

    assert "96 accepted" in drawn.title
    assert "144 delivered" in drawn.title
    assert drawn.slices[1].counts == ("2", "0", "3", "0")
    assert drawn.slices[1].at.text == "00:30"


def test_a_week_names_its_days():
    week = range_of("7d")

    assert chart(points(), week).ticks[0] == "Sun 00:00"


def test_no_points_make_an_empty_picture():
    assert chart([], DAY).slices == ()
