"""The views, and the URL patterns that lead to them. Floor 9."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.urls import URLPattern, path
from django.views.decorators.csrf import csrf_exempt

from smart_api_integrations.application.reception import HostRequest, Reception, open_reception
from smart_api_integrations.core.inline_answer import HandlerFunction
from smart_api_integrations.core.webhook_schema import WebhookEvent
from smart_api_integrations.frameworks.django.installed import reception
from smart_api_integrations.frameworks.exchange import BodyReader, header_pairs
from smart_api_integrations.frameworks.routes import PREFIX, Handlers, routes_of
from smart_api_integrations.providers.catalogue import Key
from smart_api_integrations.receive.answer import Answer
from smart_api_integrations.receive.places import HostLoop

if TYPE_CHECKING:
    from smart_api_integrations.application.webhooks import Webhooks


@csrf_exempt
def webhook_view(request: HttpRequest, provider: str, webhook_name: str = "default") -> HttpResponse:
    """Answer a webhook request; exempt from CSRF checks, for its signature says who sent it.

    For WSGI and ASGI alike: plain handlers run in the thread that serves the request. Where an answer says
    that handling failed (500 and more), a transaction of ``ATOMIC_REQUESTS`` is rolled back.
    """
    return answered(reception(), request, (provider, webhook_name))


@csrf_exempt
async def async_webhook_view(
    request: HttpRequest, provider: str, webhook_name: str = "default"
) -> HttpResponse:
    """Answer as ``webhook_view`` does, with ``async`` handlers in the event loop that serves the request.

    Plain handlers run in the thread that Django keeps for its ORM.
    """
    return await answered_here(reception(), request, (provider, webhook_name))


def webhook_routes(
    handlers: Handlers | None = None,
    *,
    webhooks: Webhooks | None = None,
    prefix: str = PREFIX,
    asynchronous: bool = False,
    **settings: Any,
) -> list[URLPattern]:
    """Return patterns for ``urlpatterns``; the arguments are those of the other frameworks.

    Without *webhooks* and *settings* it is Django's settings that say whether there is a store.
    *asynchronous* makes the views as ``async_webhook_view`` is.

    Raises:
        ConfigurationError: A setting, a provider's YAML or a secret cannot be used.
    """
    given = webhooks is not None or bool(settings)
    opened = open_reception(webhooks, **settings) if given else reception()
    routes = routes_of(handlers, prefix)

    def find() -> Reception:
        return opened if given else reception()

    answering = answered_here if asynchronous else answered
    by_address = _view(
        answering, find, lambda given: routes.key(given["provider"], given.get("webhook_name"))
    )
    by_own_path = _view(answering, find, lambda given: given["key"])
    start = routes.prefix.lstrip("/")
    own = {f"{address}/": key for address, key in routes.own(opened.paths).items()}
    return [
        *_both(f"{start}/<str:provider>/", by_address, "webhook-default"),
        *_both(f"{start}/<str:provider>/<str:webhook_name>/", by_address, "webhook-named"),
        *(
            pattern
            for address, key in own.items()
            for pattern in _both(address.lstrip("/"), by_own_path, "-".join(("webhook", *key)), key=key)
        ),
    ]


def _view(
    answering: Callable[..., Any], find: Callable[[], Reception], key: Callable[[Mapping[str, Any]], Key]
) -> Callable[..., Any]:
    """Return a view of the colour of *answering*, for the webhook that *key* reads off the address."""
    if inspect.iscoroutinefunction(answering):

        async def view_here(request: HttpRequest, **given: Any) -> HttpResponse:
            response: HttpResponse = await answering(find(), request, key(given))
            return response

        return csrf_exempt(view_here)

    def view(request: HttpRequest, **given: Any) -> HttpResponse:
        response: HttpResponse = answering(find(), request, key(given))
        return response

    return csrf_exempt(view)


def _both(address: str, view: Callable[..., Any], name: str, **fixed: Any) -> list[URLPattern]:
    """Return a pattern with a slash at its end and one without; the name is the first one's."""
    return [path(address, view, fixed, name=name), path(address.rstrip("/"), view, fixed)]


def answered(opened: Reception, request: HttpRequest, way: Key) -> HttpResponse:
    """Answer *request* from the thread that serves it."""
    answer = opened.answer(_head(request), way, read=_reader(request))
    if answer.status >= 500:
        _roll_back()
    return _response(answer)


async def answered_here(opened: Reception, request: HttpRequest, way: Key) -> HttpResponse:
    """Answer *request* in the event loop that serves it."""
    answer = await opened.answer_here(
        _head(request),
        way,
        next_piece=sync_to_async(_reader(request), thread_sensitive=True),
        place=HostLoop(asyncio.get_running_loop(), call_plain=_call_in_djangos_thread),
    )
    return _response(answer)


def _head(request: HttpRequest) -> HostRequest:
    scope = getattr(request, "scope", None)
    headers = request.headers.items() if scope is None else _exact(scope["headers"])
    return HostRequest(
        method=request.method or "",
        path=request.path,
        query=request.META.get("QUERY_STRING", ""),
        headers=tuple(headers),
        peer=request.META.get("REMOTE_ADDR"),
    )


def _exact(headers: list[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Return an ASGI request's headers as they came: Django joins those that are repeated."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


def _reader(request: HttpRequest) -> BodyReader:
    """Return what reads the body: off the socket, or out of ``request.body`` where that was read."""

    def read(size: int) -> bytes:
        try:
            return request.read(size)
        except UnreadablePostError as error:
            raise ConnectionResetError from error

    return BodyReader(read, stated=request.headers.get("Content-Length"))


def _roll_back() -> None:
    """Roll back what ``ATOMIC_REQUESTS`` would commit: our answer is no exception that it could see."""
    for connection in connections.all(initialized_only=True):
        if connection.settings_dict["ATOMIC_REQUESTS"] and connection.in_atomic_block:
            transaction.set_rollback(True, using=connection.alias)


def _response(answer: Answer) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.status, content_type=answer.content_type)
    for name, value in header_pairs(answer):
        response[name] = value
    return response


async def _call_in_djangos_thread(function: HandlerFunction, event: WebhookEvent) -> Any:
    return await sync_to_async(function, thread_sensitive=True)(event)
