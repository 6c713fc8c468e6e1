"""Whether an object in a body's JSON says one key twice. Floor 1.

RFC 8259 (section 4) leaves open what that means, and readers differ: the first value, the last, both. Whoever
can add a key to a body that somebody else signs or checks could show each of two readers another amount. So
such a body is refused, whichever value we would have read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from smart_api_integrations.errors import DuplicateKeys


def refuse_repeated_keys(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of *pairs*: for the ``object_pairs_hook`` of ``json``, whose check is exact.

    Raises:
        DuplicateKeys: Two of them have the same key.
    """
    members = dict(pairs)
    if len(members) != len(pairs):
        raise DuplicateKeys
    return members


def may_repeat(body: bytes, written: bytes) -> bool:
    """Tell whether *body* may say a key twice; *written* is what was parsed of it, written as JSON anew.

    For a parser that has no hook: it keeps one value of a repeated key, so that what is written has fewer
    colons than what was read. Only an escaped colon, which is written as a plain one, could make up for it.
    Never wrongly False; wrongly True for bodies with escapes, which the exact check then decides.
    """
    if body == written:
        return False
    return body.count(b":") != written.count(b":") or (b"\\" in body and b"\\u003" in body)
