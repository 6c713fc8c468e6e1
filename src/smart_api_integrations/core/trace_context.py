"""Which trace something belongs to: told by its id, so that nothing about traces is stored. Floor 1.

Rules:

1. A trace is everything that one event led to: its id is the event's own, whose ULID has the 128 bits of a
   trace id. A message that no event caused has a trace of its own, by its own id.
2. So every process, at any time, knows the trace of a row, also of one that was kept before anybody traced.
3. What a sender says of its own trace (``traceparent``) is never taken over, for a stranger could put its
   requests into any trace; it becomes a link (https://www.w3.org/TR/trace-context/#a-vendor).
"""

from __future__ import annotations

import hashlib
import re

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's, as ULIDs are spelt
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
_ULID = re.compile(f"[0-7][{_ALPHABET}]{{25}}")
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)


def trace_id_of(row_id: str) -> int:
    """Return the trace of what *row_id* names: the bits of its ULID, or of a hash where it has none.

    >>> f"{trace_id_of('evt_01ARZ3NDEKTSV4RRFFQ69G5FAV'):032x}"
    '01563e3ab5d3d6764c61efb99302bd5b'
    """
    text = row_id.rpartition("_")[2]
    if _ULID.fullmatch(text) is None:
        return int.from_bytes(hashlib.sha256(row_id.encode()).digest()[:16]) or 1
    number = 0
    for letter in text:
        number = number * 32 + _VALUES[letter]
    return number or 1


def root_span_id_of(row_id: str) -> int:
    """Return the id of the span that stands for *row_id* itself, under which everything else hangs."""
    return int.from_bytes(hashlib.sha256(b"root " + row_id.encode()).digest()[:8]) or 1


def parse_traceparent(value: str) -> tuple[int, int] | None:
    """Return the trace and the span that a ``traceparent`` header names; None where it names none.

    >>> parse_traceparent("00-00000000000000000000000000000001-0000000000000002-01")
    (1, 2)
    """
    match = _TRACEPARENT.fullmatch(value.strip())
    if match is None or match[1] == "ff" or (match[1] == "00" and match[5]):
        return None
    trace_id, span_id = int(match[2], 16), int(match[3], 16)
    return (trace_id, span_id) if trace_id and span_id else None
