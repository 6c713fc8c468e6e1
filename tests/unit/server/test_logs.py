"""What the server's log lines hold, and what can never get into them."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from smart_api_integrations.server.logs import JsonLines, PlainLines, configure_logging

BOTH = pytest.mark.parametrize("formatter", [JsonLines(), PlainLines()], ids=["json", "plain"])
HOSTILE = "a\r\n2026-01-01 forged line\x1b[31m\u2028\x00\x85\udc80"


def record(message: str = "A request was not accepted", *args: Any, **extra: Any) -> logging.LogRecord:
    own = {"name": "smart_api_integrations.core.webhook", "levelname": "INFO", "msg": message, "args": args}
    return logging.makeLogRecord(own | extra)


def failed(error: BaseException) -> logging.LogRecord:
    made = record("It failed")
    made.exc_info = (type(error), error, None)
    return made


def test_a_line_of_json_has_stable_keys_and_what_was_named_as_extra() -> None:
    line = JsonLines().format(record("Leases ended: %s", 2, action="reap", count=2, provider="github"))

    fields = json.loads(line)
    assert fields.pop("time").endswith("+00:00")
    assert fields == {
        "level": "info",
        "logger": "smart_api_integrations.core.webhook",
        "message": "Leases ended: 2",
        "action": "reap",
        "count": 2,
        "provider": "github",
    }


def test_a_plain_line_says_the_same() -> None:
    line = PlainLines().format(record("Leases ended", action="reap", count=2))

    assert line[8:] == " info Leases ended (action=reap count=2)"


@BOTH
def test_control_characters_cannot_make_a_line_of_their_own(formatter: logging.Formatter) -> None:
    line = formatter.format(record(f"told {HOSTILE}", provider=HOSTILE))

    assert line.isprintable()
    assert line.encode()
    assert "\\x1b[31m" in line or "\\u001b[31m" in line


@BOTH
def test_an_exceptions_text_cannot_either(formatter: logging.Formatter) -> None:
    line = formatter.format(failed(ValueError(f"no {HOSTILE}")))

    assert "\x1b" not in line
    assert "\x00" not in line
    assert "ValueError: no a" in line
    assert line.encode()


@BOTH
def test_a_value_is_cut(formatter: logging.Formatter) -> None:
    assert len(formatter.format(record(reason="x" * 100_000))) < 1000


@BOTH
def test_an_object_is_named_and_its_content_is_not_walked(formatter: logging.Formatter) -> None:
    class Request:
        secret = "hush"

        def __str__(self) -> str:
            return "a request"

    line = formatter.format(record(request=Request()))

    assert "a request" in line
    assert "hush" not in line


@pytest.fixture
def _logging_as_it_was() -> Any:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.usefixtures("_logging_as_it_was")
def test_the_server_logs_to_standard_error_as_json_where_nobody_watches(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging()

    logging.getLogger("shop.hooks").info("hello", extra={"action": "greet"})
    logging.getLogger("uvicorn.access").info("GET /webhooks/github?token=hush")

    told = capsys.readouterr()
    assert told.out == ""
    assert json.loads(told.err)["action"] == "greet"
