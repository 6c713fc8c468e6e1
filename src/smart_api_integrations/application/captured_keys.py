"""What an operator does with secrets that handshakes bring: await one, look at them, forget them. Floor 7."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from smart_api_integrations.core.captured_key import USUAL_WAIT, CapturedKey
from smart_api_integrations.errors import InvalidInput
from smart_api_integrations.providers.catalogue import Catalogue, Key, Source
from smart_api_integrations.storage.captured_key_store import CapturedKeyStore


class BroughtKeys:
    """The webhooks whose secret a handshake may bring, and what came."""

    def __init__(
        self, catalogue: Catalogue, store: CapturedKeyStore, *, on_change: Callable[[Key], None]
    ) -> None:
        """Keep to the webhooks of *catalogue*; tell *on_change* of which webhook something was changed."""
        self._catalogue = catalogue
        self._store = store
        self._on_change = on_change

    @property
    def sources(self) -> Mapping[Key, Source]:
        """The webhooks whose secret a handshake may bring."""
        return self._catalogue.brought

    async def keys(self) -> Mapping[Key, Sequence[CapturedKey]]:
        """Return what is awaited and what came, newest first, by webhook."""
        found: dict[Key, list[CapturedKey]] = {}
        for each in await self._store.captured_keys():
            found.setdefault((each.provider, each.webhook_name), []).append(each)
        return found

    async def wait_for(
        self, provider: str, name: str = "default", *, wait: timedelta = USUAL_WAIT
    ) -> CapturedKey:
        """Let the webhook's next handshake bring its secret, once, for so long.

        Raises:
            NotFound: The webhook is unknown.
            InvalidInput: Its secret does not come by a handshake, or more than the secret is missing; or
                *wait* is too long.
        """
        variable = self._catalogue.source(provider, name).brought
        if variable is None:
            able = ", ".join("/".join(key).removesuffix("/default") for key in self.sources)
            message = f"{provider}/{name}: no handshake brings its secret. Those of {able} come by one."
            raise InvalidInput(message)
        key = await self._store.await_key(provider, name, variable=variable, wait=wait)
        self._on_change((provider, name))
        return key

    async def forget(self, provider: str, name: str = "default") -> int:
        """Remove what came and what is awaited; return how many there were. Requests then verify no more.

        Raises:
            NotFound: The webhook is unknown.
        """
        self._catalogue.source(provider, name)
        count = await self._store.forget(provider, name)
        self._on_change((provider, name))
        return count

    async def secrets(self, provider: str, name: str = "default") -> Sequence[str]:
        """Return the secrets that came, newest first, in the clear: for an operator at the machine.

        Raises:
            NotFound: The webhook is unknown.
        """
        self._catalogue.source(provider, name)
        return (await self._store.held(provider, name)).secrets
