"""The form of an endpoint: an endpoint as text fields, and fields as what registration takes. Floor 8."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from smart_api_integrations.core.credentials import BASIC, BEARER
from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.masking import MASK, is_sensitive
from smart_api_integrations.errors import InvalidInput

UNITS = {"": 1.0, "s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
EMPTY: Mapping[str, str] = dict.fromkeys(
    (
        *("url", "events", "description", "secret", "filter", "transformation", "schedule", "timeout"),
        *("rate_limit", "concurrency", "headers", "auth", "username", "credential", "allow_http"),
    ),
    "",
)
_WAIT = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d)?")


def read_endpoint(form: Mapping[str, str], before: Endpoint | None = None) -> dict[str, Any]:
    """Return what ``Endpoints.register`` and ``update`` take, out of the fields of *form*.

    What is masked stays what it was *before*; a field that is empty is as if it had not been said.

    Raises:
        InvalidInput: A field cannot be read; the message names it.
    """
    values: dict[str, Any] = {
        "url": form["url"].strip(),
        "events": form["events"].replace(",", " ").split(),
        "description": form["description"].strip(),
        "filter": form["filter"].strip() or None,
        "transformation": form["transformation"].strip() or None,
        "rate_limit": _number("rate_limit", form["rate_limit"]),
        "concurrency": _whole("concurrency", form["concurrency"]),
        "headers": _headers(form["headers"], before),
    }
    if form["schedule"].strip():
        values["retry_schedule"] = _schedule(form["schedule"])
    elif before is not None:
        values["retry_schedule"] = None
    if form["timeout"].strip():
        values["timeout"] = _number("timeout", form["timeout"])
    if before is None and form["secret"].strip():
        values["secret"] = form["secret"].strip()
    if before is None or form["auth"] != "same":
        values["auth"] = _auth(form)
    if before is not None and values["url"] == before.url:
        del values["url"]  # judged when it was saved; the guard may have changed since
    return values


def fields_of(endpoint: Endpoint) -> dict[str, str]:
    """Return the fields of *endpoint*, with what is secret masked."""
    own = endpoint.retry_schedule
    return dict(EMPTY) | {
        "url": endpoint.url,
        "events": " ".join(endpoint.events),
        "description": endpoint.description,
        "filter": endpoint.filter or "",
        "transformation": endpoint.transformation or "",
        "schedule": "" if own is None else " ".join(_short(wait.total_seconds()) for wait in own.waits),
        "timeout": f"{endpoint.timeout.total_seconds():g}",
        "rate_limit": "" if endpoint.rate_limit is None else f"{endpoint.rate_limit:g}",
        "concurrency": "" if endpoint.concurrency is None else str(endpoint.concurrency),
        "headers": "\n".join(
            f"{name}: {MASK if is_sensitive(name) else value}" for name, value in endpoint.headers.items()
        ),
        "auth": "same" if endpoint.auth else "",
        "username": endpoint.auth.username if endpoint.auth else "",
    }


def _short(seconds: float) -> str:
    """Return a wait in its largest whole unit.

    >>> [_short(seconds) for seconds in (5, 90, 300, 7200, 86400)]
    ['5s', '90s', '5min', '2h', '1d']
    """
    for unit in ("d", "h", "min"):
        if seconds and seconds % UNITS[unit] == 0:
            return f"{seconds / UNITS[unit]:g}{unit}"
    return f"{seconds:g}s"


def _schedule(text: str) -> list[float]:
    waits = []
    for word in text.replace(",", " ").split():
        found = _WAIT.fullmatch(word)
        if found is None:
            raise InvalidInput.at(
                field="schedule", found=f"{word[:40]!r}", expected="waits such as 5s 30s 5min 2h"
            )
        waits.append(float(found[1]) * UNITS[found[2] or ""])
    return waits


def _headers(text: str, before: Endpoint | None) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        name, value = name.strip(), value.strip()
        if not line.strip():
            continue
        if not colon:
            raise InvalidInput.at(
                field="headers", found=f"{line[:40]!r}", expected="one on each line, as in Name: value"
            )
        kept = before.headers.get(name) if before is not None and value == MASK else None
        headers[name] = value if kept is None else kept
    return headers


def _auth(form: Mapping[str, str]) -> dict[str, str] | None:
    kind = form["auth"]
    if kind == BEARER:
        return {"type": BEARER, "token": form["credential"]}
    if kind == BASIC:
        return {"type": BASIC, "username": form["username"], "password": form["credential"]}
    return None


def _number(field: str, text: str) -> float | None:
    if not text.strip():
        return None
    try:
        return float(text)
    except ValueError as error:
        raise InvalidInput.at(field=field, found=f"{text[:40]!r}", expected="a number") from error


def _whole(field: str, text: str) -> int | None:
    number = _number(field, text)
    return None if number is None else int(number) if number.is_integer() else _not_whole(field, text)


def _not_whole(field: str, text: str) -> int:
    raise InvalidInput.at(field=field, found=f"{text[:40]!r}", expected="a whole number")
