"""What every way of trying handlers out has in common: what is sent, from where, how it is shown. Floor 7.

The rehearsal runs the whole platform on a database that is thrown away; the trial of an application runs
its own gateway without a store. Both are told here what to send.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from smart_api_integrations.core.endpoint import Endpoint
from smart_api_integrations.core.inbound_webhook import InboundWebhook
from smart_api_integrations.core.journal import Claim, Message, Work
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.errors import InvalidInput

LOOPBACK = "127.0.0.1"
SEND_ONCE_SECONDS = 15.0


def read_file(file: Path | str) -> bytes:
    """Return what *file* holds, byte for byte.

    Raises:
        InvalidInput: It cannot be read.
    """
    try:
        return Path(file).read_bytes()
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror or error}."
        raise InvalidInput(message) from error


def read_payload(
    payload: str | None, file: Path | str | None, *, read: Callable[[Path | str], bytes] = read_file
) -> Any:
    """Return the JSON that was given: *payload* is a file where one of that name exists, else JSON itself.

    None where neither is given. *read* reads a file.

    Raises:
        InvalidInput: It is given twice, cannot be read, or is no JSON.
    """
    if payload is not None and file is not None:
        message = "--payload and --payload-file are both given: leave one out."
        raise InvalidInput(message)
    if file is not None:
        return _parsed(read(file), str(file))
    if payload is None:
        return None
    if _is_file(payload):
        return _parsed(read(payload), payload)
    what = "--payload (no file of that name exists, so it was read as JSON)"
    return _parsed(payload.encode(), what)


def readable(body: bytes) -> Any:
    """Return the JSON of *body*, or its text where it is none."""
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def pretty(body: bytes) -> str:
    """Return *body* as people read it: JSON in lines, anything else as it is."""
    content = readable(body)
    return content if isinstance(content, str) else json.dumps(content, indent=2, ensure_ascii=False)


def address_let_in(webhook: InboundWebhook) -> str:
    """Return an address that *webhook* takes requests from: of its list, where it has one."""
    networks = webhook.allowed_networks
    return str(networks[0].network_address) if networks else LOOPBACK


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long or too odd for a name: it is JSON, then
        return False


def _parsed(text: bytes, what: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        message = f"{what} cannot be read as JSON: {error}"
        raise InvalidInput(message) from error


def trial_claim(endpoint: Endpoint, message: Message, *, work_id: str, now: datetime) -> Claim:
    """Return a claim of a delivery that is tried once and stands in no journal."""
    work = Work(
        id=work_id,
        kind=Kind.DELIVERY,
        subject_id=message.id,
        target=endpoint.id,
        state=State.DELIVERING,
        attempt_count=1,
        max_attempts=1,
        due_at=None,
        created_at=now,
        updated_at=now,
    )
    return Claim(work=work, message=message, endpoint=endpoint)
