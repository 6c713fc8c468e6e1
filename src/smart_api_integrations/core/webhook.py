"""Handlers, middleware, and the processor that routes an event to them. Floor 1.

Rules:

1. A processor belongs to one webhook: a provider and a name. Its handlers are kept in the order in
   which they were registered; its middleware runs before each of them, in order.
2. Every handler that matches runs, each as a handling of its own. Of one handler class only the most
   specific method runs: type with action beats type alone.
3. A middleware that returns something answers in the handler's place. What it changes is seen by the
   handlers behind it; which handlers those are was decided by the type as received.

Reading bodies and verifying signatures is ``core.inbound_webhook``; running handlers, with threads
and time limits, is ``receive.handling``. The gateway logs under this module's name, because the second
seed tells users to switch that logger on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from smart_api_integrations.core.event_types import matches, method_name
from smart_api_integrations.core.retry_schedule import HANDLINGS, RetrySchedule
from smart_api_integrations.core.webhook_schema import WebhookEvent

HandlerFunction = Callable[[WebhookEvent], Any]
Function = TypeVar("Function", bound=Callable[..., Any])


class WebhookVerifier(Protocol):
    """A verification of your own, for a provider that no scheme describes.

    Assign an instance to ``processor.verifier``; it then replaces the configured scheme.
    """

    def verify(self, payload: bytes, signature: str, secret: str, **kwargs: Any) -> bool:
        """Return True exactly where *signature* proves that the secret's holder sent *payload*.

        *payload* is the exact body; *kwargs* holds ``headers``. Anything raised counts as False.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """One registered handler.

    Attributes:
        name: ``provider:webhook_name:module.qualname``: what its handlings and dead letters are kept under.
        pattern: The event types that it runs on; for a method of a class, its name without ``on_``.
        function: Takes the event; a plain function or a coroutine function.
        schedule: The waits between its attempts.
        timeout: How long one run may take; None for the platform's default.
        concurrency: How many of its runs may happen at once in one process; None for no limit of its own.
        group: The class it is a method of; of one group only the most specific handler runs.
    """

    name: str
    pattern: str
    function: HandlerFunction = field(repr=False)
    schedule: RetrySchedule = HANDLINGS
    timeout: timedelta | None = None
    concurrency: int | None = None
    group: str | None = None

    def fit(self, event_type: str, action: str | None) -> int:
        """Return 0 where this handler does not run on the type, else how closely it fits."""
        if self.group is None:
            return int(matches(self.pattern, event_type, action))
        if action and method_name(f"{event_type}.{action}") == self.pattern:
            return 2
        return int(method_name(event_type) == self.pattern)


class WebhookProcessor:
    """The handlers and middleware of one webhook."""

    def __init__(self, provider: str, name: str = "default") -> None:
        """Begin without handlers; ``registry.create_processor`` is how to get one."""
        self.provider = provider
        self.name = name
        self.verifier: WebhookVerifier | None = None
        self.middleware: list[HandlerFunction] = []
        self._handlers: list[Handler] = []

    @property
    def handlers(self) -> Mapping[str, Sequence[Handler]]:
        """The handlers by the pattern that they were registered for."""
        found: dict[str, list[Handler]] = {}
        for handler in self._handlers:
            found.setdefault(handler.pattern, []).append(handler)
        return found

    def on(self, *patterns: str, **options: Any) -> Callable[[Function], Function]:
        """Register the decorated function for one or more event types.

        *options* are those of :func:`add`: ``retries``, ``timeout``, ``concurrency``.
        """

        def register(function: Function) -> Function:
            for pattern in patterns:
                self.add(pattern, function, **options)
            return function

        return register

    def use(self, function: Function) -> Function:
        """Register the decorated function to run before every handler."""
        self.middleware.append(function)
        return function

    def add(
        self,
        pattern: str,
        function: HandlerFunction,
        *,
        retries: int | None = None,
        timeout: float | timedelta | None = None,
        concurrency: int | None = None,
        group: str | None = None,
        name: str | None = None,
    ) -> Handler:
        """Register *function* for *pattern*; registering the same function again replaces it.

        Args:
            pattern: An event type, ``order.*``, or ``*``.
            function: Takes the event.
            retries: How often it is tried again after a failure; the waits are 5 s, 30 s, 300 s and
                then 300 s each. 0 makes the first failure final.
            timeout: Seconds, or a timedelta, that one run may take.
            concurrency: How many of its runs may happen at once in one process.
            group: The handler class it belongs to.
            name: The name that its work is kept under; ``module.qualname`` of the function otherwise.
        """
        handler = Handler(
            name=f"{self.provider}:{self.name}:{name or _qualified(function)}",
            pattern=pattern,
            function=function,
            schedule=HANDLINGS if retries is None else _schedule(retries),
            timeout=timedelta(seconds=timeout) if isinstance(timeout, (int, float)) else timeout,
            concurrency=concurrency,
            group=group,
        )
        self._handlers = [known for known in self._handlers if not _same(known, handler)]
        self._handlers.append(handler)
        return handler

    def route(self, event_type: str | None, action: str | None = None) -> Sequence[Handler]:
        """Return the handlers that run on an event, each once, in the order of their registration."""
        found: dict[str, tuple[int, Handler]] = {}
        for handler in self._handlers:
            fit = handler.fit(event_type or "", action)
            key = handler.group or handler.name
            if fit > found.get(key, (0, handler))[0]:
                found[key] = (fit, handler)
        return tuple(handler for _, handler in found.values())

    def handler(self, name: str, event_type: str = "", action: str | None = None) -> Handler | None:
        """Return the handler of this name, or None where it is not registered any more.

        Several may have one name: a function for two patterns, or functions that one factory made. Then it
        is the first that runs on the event's type, as in ``route``.
        """
        named = [known for known in self._handlers if known.name == name]
        return next((known for known in named if known.fit(event_type, action)), named[0] if named else None)


def _qualified(function: HandlerFunction) -> str:
    """Name a function, or a callable object by its class."""
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"


def _same(known: Handler, handler: Handler) -> bool:
    return known.name == handler.name and known.pattern == handler.pattern


def _schedule(retries: int) -> RetrySchedule:
    waits = HANDLINGS.waits
    return RetrySchedule(waits=tuple(waits[min(step, len(waits) - 1)] for step in range(retries)))
