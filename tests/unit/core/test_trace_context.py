"""The trace of a row is told by its id; a sender's word is read strictly."""

import pytest

from smart_api_integrations.application.identifiers import ulids
from smart_api_integrations.core.trace_context import parse_traceparent, root_span_id_of, trace_id_of


def test_a_ulid_is_a_trace_id_bit_for_bit():
    assert trace_id_of("evt_00000000000000000000000001") == 1
    assert trace_id_of("evt_7ZZZZZZZZZZZZZZZZZZZZZZZZZ") == 2**128 - 1


def test_different_rows_have_different_traces_that_any_process_finds_again():
    new_id = ulids()
    ids = [new_id("evt_") for _ in range(1000)]

    assert len({trace_id_of(each) for each in ids}) == 1000
    assert len({root_span_id_of(each) for each in ids}) == 1000
    assert trace_id_of(ids[0]) == trace_id_of(ids[0])


@pytest.mark.parametrize("row_id", ["", "evt_", "evt_1", "evt_00000000000000000000000000", "anything"])
def test_no_id_makes_a_trace_that_is_invalid(row_id):
    assert 0 < trace_id_of(row_id) < 2**128
    assert 0 < root_span_id_of(row_id) < 2**64


TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "value", [f"00-{TRACE}-{SPAN}-01", f" 00-{TRACE}-{SPAN}-00 ", f"cc-{TRACE}-{SPAN}-01-later"]
)
def test_a_traceparent_is_read(value):
    assert parse_traceparent(value) == (int(TRACE, 16), int(SPAN, 16))


@pytest.mark.parametrize(
    "value",
    [
        "",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}x-{SPAN}-01",
    ],
)
def test_what_is_no_traceparent_is_not_guessed_at(value):
    assert parse_traceparent(value) is None
