"""What handlers are given and what they answer; the request as it came off the socket. Floor 1.

``WebhookEvent`` and ``WebhookResponse`` are mutable and open to attributes of the user's own, because
middleware hands things to handlers through them (``event.account = account``). The journal's record of
the same event, :class:`~smart_api_integrations.core.journal.ReceivedEvent`, is frozen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from smart_api_integrations.core.duplicate_keys import refuse_repeated_keys
from smart_api_integrations.core.json_depth import refuse_deep
from smart_api_integrations.core.records import record
from smart_api_integrations.errors import InvalidInput, MalformedRequest

_CONTENT_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+( *; *[\w-]+=[\w.+-]+)*", re.ASCII)


class Headers(MutableMapping[str, str]):
    """HTTP headers: names are case-insensitive, a name may have several values.

    Reading also takes WSGI names, ``HTTP_X_SIGNATURE``; a header that was *received* under such a name is
    not the one with dashes, for it may be forged. Reading a repeated header gives its values joined by
    ``", "`` (RFC 9110, section 5.3); ``get_all`` tells them apart.

    >>> headers = Headers([("X-Signature", "a"), ("x-signature", "b")])
    >>> headers["HTTP_X_SIGNATURE"], headers.get_all("X-SIGNATURE")
    ('a, b', ('a', 'b'))
    """

    __slots__ = ("_values",)

    def __init__(self, headers: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        """Take headers as a mapping or, with repeated ones, as pairs; those of another one as they are."""
        pairs = headers if isinstance(headers, tuple) else _pairs(headers)  # a tuple: how servers give them
        values: dict[str, tuple[str, ...]] = {}  # the name as it was first written, then its values
        for pair in pairs:
            key = pair[0].lower()
            known = values.get(key)
            values[key] = tuple(pair) if known is None else (*known, pair[1])
        self._values = values

    def get_all(self, name: str) -> tuple[str, ...]:
        """Return every value of a header in the order received; empty where it is absent."""
        known = self._values.get(name.lower())
        return () if known is None else known[1:]

    def __getitem__(self, name: str) -> str:
        """Return a header's value; several are joined by a comma."""
        return ", ".join(self._values[self._key(name)][1:])

    def __setitem__(self, name: str, value: str) -> None:
        """Replace whatever the header was."""
        self._values[self._key(name)] = (name, value)

    def __delitem__(self, name: str) -> None:
        """Remove a header."""
        del self._values[self._key(name)]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names as they were first written."""
        return (known[0] for known in self._values.values())

    def __len__(self) -> int:
        """Count the different names."""
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        """Tell whether a header is there, however its name is written."""
        return isinstance(name, str) and self._key(name) in self._values

    def __repr__(self) -> str:
        """Show the names only: values may be secret."""
        return f"Headers({list(self)!r})"

    def _key(self, name: str) -> str:
        key = name.lower()
        if key.startswith("http_") and key not in self._values:
            return key[5:].replace("_", "-")
        return key


def _pairs(headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    if isinstance(headers, Headers):
        return [(name, value) for name in headers for value in headers.get_all(name)]
    return headers.items() if isinstance(headers, Mapping) else headers


@record
class RawRequest:
    """A request as it came off the socket, from whatever server or framework.

    Attributes:
        path: Decoded, without the query string.
        query: The query string as received, without the question mark.
        body: The exact bytes; signatures are made over them.
        remote_address: The peer's address, or the client's behind a trusted proxy.
        public_url: The configured public URL of this webhook with the received query string; None
            where none is configured. Never built from Host or X-Forwarded headers.
    """

    method: str = "POST"
    path: str = "/"
    query: str = ""
    headers: Headers
    body: bytes
    remote_address: str | None = None
    public_url: str | None = None


class WebhookEvent:
    """One verified event, as handlers and middleware see it.

    May be built by hand for tests, with either spelling of the type; then ``id`` is empty and
    ``timestamp`` None unless given. Any further attribute may be set on it.

    Attributes:
        id: Our id of the event (``evt_…``); it is the same at every attempt.
        event_id: The provider's own id, or None.
        type: The provider's word for what happened; ``event_type`` is the same.
        action: The second half of the type where the provider splits it in two, or None.
        account: Whose event it is, where the webhook's ``extract.account`` says so, or None.
        payload: The parsed body; of several events in one request, this one.
        body: The exact bytes received, of this event.
        headers: Case-insensitive, also by WSGI names.
        timestamp: When we received it.
        verified: True where the signature was checked.
        attempt: The number of this attempt, from 1.
    """

    def __init__(
        self,
        *,
        provider: str = "",
        type: str | None = None,
        event_type: str | None = None,
        payload: Any = None,
        **attributes: Any,
    ) -> None:
        """Build an event; ``type`` and ``event_type`` mean the same."""
        self.provider = provider
        self.type: str = (type if type is not None else event_type) or ""
        self.payload: Any = {} if payload is None else payload
        self.id: str = attributes.pop("id", "")
        self.webhook_name: str = attributes.pop("webhook_name", "default")
        self.headers = Headers(attributes.pop("headers", None) or {})
        self.timestamp: datetime | None = attributes.pop("timestamp", None)
        self.verified: bool = attributes.pop("verified", False)
        self.action: str | None = attributes.pop("action", None)
        self.event_id: str | None = attributes.pop("event_id", None)
        self.account: Any = attributes.pop("account", None)
        self.body: bytes = attributes.pop("body", b"")
        self.attempt: int = attributes.pop("attempt", 1)
        for name, value in attributes.items():
            setattr(self, name, value)

    @property
    def event_type(self) -> str:
        """The provider's word for what happened; the same as ``type``."""
        return self.type

    @event_type.setter
    def event_type(self, value: str) -> None:
        self.type = value

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Let type checkers know that middleware may have set any attribute."""

        def __setattr__(self, name: str, value: Any) -> None:
            """Likewise, that it may."""

    def __repr__(self) -> str:
        """Name the event without its payload."""
        return f"WebhookEvent(provider={self.provider!r}, type={self.type!r}, id={self.id!r})"


class WebhookResponse(Mapping[str, Any]):
    """What a handler or a middleware answers to the provider.

    Readable both ways: ``response["success"]``, ``response["data"]["id"]``, ``response.status_code``,
    ``response.json()["id"]``. The body is ``{success, message, data}`` and, where those names are
    free, the data's own keys at the top level.

    A provider that wants an answer of its own form gets *body* instead, exactly: text and bytes as they
    are, anything else as JSON. That is for the mode ``inline``; a queued webhook has answered before.

    >>> WebhookResponse(data={"processed": True}).json()["processed"]
    True
    >>> WebhookResponse(body={"type": 5}).rendered()
    (b'{"type": 5}', 'application/json')
    """

    def __init__(
        self,
        *,
        success: bool = True,
        status_code: int = 200,
        message: str = "",
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str | None = None,
    ) -> None:
        """Build a response.

        Args:
            success: Whether the event was handled.
            status_code: Of the answer.
            message: For people.
            data: Something that JSON can hold; kept with the attempt, also beside a *body*.
            headers: Sent with it.
            body: The exact body instead of the usual JSON: text, bytes, or what JSON can hold.
            content_type: Of *body*; else ``text/plain``, ``application/octet-stream`` or
                ``application/json``, by what it is.

        Raises:
            InvalidInput: *content_type* is none, or is given without *body*.
        """
        if content_type is not None and (body is None or not _CONTENT_TYPE.fullmatch(content_type)):
            message = f"content_type: expected one like `text/xml`, beside a body, and got {content_type!r}."
            raise InvalidInput(message)
        self.success = success
        self.status_code = status_code
        self.message = message
        self.data: dict[str, Any] = dict(data or {})
        self.headers: dict[str, str] = dict(headers or {})
        self.body = body
        self.content_type = content_type

    def rendered(self) -> tuple[bytes, str]:
        """Return *body* as bytes, and its content type.

        Raises:
            TypeError: JSON cannot hold it.
            ValueError: Likewise; or it is text that UTF-8 cannot hold.
        """
        if isinstance(self.body, bytes):
            return self.body, self.content_type or "application/octet-stream"
        if isinstance(self.body, str):
            return self.body.encode(), self.content_type or "text/plain; charset=utf-8"
        return json.dumps(self.body).encode(), self.content_type or "application/json"

    def json(self) -> dict[str, Any]:
        """Return what the response says as a dictionary, which is the body unless one is given."""
        own = {"success": self.success, "message": self.message, "data": self.data}
        return {**self.data, **own}

    def __getitem__(self, name: str) -> Any:
        """Return a part of the body; ``status_code`` too."""
        if name == "status_code":
            return self.status_code
        return self.json()[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names in the body."""
        return iter(self.json())

    def __len__(self) -> int:
        """Count the names in the body."""
        return len(self.json())

    def __repr__(self) -> str:
        """Name the response without its data."""
        return f"WebhookResponse(success={self.success}, status_code={self.status_code})"


def parse_json(body: bytes) -> Any:
    """Parse a JSON body strictly: UTF-8, no NaN, integers exact, nesting bounded, no key twice.

    Raises:
        MalformedRequest: The body is not JSON, or nested too deep; ``DuplicateKeys`` for a repeated key.
    """
    return _parse(body, refuse_repeated_keys)


def parse_kept_json(body: bytes) -> Any:
    """Parse a body that was judged before: of a repeated key the last value, as earlier releases took it.

    Raises:
        MalformedRequest: The body is not JSON, or nested too deep.
    """
    return _parse(body, None)


def _parse(body: bytes, members: Callable[[list[tuple[str, Any]]], Any] | None) -> Any:
    try:
        parsed = json.loads(body.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=members)
    except (ValueError, RecursionError) as error:
        message = "The body is not valid JSON."
        raise MalformedRequest(message) from error
    refuse_deep(body, parsed)
    return parsed


def _no_constant(name: str) -> Any:
    message = f"{name} is not JSON"
    raise ValueError(message)
