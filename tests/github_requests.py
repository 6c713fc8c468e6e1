"""Requests as GitHub sends them, signed with the secret of ``journal_scenes.open_platform``."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from smart_api_integrations.receive.incoming import IncomingRequest

SECRET = "a secret of more than sixteen characters"
Piece = tuple[bytes, bool]


def signature(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def signed_headers(body: bytes, event: str = "push", delivery: str = "delivery-1") -> dict[str, str]:
    return {
        "content-type": "application/json",
        "content-length": str(len(body)),
        "x-github-event": event,
        "x-github-delivery": delivery,
        "x-hub-signature-256": signature(body),
    }


def one_piece(body: bytes) -> Callable[[], Awaitable[Piece]]:
    async def next_piece() -> Piece:
        return body, False

    return next_piece


def pieces(*parts: bytes) -> Callable[[], Awaitable[Piece]]:
    """Return the parts one by one; who reads on beyond the last has not noticed the end."""
    left = list(parts)

    async def next_piece() -> Piece:
        part = left.pop(0)
        return part, bool(left)

    return next_piece


def incoming(
    payload: Any = None,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str | None] | None = None,
    event: str = "push",
    delivery: str = "delivery-1",
    **head: Any,
) -> IncomingRequest:
    """Return a correctly signed request; *headers* replace or, with None, take away."""
    content = json.dumps({"ref": "main"} if payload is None else payload).encode() if body is None else body
    named = signed_headers(content, event, delivery) | dict(headers or {})
    values: dict[str, Any] = {
        "method": "POST",
        "path": "/webhooks/github",
        "query": "",
        "remote_address": "192.0.2.7",
        "next_piece": one_piece(content),
    } | head
    return IncomingRequest(
        headers=tuple((name, value) for name, value in named.items() if value is not None), **values
    )
