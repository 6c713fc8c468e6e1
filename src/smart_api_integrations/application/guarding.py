"""How the door is built that guards the ways in, and what processes share in Redis. Floor 7."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.receive.door import Door, DoorRules
from smart_api_integrations.settings import Settings

if TYPE_CHECKING:
    from smart_api_integrations.network.redis_bell import RedisBell
    from smart_api_integrations.receive.shared_limits import SharedLimits

UNVERIFIED_BYTES = 256 * 2**20


def build_door(settings: Settings) -> tuple[Door, SharedLimits | None]:
    """Return what guards the ways in, and what it counts together with other processes.

    Raises:
        ConfigurationError: The URL of Redis cannot be used.
    """
    shared = None if settings.redis_url is None else _shared_limits(settings.redis_url)
    return Door(door_rules(settings), shared), shared


def door_rules(settings: Settings) -> DoorRules:
    """Return what the door is told."""
    return DoorRules(
        clock=time.monotonic,
        per_ip=settings.per_ip_per_minute,
        flood=settings.flood_per_minute,
        body_seconds=settings.body_timeout_seconds,
        unverified_bytes=max(UNVERIFIED_BYTES, 4 * settings.max_body_bytes),
    )


def build_bell(settings: Settings) -> RedisBell | None:
    """Return what wakes other processes beside the journal, where Redis is set.

    Raises:
        ConfigurationError: The URL of Redis cannot be used.
    """
    if settings.redis_url is None:
        return None
    from smart_api_integrations.network.redis_bell import RedisBell  # noqa: PLC0415 - an extra

    return RedisBell(settings.redis_url)


def _shared_limits(redis_url: str) -> SharedLimits:
    try:
        from smart_api_integrations.receive.shared_limits import SharedLimits  # noqa: PLC0415 - an extra
    except ImportError as error:
        message = "WEBHOOKS_REDIS_URL is set, but the client is not installed: smart-api-integrations[redis]."
        raise ConfigurationError(message) from error
    return SharedLimits(redis_url)
