"""Reading what a command is given: files, standard input, header lines, moments. Floor 10."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from smart_api_integrations.errors import InvalidInput

STDIN = "-"


def read_bytes(file: Path | str) -> bytes:
    """Return what *file* holds, byte for byte; ``-`` is standard input.

    Raises:
        InvalidInput: It cannot be read.
    """
    if str(file) == STDIN:
        return sys.stdin.buffer.read()
    from smart_api_integrations.application.trying import read_file

    return read_file(file)


def read_secret(text: str | None, file: Path | None) -> str | None:
    """Return the secret that was given, without the line's end of a file; None where none was.

    Raises:
        InvalidInput: It was given twice, or the file cannot be read.
    """
    if text is not None and file is not None:
        message = "--secret and --secret-file are both given: leave one out."
        raise InvalidInput(message)
    return text if file is None else read_bytes(file).decode("utf-8", "replace").rstrip("\r\n")


def header_pairs(lines: Iterable[str]) -> list[tuple[str, str]]:
    """Return ``Name: value`` lines as pairs, in order; a request line before them is passed over.

    >>> header_pairs(["POST /webhooks/github HTTP/1.1", "X-GitHub-Event: push"])
    [('X-GitHub-Event', 'push')]

    Raises:
        InvalidInput: A line is no header.
    """
    pairs = []
    for number, line in enumerate(lines, 1):
        name, colon, value = line.strip().partition(":")
        if not line.strip() or (number == 1 and "HTTP/" in line):
            continue
        if not colon or not name or " " in name:
            message = f"Line {number} of the headers is no header: expected `Name: value`."
            raise InvalidInput(message)
        pairs.append((name, value.strip()))
    return pairs


def moment(text: str | None) -> datetime:
    """Return the time that *text* names, as ISO 8601 or in seconds since 1970; now where it is None.

    Raises:
        InvalidInput: It names none.
    """
    if text is None:
        return datetime.now(UTC)
    try:
        if text.replace(".", "", 1).isdigit():
            return datetime.fromtimestamp(float(text), UTC)
        read = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError) as error:
        message = f"{text!r} is no time: expected 2026-01-31T12:00:00Z, or seconds since 1970."
        raise InvalidInput(message) from error
    return read if read.tzinfo else read.replace(tzinfo=UTC)
