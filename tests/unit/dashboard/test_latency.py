"""The latency chart's geometry and words, and the bars beside it."""

from datetime import UTC, datetime, timedelta

import pytest

from smart_api_integrations.core.histogram import bucket_of
from smart_api_integrations.dashboard.views.latency import HEIGHT, WIDTH, latency_chart
from smart_api_integrations.dashboard.views.shares import MOST, answer_bars, type_bars
from smart_api_integrations.dashboard.views.traffic import RANGES, range_of
from smart_api_integrations.storage.read_models import Tally
from smart_api_integrations.storage.tallies import SLOT

HOUR = range_of("1h")
START = datetime(2026, 11, 22, 12, tzinfo=UTC)


def tallies(*slices):
    return [Tally(starts_at=START + index * SLOT, counts=counts) for index, counts in enumerate(slices)]


def took(milliseconds, count=1):
    return {str(bucket_of(milliseconds)): count}


def drawn(*slices, span=HOUR):
    return latency_chart(tallies(*slices), span, what="Deliveries")


def plain(text):
    return text.replace("\u00a0", " ")


def test_every_range_is_cut_into_whole_slots():
    for span in RANGES:
        assert span.tally_step % SLOT == timedelta(0)
        assert span.since % span.tally_step == timedelta(0)
        assert span.tally_step >= span.step


def test_where_nothing_happened_there_is_nothing_to_draw():
    chart = drawn({}, {})

    assert chart.is_empty
    assert (chart.p50, chart.p95, chart.p50_now) == ("", "", "—")
    assert "there were none" in chart.title


def test_the_lines_stand_above_each_other_within_the_picture():
    chart = drawn(*[took(50, 90) | took(900, 10)] * 12)
    for path in (chart.p50, chart.p95):
        pairs = path.replace("M", "|").replace("L", "|").split("|")[1:]
        points = [tuple(map(float, pair.split())) for pair in pairs]
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    first = [float(path.split(" ")[1]) for path in (chart.p50, chart.p95)]
    assert first[0] > first[1]


def test_a_line_is_broken_where_nothing_happened():
    chart = drawn(took(10), took(10), {}, took(10), took(10))

    assert chart.p50.count("M") == 2
    assert chart.dots == ()


def test_a_slice_alone_is_a_dot():
    chart = drawn({}, took(10), {})

    assert {name for name, _, _ in chart.dots} == {"p50", "p95"}


def test_its_title_and_table_say_what_it_shows():
    chart = drawn(took(100, 99) | took(5000, 1), took(2))

    assert plain(chart.title).startswith("Deliveries in the last 1 h: half took")
    assert [plain(point.p50) for point in chart.points] == ["99 ms", "1.8 ms"]
    assert len(chart.points) == 2
    assert chart.ticks[-1] == "now"


@pytest.mark.parametrize("milliseconds", [0.1, 3, 80, 999, 45_000, 10**7])
def test_the_axis_holds_what_is_drawn(milliseconds):
    chart = drawn(took(milliseconds))

    assert chart.labels[-1] == "0"
    assert len(chart.labels) == 3


def test_types_come_with_their_senders_the_most_first():
    bars = type_bars(
        tallies({"stripe/invoice.paid": 3, "github/push": 1}, {"stripe/invoice.paid": 2, "github/": 1})
    )

    assert [(bar.name, bar.note, bar.count) for bar in bars] == [
        ("invoice.paid", "Stripe", "5"),
        ("no type", "GitHub", "1"),
        ("push", "GitHub", "1"),
    ]
    assert bars[0].query == {"provider": "stripe", "type": "invoice.paid"}
    assert (bars[0].width, bars[1].width) == ("100.0", "20.0")


def test_many_types_end_in_the_rest():
    bars = type_bars(tallies({f"github/t{number:02}": 10 for number in range(20)}))

    assert len(bars) == MOST + 1
    assert (bars[-1].name, bars[-1].count) == ("other types", str(10 * (20 - MOST)))


def test_a_type_that_holds_a_slash_stays_whole():
    (bar,) = type_bars(tallies({"shopify/orders/create": 1}))

    assert bar.query == {"provider": "shopify", "type": "orders/create"}


def test_answers_are_told_by_word_and_tone():
    bars = answer_bars(tallies({"200": 90, "503": 5, "none": 4, "429": 2, "799": 1}))

    assert [(bar.name, bar.note, bar.tone) for bar in bars] == [
        ("200", "OK", "out"),
        ("503", "Service Unavailable", "fail"),
        ("No answer", "", "fail"),
        ("429", "Too Many Requests", "wait"),
        ("799", "", "fail"),
    ]


def test_there_are_no_bars_of_nothing():
    assert type_bars(tallies({})) == answer_bars(tallies()) == ()
