"""How a handler's run can end, each in the words of its attempt. Floor 4."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from smart_api_integrations.core.inline_answer import HandlerFunction
from smart_api_integrations.core.journal import AttemptStatus, Claim, Message
from smart_api_integrations.core.lifecycle import State
from smart_api_integrations.core.webhook import Handler, WebhookProcessor
from smart_api_integrations.core.webhook_schema import WebhookResponse
from smart_api_integrations.errors import Dead, HandlerError, Retry, Skip
from smart_api_integrations.receive.tracebacks import describe


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run ended, before it is turned into an outcome."""

    state: State
    status: str = AttemptStatus.SUCCEEDED
    code: str | None = None
    message: str | None = None
    detail: str | None = None
    asked: timedelta | None = None
    result: Any = None
    messages: tuple[Message, ...] = ()


_VERDICTS: Mapping[type[HandlerError], Ending] = {
    Retry: Ending(state=State.RETRY_SCHEDULED, status=AttemptStatus.FAILED, code="retry_asked"),
    Skip: Ending(state=State.SKIPPED, status=AttemptStatus.SKIPPED),
    Dead: Ending(state=State.FAILED, status=AttemptStatus.FAILED, code="dead_asked"),
}


def result_of(result: Any) -> Ending:
    """Return how a run ended that returned *result*."""
    if isinstance(result, HandlerError):
        return judged(result)
    if isinstance(result, WebhookResponse) and not result.success:
        return no_success(result.message or f"The handler answered {result.status_code}.", result)
    return Ending(state=State.COMPLETED, result=result)


def no_success(message: str, result: Any) -> Ending:
    """Return the failure of a handler that said so itself."""
    return Ending(
        state=State.RETRY_SCHEDULED,
        status=AttemptStatus.FAILED,
        code="no_success",
        message=message,
        result=result,
    )


def unsendable(fault: str) -> Ending:
    """Return the failure of a handler whose answer cannot be sent: what it published is dropped with it."""
    return Ending(
        state=State.FAILED,
        status=AttemptStatus.FAILED,
        code="unsendable_answer",
        message=f"Its answer cannot be sent: {fault}.",
    )


def answered_by(middleware: HandlerFunction, result: Any) -> Ending:
    """Return how a handling ended in whose handler's place a middleware answered."""
    if isinstance(result, HandlerError):
        return judged(result)
    name = getattr(middleware, "__qualname__", type(middleware).__qualname__)
    answer = result.message if isinstance(result, WebhookResponse) else ""
    message = f"The middleware {name} answered in its place" + (f": {answer}" if answer else ".")
    return Ending(state=State.SKIPPED, status=AttemptStatus.SKIPPED, message=message, result=result)


def passed_on(handler: Handler, processor: WebhookProcessor, *, is_taken: bool) -> Ending:
    """Return how the handling of a handler ends that does not run on the type the event has now."""
    if handler != processor.routing:
        message = "A middleware gave the event another type."
        return Ending(state=State.SKIPPED, status=AttemptStatus.SKIPPED, message=message)
    if is_taken:
        return Ending(state=State.COMPLETED)
    message = "No handler takes the event, as it is behind the middleware."
    return Ending(state=State.NO_HANDLER, status=AttemptStatus.SKIPPED, message=message)


def judged(verdict: HandlerError) -> Ending:
    """Return how a run ended that said so by raising, or returning, *verdict*."""
    ending = next((known for kind, known in _VERDICTS.items() if isinstance(verdict, kind)), _VERDICTS[Retry])
    return replace(ending, message=str(verdict), asked=getattr(verdict, "after", None))


def raised(error: BaseException) -> Ending:
    """Return the failure of a run that raised *error*."""
    message, detail = describe(error)
    return Ending(
        state=State.RETRY_SCHEDULED,
        status=AttemptStatus.FAILED,
        code="raised",
        message=message,
        detail=detail,
    )


def stuck(runs: int) -> Ending:
    """Return the failure of a run that found all its handler's threads held by earlier ones."""
    message = (
        f"{runs} earlier runs of the handler never ended and still hold their threads, so it is not run. "
        "What does it wait for without a limit?"
    )
    return Ending(state=State.RETRY_SCHEDULED, status=AttemptStatus.FAILED, code="stuck", message=message)


def overran(limit: timedelta) -> Ending:
    """Return the failure of a run that took longer than *limit*."""
    message = f"The handler ran longer than {limit.total_seconds():g} s."
    return Ending(state=State.RETRY_SCHEDULED, status=AttemptStatus.FAILED, code="timeout", message=message)


def not_registered(claim: Claim) -> Ending:
    """Return the failure of work whose handler this process does not have."""
    message = (
        f"No handler {claim.work.target} is registered in this process. Was it renamed, or is its module "
        "missing in WEBHOOKS_HANDLERS?"
    )
    return Ending(
        state=State.RETRY_SCHEDULED, status=AttemptStatus.FAILED, code="not_registered", message=message
    )
