"""What of a traceback is the user's own: shown where a handler failed. Floor 4."""

from __future__ import annotations

import traceback
from types import TracebackType

DETAIL_LIMIT = 16 * 1024
_OUR_FRAMES = frozenset({"smart_api_integrations", "asyncio", "concurrent", "contextvars"})


def users_frames(trace: TracebackType | None) -> TracebackType | None:
    """Return *trace* from the first frame on that is neither ours nor the event loop's.

    What the user's code called after that stays, also where it is ours. A trace without any frame of the
    user's is returned whole.
    """
    found = trace
    while found is not None and _is_ours(found):
        found = found.tb_next
    return found or trace


def describe(error: BaseException) -> tuple[str, str]:
    """Return any error as one line and as its traceback, both bounded.

    Also one that fails when it is asked what it says.

    >>> describe(KeyError("id"))[0]
    "KeyError: 'id'"
    """
    told = traceback.TracebackException(type(error), error, users_frames(error.__traceback__))
    return f"{type(error).__name__}: {told}"[:1000], "".join(told.format())[-DETAIL_LIMIT:]


def _is_ours(trace: TracebackType) -> bool:
    name = str(trace.tb_frame.f_globals.get("__name__", ""))
    return name.partition(".")[0] in _OUR_FRAMES
