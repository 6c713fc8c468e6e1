"""The decorators that register functions as handlers and middleware. Floor 3."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, Unpack

from smart_api_integrations.core.webhook import HandlerOptions
from smart_api_integrations.core.webhook_registry import get_webhook_registry

Function = TypeVar("Function", bound=Callable[..., Any])


def webhook_handler(
    provider: str,
    event: str,
    *,
    webhook_name: str = "default",
    **options: Unpack[HandlerOptions],
) -> Callable[[Function], Function]:
    """Run the decorated function on every *event* of *provider*.

    Args:
        provider: The provider's name, ``github``.
        event: An event type (``push``), a type with its action (``pull_request.opened``), a pattern
            (``invoice.*``), or ``*``.
        webhook_name: Which of the provider's webhooks.
        **options: ``retries``, ``timeout`` in seconds, ``concurrency``, ``ordering_key``, ``name``; see
            ``WebhookProcessor.add``.

    The function takes the :class:`WebhookEvent` and may be ``def`` or ``async def``. What it returns
    is the answer to the provider where the webhook answers inline; of a mapping with a key
    ``events``, a list of ``{"type": …, "data": …}``, each is published. What it raises counts as a
    failure and is tried again; ``Retry``, ``Skip`` and ``Dead`` say otherwise.
    """
    return batch_webhook_handler(provider, [event], webhook_name=webhook_name, **options)


def batch_webhook_handler(
    provider: str,
    events: Iterable[str],
    *,
    webhook_name: str = "default",
    **options: Unpack[HandlerOptions],
) -> Callable[[Function], Function]:
    """Run the decorated function on each of several *events*; otherwise as ``webhook_handler``."""
    processor = get_webhook_registry().create_processor(provider, webhook_name)
    return processor.on(*events, **options)


def webhook_middleware(provider: str, *, webhook_name: str = "default") -> Callable[[Function], Function]:
    """Run the decorated function before every handler of *provider*.

    It takes the event and may change it for the handlers behind it; what is kept stays as it came. Where
    it returns something other than None, that is the answer and no handler runs; a queued handling is
    then ``skipped``.

    A queued event is given its handlers when it is received, by the type that the provider gave it: a
    middleware that changes ``event.type`` is seen by the handler that runs, but chooses no other one. So a
    handler for renamed types is registered for the old ones too, or for ``legacy.*``.
    """
    return get_webhook_registry().create_processor(provider, webhook_name).use
