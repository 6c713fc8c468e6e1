"""From a name to the addresses that may be called, remembered for a minute. Floor 3.

A name is refused whole if any of its addresses is one that is never called: a name with a public and a
private address is how rebinding looks.
"""

from __future__ import annotations

import asyncio
import socket
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from time import monotonic, perf_counter

from smart_api_integrations.errors import DeliveryError
from smart_api_integrations.network.address_guard import AddressGuard, is_literal

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""Resolves a name and a port to the literal addresses behind it, raising ``OSError`` where there is none."""

REMEMBERED_SECONDS = 60.0
_MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Resolved:
    """Addresses that may be called.

    Attributes:
        addresses: Literal addresses, in the order in which they are to be tried.
        milliseconds: How long the lookup took; None where the answer was remembered.
    """

    addresses: tuple[str, ...]
    milliseconds: float | None = None


class CheckedResolver:
    """Resolves names, and refuses a name of whose addresses any may not be called.

    Belongs to one event loop.
    """

    def __init__(
        self,
        guard: AddressGuard,
        lookup: Lookup | None = None,
        *,
        seconds: float,
        lookups: int,
        addresses_per_family: int,
    ) -> None:
        """Judge by *guard* what *lookup* finds, or the system's resolver where there is none.

        *lookups* names are resolved at once, each within *seconds*.
        """
        self._guard = guard
        self._lookup = lookup or self._system_lookup
        self._seconds = seconds
        self._lookups = lookups
        self._addresses_per_family = addresses_per_family
        self._executor: ThreadPoolExecutor | None = None
        self._remembered: OrderedDict[tuple[str, int], tuple[float, Resolved]] = OrderedDict()

    async def resolve(self, host: str, port: int) -> Resolved:
        """Return the addresses to try; of an address itself, that one.

        Raises:
            AddressBlocked: One of them may not be called.
            DeliveryError: There are none, or not in time.
        """
        known = self._remembered.get((host, port))
        if known is not None and monotonic() < known[0]:
            return known[1]
        if is_literal(host):
            self._guard.check(host)
            return self._remember(host, port, (host,))
        began = perf_counter()
        addresses = await self._look_up(host, port)
        for address in addresses:
            self._guard.check(address)
        found = self._remember(host, port, self._tried(addresses))
        return replace(found, milliseconds=round((perf_counter() - began) * 1000, 3))

    def close(self) -> None:
        """Forget everything; a lookup that hangs goes on in its thread, unheard."""
        self._remembered.clear()
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=False, cancel_futures=True)

    async def _look_up(self, host: str, port: int) -> Sequence[str]:
        try:
            async with asyncio.timeout(self._seconds):
                addresses = await self._lookup(host, port)
        except TimeoutError as error:
            message = f"the name {host!r} could not be resolved in {self._seconds:g} s"
            raise DeliveryError(message, stage="resolve", code="dns_timeout") from error
        except (OSError, UnicodeError) as error:
            message = f"the name {host!r} could not be resolved"
            raise DeliveryError(message, stage="resolve", code="dns_error") from error
        if not addresses:
            message = f"the name {host!r} has no address"
            raise DeliveryError(message, stage="resolve", code="dns_error")
        return addresses

    def _tried(self, addresses: Sequence[str]) -> tuple[str, ...]:
        most = self._addresses_per_family
        newer = [address for address in addresses if ":" in address]
        older = [address for address in addresses if ":" not in address]
        return (*newer[:most], *older[:most])

    def _remember(self, host: str, port: int, addresses: tuple[str, ...]) -> Resolved:
        resolved = Resolved(addresses)
        self._remembered[host, port] = monotonic() + REMEMBERED_SECONDS, resolved
        self._remembered.move_to_end((host, port))
        if len(self._remembered) > _MOST_REMEMBERED:
            self._remembered.popitem(last=False)
        return resolved

    async def _system_lookup(self, host: str, port: int) -> Sequence[str]:
        """Ask the system's resolver, in threads of our own: a dead name server blocks nobody else."""
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._lookups, thread_name_prefix="resolve")
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._executor, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return [str(sockaddr[0]) for *_, sockaddr in found]
