"""Registering endpoints: every value is checked before it is kept. Floor 4."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from smart_api_integrations.core.credentials import Credentials, taken_out
from smart_api_integrations.core.endpoint import DEFAULT_TENANT, Endpoint
from smart_api_integrations.core.outbound_request import SHARED, new_secret
from smart_api_integrations.errors import InvalidInput
from smart_api_integrations.network.address_guard import AddressGuard
from smart_api_integrations.network.endpoint_url import check_endpoint_url
from smart_api_integrations.send.endpoint_values import (
    CHECKS,
    DEFAULT_TIMEOUT,
    checked_rate,
    checked_span,
    checked_tenant,
)
from smart_api_integrations.storage.endpoint_protocols import EndpointStore

BACKLOGS = ("deliver", "skip")
GRACE = timedelta(hours=24)  # Svix's, as are its bounds
LONGEST_GRACE = timedelta(days=7)

Seconds = timedelta | float
Schedule = Sequence[float] | Mapping[str, float]


class Endpoints:
    """Keeps endpoints, checked."""

    def __init__(
        self,
        store: EndpointStore,
        guard: AddressGuard,
        *,
        new_id: Callable[[str], str],
        now: Callable[[], datetime],
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """Keep endpoints in *store*, their URLs judged by *guard*; secrets are made of *random_bytes*."""
        self._store = store
        self._guard = guard
        self._new_id = new_id
        self._now = now
        self._random_bytes = random_bytes

    async def register(
        self, url: str, events: Iterable[str], secret: str | None = None, **options: Any
    ) -> Endpoint:
        """Keep a new endpoint and return it; *options* are those of ``draft``.

        Raises:
            InvalidInput: A value cannot be used; nothing was kept.
            StorageUnavailable: Nothing was kept.
        """
        endpoint = self.draft(url, events, secret, **options)
        await self._store.add(endpoint)
        return endpoint

    def draft(  # noqa: PLR0913 - one for each attribute of Endpoint
        self,
        url: str,
        events: Iterable[str],
        secret: str | None = None,
        *,
        secret_kind: str = SHARED,
        auth: Credentials | Mapping[str, str] | None = None,
        filter: str | None = None,  # noqa: A002 - as the API calls it
        transformation: str | None = None,
        active: bool = True,
        retry_schedule: Schedule | None = None,
        retry_count: int | None = None,
        retry_delay: Seconds | None = None,
        timeout: Seconds = DEFAULT_TIMEOUT,
        rate_limit: float | None = None,
        concurrency: int | None = None,
        headers: Mapping[str, str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        description: str = "",
        tenant: str = DEFAULT_TENANT,
        allow_http: bool = False,
    ) -> Endpoint:
        """Return an endpoint that is checked and not kept; without a *secret* one of *secret_kind* is made.

        *auth* is ``{"type": "basic", "username", "password"}`` or ``{"type": "bearer", "token"}``; a user and
        password in the URL are taken out of it and are the same. *filter* and *transformation* are CEL, see
        ``core.message_expressions``.

        *retry_schedule* is the list of the waits in seconds, or ``{"first", "factor", "longest", "attempts",
        "jitter"}``; it goes before *retry_count* and *retry_delay*, and a jitter of 20 % is added.
        *retry_delay* and *timeout* are seconds or a timedelta. *allow_http* takes an ``http:`` URL.

        Raises:
            InvalidInput: A value cannot be used.
        """
        given = {
            "url": url,
            "events": events,
            "secret": new_secret(self._random_bytes, secret_kind) if secret is None else secret,
            "auth": auth,
            "filter": filter,
            "transformation": transformation,
            "active": active,
            "retry_schedule": retry_schedule,
            "retry_count": retry_count,
            "retry_delay": retry_delay,
            "timeout": timeout,
            "rate_limit": rate_limit,
            "concurrency": concurrency,
            "headers": {} if headers is None else headers,
            "metadata": {} if metadata is None else metadata,
            "description": description,
        }
        now = self._now()
        return Endpoint(
            id=self._new_id("ep_"),
            tenant=checked_tenant(tenant),
            created_at=now,
            updated_at=now,
            **self._checked(given, allow_http=allow_http),
        )

    async def update(
        self, endpoint_id: str, changes: Mapping[str, Any], *, allow_http: bool = False
    ) -> Endpoint:
        """Change an endpoint's attributes, named and given as ``register`` takes them; return it.

        Raises:
            NotFound: The id is unknown.
            InvalidInput: A value cannot be used, or an attribute is unknown; nothing was changed.
            StorageUnavailable: Nothing was changed.
        """
        checked = self._checked(changes, allow_http=allow_http)
        return await self._store.change(endpoint_id, checked)

    async def rotate_secret(
        self,
        endpoint_id: str,
        *,
        secret: str | None = None,
        kind: str = SHARED,
        grace: Seconds = GRACE,
    ) -> Endpoint:
        """Give an endpoint a new signing secret; the one before it signs too until *grace* is over.

        Args:
            endpoint_id: The endpoint.
            secret: The new one; one is made where there is none.
            kind: What is made: ``shared`` (``whsec_``) or ``key_pair`` (Ed25519, ``whsk_``).
            grace: Up to seven days; none ends every older secret at once, for a secret that leaked.

        Raises:
            NotFound: The id is unknown.
            InvalidInput: A value cannot be used, or ten older secrets sign already; nothing was changed.
            StorageUnavailable: Nothing was changed.
        """
        span = checked_span("grace", grace, least=timedelta(0), most=LONGEST_GRACE)
        fresh = new_secret(self._random_bytes, kind) if secret is None else CHECKS["secret"](secret)
        return await self._store.rotate_secret(endpoint_id, fresh, grace=span)

    async def enable(
        self, endpoint_id: str, *, backlog: str = "deliver", rate: float | None = None
    ) -> Endpoint:
        """Switch an endpoint on again that a person or its failures had switched off.

        Args:
            endpoint_id: The endpoint.
            backlog: ``deliver`` what waited meanwhile, or ``skip`` it: then it is cancelled.
            rate: How much of the backlog is delivered in a second; None for no limit.

        Raises:
            NotFound: The id is unknown.
            InvalidInput: *backlog* or *rate* cannot be used.
            StorageUnavailable: Nothing was changed.
        """
        if backlog not in BACKLOGS:
            raise InvalidInput.at(
                field="backlog", found=f"{backlog!r:.40}", expected=" or ".join(map(repr, BACKLOGS))
            )
        return await self._store.enable(
            endpoint_id,
            skip_backlog=backlog == "skip",
            rate=None if rate is None else checked_rate(rate),
        )

    async def remove(self, endpoint_id: str) -> None:
        """Delete an endpoint and cancel its waiting deliveries.

        Raises:
            NotFound: The id is unknown.
            StorageUnavailable: Nothing was deleted.
        """
        await self._store.remove(endpoint_id)

    def _checked(self, given: Mapping[str, Any], *, allow_http: bool) -> dict[str, Any]:
        unknown = sorted(set(given) - CHECKS.keys() - {"url"})
        if unknown:
            raise InvalidInput.at(
                field=unknown[0],
                found="an attribute that cannot be set",
                expected=", ".join(sorted({"url", *CHECKS})),
            )
        values = _without_credentials(given)
        if "url" in values:
            check_endpoint_url(values["url"], self._guard, allow_http=allow_http)
        checked = {name: CHECKS[name](value) if name in CHECKS else value for name, value in values.items()}
        if checked.get("auth") is not None:
            _refuse_second_authorization(checked.get("headers", {}))
        return checked


def _without_credentials(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return *given* with the user and password of its URL as ``auth``."""
    url, found = taken_out(given.get("url"))
    if found is None:
        return dict(given)
    if given.get("auth") is not None:
        expected = "one of the two"
        raise InvalidInput.at(field="auth", found="a user and a password in the URL too", expected=expected)
    return {**given, "url": url, "auth": found}


def _refuse_second_authorization(headers: Mapping[str, str]) -> None:
    if any(name.lower() == "authorization" for name in headers):
        raise InvalidInput.at(
            field="headers", found="'Authorization' beside `auth`", expected="one of the two: `auth`"
        )
