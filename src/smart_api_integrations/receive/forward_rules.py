"""The rules that forward received events, kept and in memory. Floor 4."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from smart_api_integrations.core.forwarding import ForwardRule, check_rule
from smart_api_integrations.errors import InvalidInput, NotFound
from smart_api_integrations.storage.endpoint_protocols import EndpointStore
from smart_api_integrations.storage.versioned import Snapshot
from smart_api_integrations.storage.versioned_protocol import VersionedStore


def _by_id(rules: Sequence[ForwardRule]) -> Mapping[str, ForwardRule]:
    return {rule.id: rule for rule in rules}


class ForwardRules:
    """Keeps rules, checked."""

    def __init__(
        self,
        store: VersionedStore[ForwardRule],
        endpoints: EndpointStore,
        *,
        new_id: Callable[[str], str],
        now: Callable[[], datetime],
    ) -> None:
        """Keep rules in *store*; those to one endpoint name one of *endpoints*."""
        self._store = store
        self._endpoints = endpoints
        self._new_id = new_id
        self._now = now
        self.snapshot = Snapshot(store, _by_id)

    def known(self) -> Mapping[str, ForwardRule]:
        """Return the rules by id, as they were seen last."""
        return self.snapshot.view

    async def rules(self) -> Sequence[ForwardRule]:
        """Return every rule, oldest first."""
        return await self._store.all()

    async def rule(self, rule_id: str) -> ForwardRule:
        """Return one rule.

        Raises:
            NotFound: The id is unknown.
        """
        found = await self._store.get(rule_id)
        if found is None:
            message = "No forward rule has this id."
            raise NotFound(message)
        return found

    async def add(self, **values: Any) -> ForwardRule:
        """Keep a new rule with the attributes of ``ForwardRule``; it takes what is received from now on.

        In other processes it does within a second.

        Raises:
            InvalidInput: A value cannot be used; nothing was kept.
        """
        now = self._now()
        rule = ForwardRule(id=self._new_id("fwd_"), created_at=now, updated_at=now, **check_rule(values))
        await self._put(rule)
        return rule

    async def change(self, rule_id: str, changes: Mapping[str, Any]) -> ForwardRule:
        """Set attributes of a rule; return it.

        Raises:
            NotFound: The id is unknown.
            InvalidInput: A value cannot be used; nothing was changed.
        """
        rule = replace(await self.rule(rule_id), **check_rule(changes), updated_at=self._now())
        await self._put(rule)
        return rule

    async def remove(self, rule_id: str) -> None:
        """Delete a rule; what it had taken already is skipped.

        Raises:
            NotFound: The id is unknown.
        """
        await self._store.remove(rule_id)
        await self._seen()

    async def _put(self, rule: ForwardRule) -> None:
        if rule.endpoint_id is not None and await self._endpoints.endpoint(rule.endpoint_id) is None:
            raise InvalidInput.at(
                field="endpoint_id", found=f"{rule.endpoint_id[:60]!r}", expected="the id of an endpoint"
            )
        await self._store.put(rule)
        await self._seen()

    async def _seen(self) -> None:
        self.snapshot.forget()
        await self.snapshot.current()
