"""Flask: the ways in as a blueprint, an extension, and the commands ``flask webhooks …``. Floor 9.

::

    webhooks = Webhooks(database_url="sqlite:///webhooks.db")
    webhooks.init_app(app)              # kept, then handled by a worker
    register_webhook_routes(app)        # without a store: handled while the provider waits

Plain handlers of a webhook whose provider waits run in the request's own thread and context; those that
a worker runs are given an application context.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, Response, current_app, request
from flask.sansio.app import App
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from smart_api_integrations.application.reception import HostRequest, Reception, open_reception
from smart_api_integrations.errors import BodyTooLarge
from smart_api_integrations.frameworks.exchange import BodyReader, header_pairs
from smart_api_integrations.frameworks.flask_commands import add_commands
from smart_api_integrations.frameworks.routes import (
    METHODS,
    PREFIX,
    Handlers,
    get_webhook_routes,
    routes_of,
)
from smart_api_integrations.providers.catalogue import Key

if TYPE_CHECKING:
    from smart_api_integrations.application.webhooks import Webhooks

__all__ = ["get_webhook_routes", "init_app", "register_webhook_routes", "webhook_routes"]

EXTENSION = "smart_api_integrations"


def register_webhook_routes(
    app: Flask,
    handlers: Handlers | None = None,
    *,
    webhooks: Webhooks | None = None,
    prefix: str = PREFIX,
    **settings: Any,
) -> Reception:
    """Give *app* the ways in of its webhooks: ``/webhooks/{provider}`` and ``/webhooks/{provider}/{name}``.

    The paths that YAML files name are ways in too; a slash at the end of an address does not matter.

    Args:
        app: The application.
        handlers: Lets in the webhooks of these handlers only, ``{'github': GitHubHandler()}``.
        webhooks: The platform that keeps what comes in. Without it, and without a ``database_url``
            in the settings, nothing is kept, and handlers run while the provider waits.
        prefix: What the addresses begin with.
        **settings: Settings by their names, where there is no *webhooks*.

    Raises:
        ConfigurationError: A setting, a provider's YAML or a secret cannot be used.
    """
    blueprint = webhook_routes(handlers, webhooks=webhooks, prefix=prefix, **settings)
    app.register_blueprint(blueprint)
    reception: Reception = app.extensions[EXTENSION]
    return reception


init_app = register_webhook_routes


def webhook_routes(
    handlers: Handlers | None = None,
    *,
    webhooks: Webhooks | None = None,
    prefix: str = PREFIX,
    name: str = EXTENSION,
    **settings: Any,
) -> Blueprint:
    """Return a blueprint called *name* with the ways in; the rest is as in ``register_webhook_routes``.

    Raises:
        ConfigurationError: A setting, a provider's YAML or a secret cannot be used.
    """
    reception, routes = open_reception(webhooks, **settings), routes_of(handlers, prefix)
    blueprint = Blueprint(name, __name__, cli_group="webhooks")

    def webhook(provider: str, webhook_name: str | None = None) -> Response:
        return _answered(reception, routes.key(provider, webhook_name))

    def own_path(key: Key) -> Response:
        return _answered(reception, key)

    options: dict[str, Any] = {
        "methods": METHODS,
        "strict_slashes": False,
        "provide_automatic_options": False,
    }
    for path, key in routes.own(reception.paths).items():
        blueprint.add_url_rule(
            f"{path}/", "_".join(("own", *key)), own_path, defaults={"key": key}, **options
        )
    blueprint.add_url_rule(f"{routes.prefix}/<provider>/", "webhook_default", webhook, **options)
    blueprint.add_url_rule(f"{routes.prefix}/<provider>/<webhook_name>/", "webhook_named", webhook, **options)
    blueprint.record_once(lambda state: _settle_in(state.app, reception))
    blueprint.before_app_request(reception.begin)
    add_commands(blueprint.cli, reception)
    return blueprint


def _settle_in(app: App, reception: Reception) -> None:
    app.extensions[EXTENSION] = reception
    if reception.webhooks is not None and isinstance(app, Flask):
        reception.webhooks.run_handlers_inside(app.app_context)


def _answered(reception: Reception, way: Key) -> Response:
    """Answer the request that is being served."""
    reader = BodyReader(_read, stated=request.headers.get("Content-Length"))
    head = HostRequest(
        method=request.method,
        path=f"{request.script_root}{request.path}",
        query=request.query_string.decode("latin-1"),
        headers=tuple(request.headers),
        peer=request.remote_addr,
    )
    answer = reception.answer(head, way, read=reader)
    return current_app.response_class(
        answer.body,
        status=answer.status,
        headers=list(header_pairs(answer)),
        content_type=answer.content_type,
    )


def _read(size: int) -> bytes:
    """Read on in the request's body, or take what the application has read and kept.

    Raises:
        BodyTooLarge: The application has a limit of its own, ``MAX_CONTENT_LENGTH``.
        ConnectionError: The sender hung up.
    """
    try:
        return request.stream.read(size) or request.get_data(cache=False)
    except RequestEntityTooLarge as error:
        raise BodyTooLarge from error
    except ClientDisconnected as error:
        raise ConnectionResetError from error
