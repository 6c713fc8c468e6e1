"""Starlette: the ways in as plain ASGI endpoints, and a lifespan that starts and stops the platform. Floor 9.

::

    app = Starlette(lifespan=webhooks.lifespan)     # where a store keeps what comes in
    webhooks.init_app(app)                          # adds the routes, and the lifespan where it is missing
    register_webhook_routes(app)                    # without a store: handled while the provider waits

Coroutine functions run in the application's own event loop, plain handlers in Starlette's threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from smart_api_integrations.application.reception import HostRequest, Reception, open_reception
from smart_api_integrations.frameworks.exchange import BodyConsumed, header_pairs
from smart_api_integrations.frameworks.routes import (
    PREFIX,
    Handlers,
    Routes,
    get_webhook_routes,
    routes_of,
)
from smart_api_integrations.providers.catalogue import Key
from smart_api_integrations.receive.places import HostLoop

if TYPE_CHECKING:
    from smart_api_integrations.application.webhooks import Webhooks

__all__ = ["get_webhook_routes", "init_app", "register_webhook_routes", "webhook_routes"]

STATE = "smart_api_integrations"


class WebhookEndpoint:
    """An ASGI application that answers the webhooks of one or more addresses."""

    def __init__(self, reception: Reception, key: Callable[[Scope], Key]) -> None:
        """Hand requests in at *reception*, for the webhook that *key* reads off a request's scope."""
        self._reception = reception
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer = await self._reception.answer_here(
            head_of(scope), self._key(scope), next_piece=pieces(receive), place=place_here()
        )
        response = Response(
            answer.body, status_code=answer.status, headers={"content-type": answer.content_type}
        )
        for name, value in header_pairs(answer):
            response.headers.append(name, value)
        await response(scope, receive, send)


def register_webhook_routes(
    app: Starlette,
    handlers: Handlers | None = None,
    *,
    webhooks: Webhooks | None = None,
    prefix: str = PREFIX,
    **settings: Any,
) -> Reception:
    """Give *app* the ways in of its webhooks: ``/webhooks/{provider}`` and ``/webhooks/{provider}/{name}``.

    The paths that YAML files name are ways in too; a slash at the end of an address does not matter. Routes
    that *app* has already come first.

    Args:
        app: The application; with a store, its lifespan from now on starts and stops the platform.
        handlers: Lets in the webhooks of these handlers only, ``{'github': GitHubHandler()}``.
        webhooks: The platform that keeps what comes in. Without it, and without a ``database_url``
            in the settings, nothing is kept, and handlers run while the provider waits.
        prefix: What the addresses begin with.
        **settings: Settings by their names, where there is no *webhooks*.

    Raises:
        ConfigurationError: A setting, a provider's YAML or a secret cannot be used.
    """
    reception, routes = open_reception(webhooks, **settings), routes_of(handlers, prefix)
    app.router.routes.extend(endpoints(reception, routes))
    setattr(app.state, STATE, reception)
    if reception.webhooks is not None:
        add_lifespan(app, reception.webhooks)
    return reception


init_app = register_webhook_routes


def webhook_routes(
    handlers: Handlers | None = None,
    *,
    webhooks: Webhooks | None = None,
    prefix: str = PREFIX,
    **settings: Any,
) -> list[Route]:
    """Return the ways in as a list of routes; the arguments are those of ``register_webhook_routes``.

    With a store the application's own lifespan has to be ``webhooks.lifespan`` or to enter it; else
    the platform is started by the first request.

    Raises:
        ConfigurationError: A setting, a provider's YAML or a secret cannot be used.
    """
    return endpoints(open_reception(webhooks, **settings), routes_of(handlers, prefix))


def endpoints(reception: Reception, routes: Routes) -> list[Route]:
    """Return a route for each address, with and without a slash at its end."""

    def by_address(scope: Scope) -> Key:
        asked = scope["path_params"]
        return routes.key(asked["provider"], asked.get("webhook_name"))

    known = [
        (f"{routes.prefix}/{{provider}}", "webhook-default", WebhookEndpoint(reception, by_address)),
        (
            f"{routes.prefix}/{{provider}}/{{webhook_name}}",
            "webhook-named",
            WebhookEndpoint(reception, by_address),
        ),
    ]
    own = [
        (path, "-".join(("webhook", *key)), WebhookEndpoint(reception, _always(key)))
        for path, key in routes.own(reception.paths).items()
    ]
    return [
        Route(path + slash, endpoint, name=name, include_in_schema=False)
        for path, name, endpoint in own + known
        for slash in ("", "/")
    ]


def _always(key: Key) -> Callable[[Scope], Key]:
    return lambda _: key


def add_lifespan(app: Starlette, webhooks: Webhooks) -> None:
    """Let *webhooks* run for as long as *app* does, around the application's own lifespan."""
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(served: Any) -> AsyncIterator[Any]:
        if webhooks.is_running:  # by the application's own hand: it will stop it
            async with inner(served) as state:
                yield state
            return
        async with webhooks.lifespan(served), inner(served) as state:
            yield state

    app.router.lifespan_context = lifespan


def head_of(scope: Scope) -> HostRequest:
    """Return the head of a request, its headers as they came."""
    client = scope.get("client")
    return HostRequest(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]),
        peer=client[0] if client else None,
    )


def pieces(receive: Receive) -> Callable[[], Awaitable[tuple[bytes, bool]]]:
    """Return what reads a request's body piece by piece.

    Where the first thing to be had is the sender's leaving, somebody has read the body before.
    """
    began = False

    async def next_piece() -> tuple[bytes, bool]:
        nonlocal began
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError if began else BodyConsumed
        began = True
        return message.get("body", b""), message.get("more_body", False)

    return next_piece


def place_here() -> HostLoop:
    """Return the place of handlers: this event loop, and Starlette's threads for plain functions."""
    return HostLoop(asyncio.get_running_loop(), call_plain=run_in_threadpool)
