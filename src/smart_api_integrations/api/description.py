"""The API's description: who may do what, what is answered, and every refusal. Floor 8.

FastAPI describes the requests. What the answers look like is said here, in one table by the operation's id,
so that the routes stay free of it; an operation that is not in it answers any JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from smart_api_integrations.api import documents
from smart_api_integrations.api.permissions import scope_of
from smart_api_integrations.core.access import ROLES, SCOPES

ANSWERS: Mapping[str, Any] = {
    "list_received": list[documents.EventLine],
    "get_received": documents.ReceivedEvent,
    "list_rejections": list[documents.Rejection],
    "get_rejection": documents.Rejection,
    "list_sources": list[documents.Source],
    "list_providers": list[documents.Provider],
    "get_provider": documents.Provider,
    "list_handlers": list[documents.Handler],
    "list_event_types": list[documents.EventType],
    "trigger_event": documents.Accepted,
    "test_webhook": documents.Tested,
    "list_webhooks": list[documents.Endpoint],
    "register_webhook": documents.Endpoint,
    "get_webhook": documents.Endpoint,
    "update_webhook": documents.Endpoint,
    "pause_webhook": documents.Endpoint,
    "resume_webhook": documents.Endpoint,
    "enable_webhook": documents.Endpoint,
    "list_messages": list[documents.MessageLine],
    "get_message": documents.MessageTrace,
    "list_deliveries": list[documents.DeliveryLine],
    "get_delivery": documents.Delivery,
    "list_delivery_attempts": list[documents.Attempt],
    "get_handling": documents.Handling,
    "list_handling_attempts": list[documents.Attempt],
    "list_dead_letters": list[documents.Work],
    "replay_dead_letter": documents.Work,
    "get_stats": documents.Stats,
    "find_by_id": documents.Found,
    "list_keys": list[documents.ApiKey],
    "create_key": documents.MadeKey,
    "get_key": documents.ApiKey,
    "rotate_key": documents.MadeKey,
    "list_audit": list[documents.AuditLine],
}
"""What each operation answers where all is well, by its id."""

REFUSALS: Mapping[int, str] = {
    400: "The request cannot be read.",
    401: "No key that works here was shown.",
    403: "The key has not the scope, or another site's page made the request.",
    404: "Nothing has this id.",
    409: "The idempotency key was used for other content.",
    411: "The body has no stated length.",
    413: "The body is too large.",
    422: "The request cannot be used; `errors` names every fault.",
    429: "Too many requests; `Retry-After` says when to go on.",
    503: "The store cannot be reached; `Retry-After` says when to try again.",
}
_WITH_BODY = frozenset({409, 411, 413})
_REF = "#/components/schemas/{model}"
_PROBLEM = {"application/problem+json": {"schema": {"$ref": _REF.format(model="Problem")}}}
_WAITS = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}}
SECURITY: Mapping[str, Mapping[str, str]] = {
    "apiKey": {"type": "http", "scheme": "bearer", "description": "An API key, `whk_…`."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "webhooks_session",
        "description": "What the sign-in page gives a browser; over HTTPS its name begins with `__Host-`.",
    },
}


def install_description(app: FastAPI, **about: Any) -> None:
    """Have *app* describe itself so; *about* is what FastAPI is told besides."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(
                get_openapi(
                    title=app.title,
                    version=app.version,
                    summary=app.summary,
                    routes=app.routes,
                    tags=app.openapi_tags,
                    description=_introduction(),
                    **about,
                )
            )
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign] # as FastAPI's guide says


def _introduction() -> str:
    scopes = "\n".join(f"- `{scope}`: {meaning}" for scope, meaning in SCOPES.items())
    roles = "\n".join(f"- `{role}`: {', '.join(sorted(held))}" for role, held in ROLES.items())
    return (
        'Lists come newest first; a `Link` header with `rel="next"` holds the next page. Errors are problems '
        f"as in RFC 9457.\n\nScopes:\n\n{scopes}\n\nRoles:\n\n{roles}\n"
    )


def _described(document: dict[str, Any]) -> dict[str, Any]:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    components["securitySchemes"] = {name: dict(scheme) for name, scheme in SECURITY.items()}
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = _schema(documents.Problem, schemas)
    for operation in _operations(document):
        _describe(operation, schemas)
    return document


def _operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from methods.values()


def _describe(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    name, answers = operation["operationId"], operation["responses"]
    scope = scope_of(name)
    operation["security"] = [{scheme: []} for scheme in SECURITY]
    operation["x-scope"] = str(scope)
    operation["description"] = f"{operation.get('description', '')}\n\nNeeds the scope `{scope}`.".strip()
    answers.pop("422", None)
    for status, answer in answers.items():
        if name in ANSWERS and status.startswith("2"):
            answer["content"] = {"application/json": {"schema": _schema(ANSWERS[name], schemas)}}
    for status, meaning in REFUSALS.items():
        if status in _WITH_BODY and "requestBody" not in operation:
            continue
        answers[str(status)] = {"description": meaning, "content": _PROBLEM}
        if status in {429, 503}:
            answers[str(status)]["headers"] = _WAITS


def _schema(answer: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of *answer*, and put what it refers to beside the others."""
    schema = TypeAdapter(answer).json_schema(mode="serialization", ref_template=_REF)
    for name, definition in schema.pop("$defs", {}).items():
        schemas.setdefault(name, definition)
    return schema
