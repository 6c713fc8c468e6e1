"""One event through middleware and handlers at once, and the response that comes of it. Floor 1.

What a framework without a store does while the provider waits, and what a test of a handler does.

Rules:

1. Middleware runs first, once, in order; what it returns is the answer, and no handler runs.
2. The handlers are chosen by the type that the event has then: a middleware may rename it.
3. Every handler that matches runs, also behind one that failed. A failure (a status from 500 on) is the
   answer, so that the provider sends the event again; else the first answer that is not None is sent.
4. ``Skip`` and ``Dead`` are final, so they are answered with 200: everything else makes providers try again.

How a function is called (here, on a thread, with a limit) is the caller's: see ``Call``.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, Protocol

from smart_api_integrations.core.webhook_schema import WebhookEvent, WebhookResponse
from smart_api_integrations.errors import Dead, HandlerError, Retry, Skip

HandlerFunction = Callable[[WebhookEvent], Any]


class Call(Protocol):
    """How a handler or a middleware is called."""

    def __call__(
        self, function: HandlerFunction, event: WebhookEvent, timeout: timedelta | None, /
    ) -> Awaitable[Any]:
        """Call *function*, plain or a coroutine function, and return what it returned in the end.

        *timeout* is the handler's own; None where it has none, and for middleware.
        """


OnError = Callable[[str, Exception], None]
"""Told of what a handler or a middleware raised, by its name."""

FAILED = WebhookResponse(success=False, status_code=500, message="The handler failed.")


async def call_here(function: HandlerFunction, event: WebhookEvent, _timeout: timedelta | None, /) -> Any:
    """Call *function* where we are and wait for what it returns; without a limit of time."""
    result = function(event)
    return await result if inspect.isawaitable(result) else result


async def run_guarded(
    calling: Awaitable[Any], *, name: str, on_error: OnError | None
) -> WebhookResponse | None:
    """Return the response that a call comes to, or None where it returned None.

    Raises:
        Exception: The call raised it, and there is no *on_error* to be told.
    """
    try:
        return response_of(await calling)
    except HandlerError as verdict:
        return response_of(verdict)
    except Exception as error:
        if on_error is None:
            raise
        on_error(name, error)
        return FAILED


def first_answer(answers: Iterable[WebhookResponse | None]) -> WebhookResponse:
    """Return which of several answers is sent: the first failure, or else the first.

    >>> first_answer([None, WebhookResponse(message="kept"), FAILED]).status_code
    500
    """
    given = [answer for answer in answers if answer is not None]
    failures = [answer for answer in given if _is_failure(answer.status_code)]
    return next(iter(failures or given), WebhookResponse())


def _is_failure(status: Any) -> bool:
    """Tell whether *status* is a failure's; what a handler gave that is no number is one."""
    return not isinstance(status, int) or status >= 500


def response_of(result: Any) -> WebhookResponse | None:
    """Return what a handler returned or raised, as a response; None for None.

    >>> response_of({"processed": True}).json()["processed"]
    True
    >>> response_of(Retry("closed", after=60)).headers
    {'Retry-After': '60'}
    >>> response_of(Dead("nobody to bill")).status_code
    200
    """
    if result is None or isinstance(result, WebhookResponse):
        return result
    if isinstance(result, HandlerError):
        return _verdict(result)
    return WebhookResponse(data=result if isinstance(result, Mapping) else {"result": result})


def _verdict(verdict: HandlerError) -> WebhookResponse:
    if isinstance(verdict, Skip):
        return WebhookResponse(message=str(verdict), data={"skipped": True})
    if isinstance(verdict, Dead):
        return WebhookResponse(success=False, message=str(verdict), data={"dead": True})
    asked = verdict.after if isinstance(verdict, Retry) else None
    seconds = None if asked is None else max(0, math.ceil(asked.total_seconds()))
    headers = {} if seconds is None else {"Retry-After": str(seconds)}
    return WebhookResponse(success=False, status_code=503, message=str(verdict), headers=headers)
