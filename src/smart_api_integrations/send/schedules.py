"""An endpoint's own retry schedule, read from what its owner gave. Floor 4."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from smart_api_integrations.core.retry_schedule import RetrySchedule, exponential
from smart_api_integrations.errors import InvalidInput

MAX_ATTEMPTS = 30
LONGEST_WAIT = 7 * 24 * 3600.0
JITTER = 0.2

_EXPECTED = f"a list of at most {MAX_ATTEMPTS - 1} waits, each of 0 to {LONGEST_WAIT:.0f} seconds"
# What an exponential schedule may say: the least, the most, and what it is where it is not said.
_EXPONENTIAL: Mapping[str, tuple[float, float, float]] = {
    "first": (0.1, LONGEST_WAIT, 5.0),
    "factor": (1.0, 10.0, 2.0),
    "longest": (0.1, LONGEST_WAIT, 24 * 3600.0),
    "attempts": (1, MAX_ATTEMPTS, 10),
    "jitter": (0.0, 1.0, JITTER),
}


def read_schedule(value: Any) -> RetrySchedule | None:
    """Return the schedule that *value* describes: a list of waits, or the numbers of an exponential one.

    >>> read_schedule([5, 60]).waits[1].total_seconds()
    60.0
    >>> read_schedule({"first": 1, "factor": 3, "attempts": 3}).waits[1].total_seconds()
    3.0

    Raises:
        InvalidInput: It can be neither.
    """
    if value is None or isinstance(value, RetrySchedule):
        return value
    if isinstance(value, Mapping):
        return _exponential(value)
    if not isinstance(value, (list, tuple)) or len(value) >= MAX_ATTEMPTS:
        raise InvalidInput.at(field="retry_schedule", found=f"{value!r:.40}", expected=_EXPECTED)
    for wait in value:
        if not _is_within(wait, 0, LONGEST_WAIT):
            raise InvalidInput.at(field="retry_schedule", found=f"{wait!r:.40}", expected=_EXPECTED)
    return RetrySchedule(waits=tuple(timedelta(seconds=wait) for wait in value), jitter=JITTER)


def _exponential(given: Mapping[str, Any]) -> RetrySchedule:
    unknown = sorted(set(given) - _EXPONENTIAL.keys())
    if unknown:
        expected = ", ".join(_EXPONENTIAL)
        raise InvalidInput.at(field="retry_schedule", found=f"{unknown[0]!r:.40}", expected=expected)
    numbers = {name: given.get(name, default) for name, (_, _, default) in _EXPONENTIAL.items()}
    for name, (least, most, _) in _EXPONENTIAL.items():
        if not _is_within(numbers[name], least, most):
            raise InvalidInput.at(
                field=f"retry_schedule.{name}",
                found=f"{numbers[name]!r:.40}",
                expected=f"a number from {least:g} to {most:g}",
            )
    return exponential(
        attempts=int(numbers["attempts"]),
        first_wait=timedelta(seconds=numbers["first"]),
        factor=numbers["factor"],
        longest_wait=timedelta(seconds=numbers["longest"]),
        jitter=numbers["jitter"],
    )


def _is_within(value: Any, least: float, most: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most
