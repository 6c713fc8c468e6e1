"""A traceback is shown from the user's frames on."""

from __future__ import annotations

from smart_api_integrations.core.webhook_schema import parse_json
from smart_api_integrations.errors import MalformedRequest
from smart_api_integrations.receive.tracebacks import DETAIL_LIMIT, describe, users_frames


def users_code() -> None:
    parse_json(b"{")


def caught(function) -> BaseException:
    try:
        function()
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error
    raise AssertionError


def test_what_the_users_code_called_stays_also_where_it_is_ours():
    error = caught(users_code)

    _, detail = describe(error)

    assert "in users_code" in detail
    assert "in parse_json" in detail


def test_a_traceback_without_any_frame_of_the_users_is_whole():
    error = caught(users_code)
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next

    assert users_frames(trace) is trace
    assert users_frames(None) is None


def test_an_error_is_one_line_and_never_too_much():
    message, detail = describe(MalformedRequest("x" * 100_000))

    assert message.startswith("MalformedRequest: xxx")
    assert (len(message), len(detail)) == (1000, DETAIL_LIMIT)
