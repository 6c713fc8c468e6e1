"""Errors as RFC 9457 problems: a status, a stable ``code``, what is wrong and what to do. Floor 8.

https://www.rfc-editor.org/rfc/rfc9457
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from smart_api_integrations.errors import (
    IdempotencyConflict,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotKnown,
    StorageUnavailable,
    WebhooksError,
)

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One error as the API tells it.

    Attributes:
        code: A stable word for programs.
        detail: What is wrong, in one sentence.
        hint: What to do about it.
        errors: For a request with several faults, each with where it is.
    """

    status: int
    code: str
    detail: str
    hint: str
    errors: Sequence[Mapping[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """Return the answer to send."""
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "hint": self.hint,
        }
        if self.errors:
            body["errors"] = list(self.errors)
        return Response(
            json.dumps(body),
            status_code=self.status,
            headers=dict(self.headers),
            media_type="application/problem+json",
        )


_STATUS_HINTS: Mapping[int, str] = {
    404: "GET /openapi.json lists every path.",
    405: "GET /openapi.json lists the methods of every path.",
}


def install_problems(app: FastAPI) -> None:
    """Make every error that *app* answers a problem."""
    app.add_exception_handler(WebhooksError, _answer_own)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(Exception, _answer_unexpected)


KINDS: tuple[tuple[type[WebhooksError], int, str, str], ...] = (
    (NotKnown, 401, "unauthorized", "Put the API behind the server's shell, or a host that says who asks."),
    (
        NotAllowed,
        403,
        "scope_missing",
        "Use a key with this scope: `webhooks keys create --role operator` makes one.",
    ),
    (NotFound, 404, "not_found", "Check the id; it may have been deleted or be past its retention."),
    (
        IdempotencyConflict,
        409,
        "idempotency_conflict",
        "The same key means the same content: send it with a new key, or leave the key out.",
    ),
    (InvalidInput, 422, "invalid_input", "Change the request as the detail says; nothing was written."),
    (
        StorageUnavailable,
        503,
        "storage_unavailable",
        f"Send the request again in {RETRY_AFTER_SECONDS} seconds.",
    ),
)
"""Which of our errors is which problem: the first class that fits, its status, its code, and what to do."""


def _of(error: WebhooksError) -> Problem:
    for kind, status, code, hint in KINDS:
        if isinstance(error, kind):
            headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == 503 else {}
            return Problem(status=status, code=code, detail=str(error), hint=hint, headers=headers)
    return _UNEXPECTED


_UNEXPECTED = Problem(
    status=500,
    code="internal_error",
    detail="The server failed to answer this request.",
    hint="The server's log has the reason.",
)


async def _answer_own(_request: Request, error: Exception) -> Response:
    problem = _of(cast(WebhooksError, error))
    if problem is _UNEXPECTED:
        logger.error("api request failed", exc_info=error, extra={"action": "api_request_failed"})
    return problem.response()


async def _answer_invalid(_request: Request, error: Exception) -> Response:
    invalid = cast(RequestValidationError, error)
    faults = [
        {"where": ".".join(str(part) for part in fault["loc"]), "what": str(fault["msg"])}
        for fault in invalid.errors()
    ]
    return Problem(
        status=422,
        code="invalid_request",
        detail=f"The request has {len(faults)} fault{'s' if len(faults) > 1 else ''}; nothing was written.",
        hint="Change what `errors` names. GET /openapi.json describes every field.",
        errors=faults,
    ).response()


async def _answer_http(_request: Request, error: Exception) -> Response:
    raised = cast(HTTPException, error)
    return Problem(
        status=raised.status_code,
        code=HTTPStatus(raised.status_code).phrase.lower().replace(" ", "_"),
        detail=str(raised.detail),
        hint=_STATUS_HINTS.get(raised.status_code, "GET /openapi.json describes every request."),
        headers=raised.headers or {},
    ).response()


async def _answer_unexpected(_request: Request, _error: Exception) -> Response:
    return _UNEXPECTED.response()
