"""Which scope each operation of the API asks for: one table. Floor 8.

An operation that is not in it asks for ``admin``, so that a new one is closed until somebody says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request
from fastapi.routing import APIRoute

from smart_api_integrations.application.audit_trail import VIEW_PAYLOAD, note
from smart_api_integrations.core.access import Principal, Scope
from smart_api_integrations.core.journal import Trace
from smart_api_integrations.core.withholding import trace_without_payloads
from smart_api_integrations.errors import NotAllowed, NotKnown

OPERATIONS: Mapping[str, Scope] = {
    "list_received": Scope.READ_EVENTS,
    "get_received": Scope.READ_EVENTS,
    "list_rejections": Scope.READ_EVENTS,
    "list_sources": Scope.READ_EVENTS,
    "await_captured_key": Scope.ADMIN,
    "list_captured_keys": Scope.ADMIN,
    "forget_captured_keys": Scope.ADMIN,
    "list_event_types": Scope.READ_EVENTS,
    "trigger_event": Scope.SEND_EVENTS,
    "test_webhook": Scope.WRITE_ENDPOINTS,
    "list_webhooks": Scope.READ_EVENTS,
    "preview_message": Scope.READ_PAYLOADS,
    "register_webhook": Scope.WRITE_ENDPOINTS,
    "get_webhook": Scope.READ_EVENTS,
    "update_webhook": Scope.WRITE_ENDPOINTS,
    "pause_webhook": Scope.WRITE_ENDPOINTS,
    "resume_webhook": Scope.WRITE_ENDPOINTS,
    "enable_webhook": Scope.WRITE_ENDPOINTS,
    "rotate_secret": Scope.WRITE_ENDPOINTS,
    "delete_webhook": Scope.WRITE_ENDPOINTS,
    "list_deliveries": Scope.READ_EVENTS,
    "get_delivery": Scope.READ_EVENTS,
    "list_dead_letters": Scope.READ_EVENTS,
    "replay_dead_letter": Scope.REPLAY,
    "resend_delivery": Scope.REPLAY,
    "replay_received": Scope.REPLAY,
    "expunge_received": Scope.ADMIN,
    "expunge_delivery": Scope.ADMIN,
    "create_replay": Scope.REPLAY,
    "list_replays": Scope.READ_EVENTS,
    "get_replay": Scope.READ_EVENTS,
    "list_replay_items": Scope.READ_EVENTS,
    "pause_replay": Scope.REPLAY,
    "resume_replay": Scope.REPLAY,
    "cancel_replay": Scope.REPLAY,
    "list_event_type_entries": Scope.READ_EVENTS,
    "get_event_type_entry": Scope.READ_EVENTS,
    "add_event_type": Scope.WRITE_ENDPOINTS,
    "update_event_type": Scope.WRITE_ENDPOINTS,
    "delete_event_type": Scope.WRITE_ENDPOINTS,
    "list_forward_rules": Scope.READ_EVENTS,
    "get_forward_rule": Scope.READ_EVENTS,
    "add_forward_rule": Scope.WRITE_ENDPOINTS,
    "update_forward_rule": Scope.WRITE_ENDPOINTS,
    "delete_forward_rule": Scope.WRITE_ENDPOINTS,
    "list_messages": Scope.READ_EVENTS,
    "get_message": Scope.READ_EVENTS,
    "get_handling": Scope.READ_EVENTS,
    "list_handling_attempts": Scope.READ_EVENTS,
    "list_delivery_attempts": Scope.READ_EVENTS,
    "list_providers": Scope.READ_EVENTS,
    "get_provider": Scope.READ_EVENTS,
    "list_handlers": Scope.READ_EVENTS,
    "find_by_id": Scope.READ_EVENTS,
    "get_rejection": Scope.READ_EVENTS,
    "get_stats": Scope.READ_EVENTS,
    "get_received_stats": Scope.READ_EVENTS,
    "list_alerts": Scope.READ_EVENTS,
    "test_alerts": Scope.ADMIN,
    "list_keys": Scope.ADMIN,
    "create_key": Scope.ADMIN,
    "get_key": Scope.ADMIN,
    "rotate_key": Scope.ADMIN,
    "revoke_key": Scope.ADMIN,
    "list_audit": Scope.ADMIN,
}
"""By the operation's id. What shows payloads shows them only to whoever has ``read:payloads`` besides."""


def scope_of(operation: str) -> Scope:
    """Return the scope that an operation asks for."""
    return OPERATIONS.get(operation, Scope.ADMIN)


def principal_of(request: Request) -> Principal:
    """Return who asks.

    Raises:
        NotKnown: Nobody said who: the API was mounted with nothing before it.
    """
    who = getattr(request.state, "principal", None)
    if not isinstance(who, Principal):
        raise NotKnown
    return who


async def require_scope(request: Request) -> None:
    """Let the request of a route go on where its sender may use it.

    Raises:
        NotKnown: Nobody said who asks.
        NotAllowed: The scope is missing.
    """
    who, route = principal_of(request), request.scope.get("route")
    needed = scope_of(route.name) if isinstance(route, APIRoute) else Scope.ADMIN
    if not who.may(needed):
        raise NotAllowed.without(needed)


def visible(request: Request, trace: Trace, target: str) -> Trace:
    """Return *trace* as whoever asks may see it, and have it logged that they saw payloads.

    Bodies, queries, answers and results are for those who have ``read:payloads``.
    """
    if not principal_of(request).may(Scope.READ_PAYLOADS):
        return trace_without_payloads(trace)
    note(request.scope, action=VIEW_PAYLOAD, target=target)
    return trace
