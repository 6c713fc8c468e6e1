"""How the server logs: one JSON object a line, or a plain line where a person watches. Floor 9.

Only what a log call names under ``extra`` becomes a field; control characters are escaped, values cut.
The library part never configures logging; a server is the application, so it does.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

_OWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}
_LONGEST = 256


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON with stable keys."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as ``{"time", "level", "logger", "message", …extra}``."""
        fields: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields |= {name: _short(value) for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=True)


class PlainLines(logging.Formatter):
    """Formats a record for a terminal: the message, then its fields; control characters are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """Return ``12:00:00 warning Message (action=reap count=2)``."""
        fields = " ".join(
            f"{name}={_short(value)}" for name, value in vars(record).items() if name not in _OWN
        )
        moment = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        line = f"{moment} {record.levelname.lower()} {record.getMessage()}" + (
            f" ({fields})" if fields else ""
        )
        trace = self.formatException(record.exc_info).splitlines() if record.exc_info else []
        return "\n".join(_printable(text) for text in (line, *trace))


def configure_logging(*, level: int = logging.INFO) -> None:
    """Send every log record to standard error, as JSON unless that is a terminal."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PlainLines() if sys.stderr.isatty() else JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("uvicorn.access", "uvicorn.error", "alembic", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _printable(line: str) -> str:
    return line if line.isprintable() else line.encode("unicode_escape").decode()


def _short(value: object) -> object:
    if isinstance(value, (int, float, bool)) or value is None:
        return value
    return str(value)[:_LONGEST]
