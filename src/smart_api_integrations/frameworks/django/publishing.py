"""Publishing when the business transaction is committed. Floor 9."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction


def publish_on_commit(
    event: str,
    data: Any,
    metadata: Mapping[str, Any] | None = None,
    *,
    using: str | None = None,
    **options: Any,
) -> None:
    """Publish once the transaction that is open now is committed, and not at all if it is rolled back.

    Outside of a transaction it publishes at once. A process that dies right between the commit and the
    message has published nothing.

    Args:
        event: The message's type, ``order.created``.
        data: What JSON can hold; as it is now, not as it will be then.
        metadata: More of the same.
        using: The database whose transaction it is.
        **options: Those of ``publish``.

    Raises:
        InvalidInput, StorageUnavailable, ConfigurationError: Raised after the commit; see ``publish``.
    """
    from smart_api_integrations.application import publish  # noqa: PLC0415 - needs the server extra

    transaction.on_commit(lambda: publish(event, data, metadata, **options), using=using)
