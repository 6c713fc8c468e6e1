"""How the server logs: one JSON object a line, or a plain line where a person watches. Floor 9.

Only what a log call names under ``extra`` becomes a field; control characters are escaped, values cut, and
what looks like a secret is masked.
The library part never configures logging; a server is the application, so it does.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from smart_api_integrations.core.redaction import redacted, redacted_field
from smart_api_integrations.settings import LogFormat, LogLevel

_OWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}
_LONGEST = 256
_LONGEST_TEXT = 16_384
_PACKAGE = "smart_api_integrations"


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON with stable keys."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as ``{"time", "level", "logger", "message", …extra}``."""
        fields: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _told(record.getMessage()),
        }
        fields |= {name: _short(name, value) for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info:
            fields["exception"] = _told(self.formatException(record.exc_info))
        return json.dumps(fields, ensure_ascii=True)


class PlainLines(logging.Formatter):
    """Formats a record for a terminal: the message, then its fields; control characters are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """Return ``12:00:00 warning Message (action=reap count=2)``."""
        fields = " ".join(
            f"{name}={_short(name, value)}" for name, value in vars(record).items() if name not in _OWN
        )
        moment = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        line = f"{moment} {record.levelname.lower()} {_told(record.getMessage())}" + (
            f" ({fields})" if fields else ""
        )
        trace = _told(self.formatException(record.exc_info)).splitlines() if record.exc_info else []
        return "\n".join(_printable(text) for text in (line, *trace))


def configure_logging(*, style: LogFormat = "auto", level: LogLevel = "info") -> None:
    """Send every log record to standard error; *style* ``auto`` is JSON unless that is a terminal.

    The level is that of this package; of others nothing below ``info`` is written.
    """
    handler = logging.StreamHandler(sys.stderr)
    is_plain = style == "text" or (style == "auto" and sys.stderr.isatty())
    handler.setFormatter(PlainLines() if is_plain else JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    wanted = logging.getLevelNamesMapping()[level.upper()]
    root.setLevel(max(wanted, logging.INFO))
    logging.getLogger(_PACKAGE).setLevel(wanted)
    for noisy in ("uvicorn.access", "uvicorn.error", "alembic", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _printable(line: str) -> str:
    return line if line.isprintable() else line.encode("unicode_escape").decode()


def _told(text: str) -> str:
    return redacted(text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…")


def _short(name: str, value: object) -> object:
    shown = redacted_field(name, value)
    return shown[:_LONGEST] if isinstance(shown, str) else shown
