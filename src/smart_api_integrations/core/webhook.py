"""Handlers, middleware, and the processor that routes an event to them. Floor 1.

Rules:

1. A processor belongs to one webhook: a provider and a name. Its handlers are kept in the order in
   which they were registered; its middleware runs before each of them, in order.
2. Every handler that matches runs, each as a handling of its own. Of one handler class only the most
   specific method runs: type with action beats type alone.
3. A middleware that returns something answers in the handler's place. What it changes is seen by the
   handlers behind it.
4. A middleware that renames the event chooses its handlers: those of the new type run, and of the others
   only those that run on it too. A queued event that no handler matches has one handling of its own for
   the middleware (``ROUTING``).
5. No two handlers have one name, but a function that is registered for several patterns: of those only
   one runs (``core.handler_names``).

Reading bodies and verifying signatures is ``core.inbound_webhook``; running handlers, with threads
and time limits, is ``receive.handling``. The gateway logs under this module's name, because the second
seed tells users to switch that logger on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol, TypedDict, TypeVar, Unpack

from smart_api_integrations.core.event_types import matches, method_name
from smart_api_integrations.core.handler_names import is_same_registration, numbered, qualified_name
from smart_api_integrations.core.inline_answer import (
    Call,
    HandlerFunction,
    OnError,
    call_here,
    first_answer,
    run_guarded,
)
from smart_api_integrations.core.ordering_key import OrderingKey, path_of, read_ordering_key
from smart_api_integrations.core.retry_schedule import HANDLINGS, RetrySchedule
from smart_api_integrations.core.webhook_schema import WebhookEvent, WebhookResponse
from smart_api_integrations.errors import ConfigurationError

ROUTING = "<middleware>"
"""What stands in a handling's name where a handler's does, if no handler matched the event as it came."""

Function = TypeVar("Function", bound=Callable[..., Any])


class WebhookVerifier(Protocol):
    """A verification of your own, for a provider that no scheme describes.

    Assign an instance to ``processor.verifier``; it then replaces the configured scheme. A webhook without
    a secret is refused unless its verifier has an attribute ``needs_secret`` that is False.
    """

    def verify(self, payload: bytes, signature: str, secret: str, **kwargs: Any) -> bool:
        """Return True exactly where *signature* proves that the secret's holder sent *payload*.

        *payload* is the exact body; *kwargs* holds ``headers`` and ``now``. Anything
        raised counts as False, and is told to you as ``verifier_raised`` in the log and on the dashboard.
        """


class HandlerOptions(TypedDict, total=False):
    """What every way to register a handler takes besides the event types; see ``WebhookProcessor.add``."""

    retries: int | None
    timeout: float | timedelta | None
    concurrency: int | None
    ordering_key: OrderingKey | None
    name: str | None


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
        ordering_key: What its events are ordered by, see ``order_of``; None for no order.
        group: The class it is a method of; of one group only the most specific handler runs.
    """

    name: str
    pattern: str
    function: HandlerFunction = field(repr=False)
    schedule: RetrySchedule = HANDLINGS
    timeout: timedelta | None = None
    concurrency: int | None = None
    ordering_key: OrderingKey | None = None
    group: str | None = None

    def order_of(self, event: WebhookEvent) -> str | None:
        """Return the key among whose work *event* keeps its order, or None where it keeps none.

        Raises:
            InvalidInput: The value is neither text nor a number. What a function raises comes through.
        """
        return None if self.ordering_key is None else read_ordering_key(self.ordering_key, event)

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
    def routing(self) -> Handler:
        """What runs on an event that no handler matches: the middleware alone, which may rename it."""
        return Handler(name=f"{self.provider}:{self.name}:{ROUTING}", pattern=ROUTING, function=_nothing)

    @property
    def handlers(self) -> Mapping[str, Sequence[Handler]]:
        """The handlers by the pattern that they were registered for."""
        found: dict[str, list[Handler]] = {}
        for handler in self._handlers:
            found.setdefault(handler.pattern, []).append(handler)
        return found

    def on(self, *patterns: str, **options: Unpack[HandlerOptions]) -> Callable[[Function], Function]:
        """Register the decorated function for one or more event types.

        *options* are those of :meth:`add`: ``retries``, ``timeout``, ``concurrency``, ``ordering_key`` and
        ``name``.
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
        group: str | None = None,
        **options: Unpack[HandlerOptions],
    ) -> Handler:
        """Register *function* for *pattern*; registering the same function again replaces it.

        Args:
            pattern: An event type, ``order.*``, or ``*``.
            function: Takes the event.
            group: The handler class it belongs to.
            **options: ``retries``: how often it is tried again after a failure; the waits are 5 s, 30 s,
                300 s and then 300 s each, and 0 makes the first failure final. ``timeout``: seconds, or a
                timedelta, that one run may take. ``concurrency``: how many of its runs may happen at once
                in one process. ``ordering_key``: a path into the payload (``data.object.customer``) or a
                function of the event; events with equal keys run one after the other. ``name``: what its work
                is kept under, instead of ``module.qualname``; give one to functions that one factory makes.

        Raises:
            ConfigurationError: An option cannot be used.
        """
        handler = Handler(
            name=self._name_for(function, pattern, options.get("name")),
            pattern=pattern,
            function=function,
            group=group,
            **_checked(pattern, **options),
        )
        self._handlers = [known for known in self._handlers if not _same(known, handler)]
        self._handlers.append(handler)
        return handler

    def _name_for(self, function: HandlerFunction, pattern: str, given: str | None) -> str:
        """Return the name of a handler that is to be registered; see ``core.handler_names``."""
        base = f"{self.provider}:{self.name}:{given or qualified_name(function)}"
        if given is not None:
            return base
        alike = [known for known in self._handlers if known.name.partition("#")[0] == base]
        for known in alike:
            if known.function == function:
                return known.name
        for known in alike:
            if known.pattern == pattern and is_same_registration(known.function, function):
                return known.name
        return numbered(base, len({known.name for known in alike}))

    async def process(
        self, event: WebhookEvent, *, call: Call = call_here, on_error: OnError | None = None
    ) -> WebhookResponse:
        """Run *event* through the middleware and every handler that matches, and return what is answered.

        Nothing is verified, kept or tried again: that is for the caller, or for nobody, as in a test.
        ``webhooks.process_event`` is the same for synchronous code. The rules are those of
        ``core.inline_answer``.

        Args:
            event: What happened; its ``type`` and ``action`` say which handlers run.
            call: How a function is called; else in this task, so that a plain function blocks it.
            on_error: Told what a handler raised, which is then answered with 500.

        Raises:
            Exception: A handler raised it, and there is no *on_error*.
        """
        for function in self.middleware:
            calling = call(function, event, None)
            answer = await run_guarded(calling, name=qualified_name(function), on_error=on_error)
            if answer is not None:
                return answer
        handlers = self.route(event.type, event.action)
        if not handlers:
            return WebhookResponse(message="No handler takes this event.")
        return first_answer(
            [
                await run_guarded(call(each.function, event, each.timeout), name=each.name, on_error=on_error)
                for each in handlers
            ]
        )

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

        A function that is registered for several patterns has one name: then it is the first that runs on
        the event's type, as in ``route``.
        """
        if name == self.routing.name:
            return self.routing
        named = [known for known in self._handlers if known.name == name]
        return next((known for known in named if known.fit(event_type, action)), named[0] if named else None)


def _nothing(_event: WebhookEvent) -> None:
    """Stand where a handler's function does, and leave everything to the middleware."""


def _same(known: Handler, handler: Handler) -> bool:
    return known.name == handler.name and known.pattern == handler.pattern


def _schedule(retries: int) -> RetrySchedule:
    waits = HANDLINGS.waits
    return RetrySchedule(waits=tuple(waits[min(step, len(waits) - 1)] for step in range(retries)))


def _checked(
    pattern: str,
    *,
    retries: int | None = None,
    timeout: float | timedelta | None = None,
    concurrency: int | None = None,
    ordering_key: OrderingKey | None = None,
    name: str | None = None,
) -> dict[str, Any]:
    """Return a handler's options as the record holds them.

    Raises:
        ConfigurationError: One of them cannot be used.
    """
    limit = timedelta(seconds=timeout) if isinstance(timeout, (int, float)) else timeout
    faults = {
        f"retries={retries!r} must be 0 or more": retries is not None and retries < 0,
        f"timeout={timeout!r} must be more than 0 seconds": limit is not None and limit <= timedelta(),
        f"concurrency={concurrency!r} must be 1 or more": concurrency is not None and concurrency < 1,
        "ordering_key='' names nothing": isinstance(ordering_key, str) and not path_of(ordering_key),
        f"name={name!r} must be text without a '#'": name is not None and (not name or "#" in name),
    }
    found = [fault for fault, is_there in faults.items() if is_there]
    if found:
        message = f"The handler for {pattern!r} cannot be registered: {'; '.join(found)}."
        raise ConfigurationError(message)
    return {
        "schedule": HANDLINGS if retries is None else _schedule(retries),
        "timeout": limit,
        "concurrency": concurrency,
        "ordering_key": ordering_key,
    }
