"""Rows as aligned text: no lines around them, cut to the terminal's width, numbers to the right. Floor 10."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence

ELLIPSIS = "…"
_GAP = "  "
_NUMBER = re.compile(r"-?[\d,.]+( ?[a-z%]+)?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, width: int | None = None) -> str:
    """Return a table; the widest column gives way where it would not fit.

    What comes from outside may hold control characters, which a terminal would obey: they are shown as ``?``.

    >>> print(table(("ID", "SIZE"), [("a", "7"), ("b", "1200")], width=40))
    ID  SIZE
    a      7
    b   1200
    """
    cells = [[harmless(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(head))]
    spare = (width or _terminal_width()) - sum(widths) - len(_GAP) * (len(widths) - 1)
    if spare < 0:
        widest = widths.index(max(widths))
        widths[widest] = max(8, widths[widest] + spare)
    right = [
        bool(rows) and all(_NUMBER.fullmatch(row[at]) or not row[at] for row in cells[1:])
        for at in range(len(head))
    ]
    return "\n".join(_line(row, widths, right) for row in cells)


def harmless(text: str) -> str:
    """Return *text* without what a terminal would obey: control characters are shown as ``?``."""
    return _CONTROL.sub("?", text)


def _terminal_width() -> int:
    """Return how wide lines may be: the terminal's width, or none at all where a program reads."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    parts = (
        _cut(cell, width).rjust(width) if to_right else _cut(cell, width).ljust(width)
        for cell, width, to_right in zip(row, widths, right, strict=True)
    )
    return _GAP.join(parts).rstrip()


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + ELLIPSIS
