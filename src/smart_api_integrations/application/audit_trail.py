"""Every change and every look at a payload, into the audit log, whatever route it came by. Floor 7.

An ASGI middleware around the API and around the dashboard, so that no route has to remember it, and the next
one neither. A route may say more with :func:`note`. The line is written before the answer goes out; should
that fail, the change has been made all the same, so the answer stands and the failure is logged.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from smart_api_integrations.application.access import Access
from smart_api_integrations.core.access import Principal
from smart_api_integrations.errors import StorageUnavailable

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

VIEW_PAYLOAD = "view_payload"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_NOTES = "audit"


def note(scope: Scope, *, action: str | None = None, target: str | None = None, **details: Any) -> None:
    """Say what the request of *scope* did, in place of its route's name and its path's parameter."""
    notes = scope.setdefault("state", {}).setdefault(_NOTES, {"details": {}})
    if action is not None:
        notes["action"] = action
    if target is not None:
        notes["target"] = target
    notes["details"].update(details)


class AuditTrail:
    """ASGI middleware that logs what was changed, what was refused, and which payloads were seen."""

    def __init__(self, app: Application, *, access: Access, named_by_path: bool = False) -> None:
        """Log what *app* does to *access*; routes are named by themselves, or by method and path."""
        self._app = app
        self._access = access
        self._named_by_path = named_by_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, and log it first where there is something to log."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                await self._log(scope, message)
            await send(message)

        await self._app(scope, receive, send_noted)

    async def _log(self, scope: Scope, start: Message) -> None:
        status = start["status"]
        state = scope.get("state", {})
        who, notes = state.get("principal"), state.get(_NOTES, {})
        changes = scope["method"] not in _SAFE
        if not isinstance(who, Principal) or not (changes or "action" in notes):
            return
        if status >= 400 and status != 403:
            return  # nothing was done
        details = dict(notes.get("details", {})) | ({"refused": True} if status == 403 else {})
        try:
            await self._access.log(
                who,
                notes.get("action") or self._name(scope),
                notes.get("target") or _target(scope) or (_made(start) if status == 201 else ""),
                remote_address=state.get("remote_address"),
                details=details,
            )
        except StorageUnavailable:
            logger.exception("A line of the audit log was not written", extra={"action": "audit"})

    def _name(self, scope: Scope) -> str:
        route = scope.get("route")
        if self._named_by_path or route is None:
            return f"{scope['method']} {getattr(route, 'path', scope['path'])}"
        return str(route.name)


def _target(scope: Scope) -> str:
    parameters: Mapping[str, Any] = scope.get("path_params") or {}
    return " ".join(str(value) for value in parameters.values())


def _made(start: Message) -> str:
    """Return the id of what an answer says was made: the end of its ``Location``."""
    locations = [value for name, value in start.get("headers", ()) if name.lower() == b"location"]
    return locations[0].decode("latin-1").rpartition("/")[2] if locations else ""
