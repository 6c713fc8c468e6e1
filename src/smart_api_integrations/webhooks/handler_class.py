"""Handlers written as a class, with one ``on_<event type>`` method each. Floor 3."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar

from smart_api_integrations.core.event_types import method_name
from smart_api_integrations.core.webhook import HandlerOptions
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.core.webhook_schema import WebhookEvent, WebhookResponse
from smart_api_integrations.errors import ConfigurationError

_METHOD = "on_"


class WebhookHandler:
    """A class of handlers for one provider; making an instance registers every ``on_…`` method.

    ``on_payment_intent_succeeded`` runs on ``payment_intent.succeeded``: a type matches where it
    becomes the method's name once every other character than letters and digits is a ``_``. A type
    with its action (``on_pull_request_opened``) beats the type alone, and only the most specific
    method of the class runs.

    Attributes:
        provider: The provider's name; must be set by the subclass.
        webhook_name: Which of the provider's webhooks.
        options: What ``webhook_handler`` takes as options, for every method.
    """

    provider: ClassVar[str] = ""
    webhook_name: ClassVar[str] = "default"
    options: ClassVar[HandlerOptions] = {}

    def __init__(self) -> None:
        """Register every ``on_…`` method.

        Raises:
            ConfigurationError: The class names no provider.
        """
        if not self.provider:
            message = (
                f"{type(self).__qualname__} needs a class attribute `provider`, as in provider = 'github'."
            )
            raise ConfigurationError(message)
        processor = get_webhook_registry().create_processor(self.provider, self.webhook_name)
        group = f"{type(self).__module__}.{type(self).__qualname__}"
        for name, method in self._methods():
            options: HandlerOptions = {**self.options, "name": f"{group}.{_METHOD}{name}"}
            processor.add(name, method, group=group, **options)

    def _methods(self) -> Iterator[tuple[str, Callable[[WebhookEvent], Any]]]:
        for attribute in dir(type(self)):
            if attribute.startswith(_METHOD) and callable(getattr(self, attribute)):
                yield attribute.removeprefix(_METHOD), getattr(self, attribute)

    def success_response(self, data: Mapping[str, Any] | None = None, message: str = "") -> WebhookResponse:
        """Return a response of status 200 that says success."""
        return WebhookResponse(success=True, status_code=200, message=message, data=data)

    def error_response(
        self, message: str, data: Mapping[str, Any] | None = None, *, status_code: int = 400
    ) -> WebhookResponse:
        """Return a response that says failure, of status 400 unless another is given."""
        return WebhookResponse(success=False, status_code=status_code, message=message, data=data)

    def webhook_response(
        self,
        *,
        success: bool = True,
        status_code: int = 200,
        message: str = "",
        data: Mapping[str, Any] | None = None,
        body: Any = None,
        content_type: str | None = None,
    ) -> WebhookResponse:
        """Return a response that is given in full; *body* is sent instead of the usual JSON.

        Raises:
            InvalidInput: *content_type* is none, or is given without *body*.
        """
        return WebhookResponse(
            success=success,
            status_code=status_code,
            message=message,
            data=data,
            body=body,
            content_type=content_type,
        )


def generate_webhook_handler(
    provider: str, *, events: Iterable[str], webhook_name: str = "default"
) -> type[WebhookHandler]:
    """Return a handler class for *provider* to derive from, with a method for each of *events*.

    The methods do nothing but answer success; override those that you need.

    >>> Handler = generate_webhook_handler("github", events=["push"])
    >>> Handler.provider, hasattr(Handler, "on_push")
    ('github', True)
    """
    body: dict[str, Any] = {"provider": provider, "webhook_name": webhook_name}
    for event in events:
        name = f"{_METHOD}{method_name(event)}"
        body[name] = _answering_success(name)
    return type(f"{provider.title().replace('_', '')}WebhookHandler", (WebhookHandler,), body)


def _answering_success(name: str) -> Callable[[WebhookHandler, WebhookEvent], WebhookResponse]:
    def method(self: WebhookHandler, event: WebhookEvent) -> WebhookResponse:  # noqa: ARG001
        return self.success_response()

    method.__name__ = name
    return method
