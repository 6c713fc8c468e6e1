"""Times, sizes and counts in words."""

from datetime import UTC, datetime, timedelta

import pytest

from smart_api_integrations.dashboard.views import measures

NOW = datetime(2026, 11, 22, 14, 28, 0, 250_000, tzinfo=UTC)


def plain(text):
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(milliseconds=400), "now"),
        (timedelta(seconds=14), "14 s ago"),
        (timedelta(minutes=4, seconds=3), "4 min ago"),
        (timedelta(hours=3, minutes=59), "3 h ago"),
        (timedelta(days=9), "9 d ago"),
        (timedelta(days=41), "12 Oct 2026"),
        (timedelta(minutes=-5), "in 5 min"),
    ],
)
def test_a_moment_reads_relative_and_holds_the_absolute(ago, text):
    moment = measures.moment(NOW - ago, NOW)

    assert plain(moment.text) == text
    assert moment.title.endswith(" UTC")
    assert datetime.fromisoformat(moment.machine) == (NOW - ago).replace(
        microsecond=(NOW - ago).microsecond // 1000 * 1000
    )


def test_traces_show_milliseconds_and_clocks_seconds():
    assert measures.exact(NOW).text == "14:28:00.250"
    assert measures.clock(NOW).text == "14:28:00"


@pytest.mark.parametrize(
    ("seconds", "parts", "text"),
    [
        (0, 2, "0 s"),
        (0.4, 2, "0 s"),
        (83, 2, "1 min 23 s"),
        (83, 1, "1 min"),
        (3600, 2, "1 h"),
        (3605, 2, "1 h 5 s"),
        (90061, 2, "1 d 1 h"),
    ],
)
def test_a_span_names_its_largest_units(seconds, parts, text):
    assert plain(measures.span(timedelta(seconds=seconds), parts=parts)) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0.42, "0.4 ms"), (4.0, "4 ms"), (211.6, "212 ms"), (1810, "1.81 s"), (83_000, "1 min 23 s")],
)
def test_a_duration_keeps_the_digits_that_matter(milliseconds, text):
    assert plain(measures.duration(milliseconds)) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1412, "1.4 kB"),
        (23_400, "23 kB"),
        (10_485_760, "10 MB"),
        (5_000_000_000, "5.0 GB"),
    ],
)
def test_a_size_stands_with_its_unit(count, text):
    assert plain(measures.size(count)) == text


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [
        (1, "try", "1 try"),
        (2, "try", "2 tries"),
        (2, "day", "2 days"),
        (3, "address", "3 addresses"),
        (0, "event", "0 events"),
        (10_000, "delivery", "10 k+ deliveries"),
    ],
)
def test_counts_agree_with_their_noun(count, noun, text):
    assert plain(measures.plural(count, noun)) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, "—"),
        (0, 5, "0"),
        (5, 5, "100"),
        (1, 3, "33.3"),
        (999_999, 1_000_000, "99.99"),
        (1, 1_000_000, "0.01"),
    ],
)
def test_a_share_is_never_rounded_to_all_or_nothing(part, whole, text):
    assert measures.share(part, whole) == text
