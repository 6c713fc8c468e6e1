"""Requests that a provider makes to get to know us, answered without an event. Floor 1.

A way in is confirmed by echoing a challenge, by signing a token, by a pong, by a grant. What is asked and
answered is data, in the webhook's ``handshakes:``; here it is decided which one a request is, and what
follows. Nothing is fetched or stored here: a greeting says that it is to be done.

Rules:

1. Only the handshakes of the webhook that the request came to are looked at, in the order written.
2. A handshake with ``verify`` is looked at after the request verified, one without before that. A
   ``POST`` is verified unless its YAML says otherwise; ``GET``, ``HEAD`` and ``OPTIONS`` are not.
3. A condition (``core.conditions``) that needs a variable that is not set never holds: what nobody configured
   is no secret.
4. A request that is none of them is an event where it is a ``POST``, and refused otherwise.
5. What is signed for an answer is one short token, and a text that is one is never believed as an event
   (``InboundWebhook``): else whoever asks would be given the signature of a body of their own.
"""

from __future__ import annotations

import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from smart_api_integrations.core.allowed_hosts import HostPattern, is_allowed_url
from smart_api_integrations.core.conditions import ALWAYS, Condition
from smart_api_integrations.core.digests import hmac_digest
from smart_api_integrations.core.replies import Reply, ReplyForm
from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.signatures.secrets import Secret, SecretForm
from smart_api_integrations.core.templates import Template
from smart_api_integrations.errors import HandshakeRefused, MalformedRequest

METHODS = ("POST", "GET", "HEAD", "OPTIONS")
ENCODERS: Mapping[str, Callable[[bytes], bytes]] = {
    "hex": lambda digest: digest.hex().encode(),
    "base64": b64encode,
    "base64url": urlsafe_b64encode,
}
_LONGEST_CAPTURED = 512
_TOKEN = re.compile(rb"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Computation:
    """A value that is made for the answer: the HMAC of a token in the request.

    Attributes:
        name: How the answer names it.
        algorithm: Of the HMAC.
        of: What is signed, where it is a token (``is_token``).
        encoding: A key of ``ENCODERS``.
        prefix: Put before it.
        secret_form: Where the key is; None for the webhook's own secret.
        secrets: The keys of ``secret_form``, newest first.
    """

    name: str
    algorithm: str
    of: Template
    encoding: str = "hex"
    prefix: str = ""
    secret_form: SecretForm | None = None
    secrets: tuple[Secret, ...] = ()

    def resolved(self, environ: Mapping[str, str]) -> Computation:
        """Return it with its key.

        Raises:
            ConfigurationError: The key cannot be used.
        """
        return self if self.secret_form is None else replace(self, secrets=self.secret_form.read(environ))

    def run(self, view: RequestView, webhook_secrets: Sequence[Secret]) -> bytes:
        """Return the value.

        Raises:
            HandshakeRefused: There is no key, or what would be signed is no token.
        """
        secrets = webhook_secrets if self.secret_form is None else self.secrets
        signed = self.of.render(view)
        if not secrets or not signed:
            raise HandshakeRefused
        if not is_token(signed):
            message = (
                f"What the handshake asks to be signed, {self.of}, is no token of letters, digits, - and _."
            )
            raise HandshakeRefused(message)
        digest = hmac_digest(secrets[0].key, signed, self.algorithm)
        return self.prefix.encode() + ENCODERS[self.encoding](digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """A token that the provider sends once, to be kept as what the variable ``name`` would hold."""

    name: str
    value: Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """A URL in the request that is called to confirm, where its host is one of those allowed."""

    url: Template
    allow_hosts: tuple[HostPattern, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """What a handshake came to.

    Attributes:
        reply: The answer.
        fetch: The URL to call first, or None.
        captured: A variable's name and the token to keep for it, or None.
        is_event: Whether the request is kept as an event too.
    """

    reply: Reply
    fetch: str | None = None
    captured: tuple[str, str] | None = field(default=None, repr=False)
    is_event: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """One entry of ``handshakes:``.

    Attributes:
        method: The request's.
        when: What the request must be, beside its method.
        verify: Whether the request must verify as an event does.
        respond: The answer.
        compute: What is computed for it.
        capture: What is read of it as a secret to be kept; see ``core.captured_key``.
        fetch: What is called before it is answered.
        store: Whether the request is kept as an event too; it must then verify.
    """

    method: str = "POST"
    when: Condition = ALWAYS
    verify: bool = True
    respond: ReplyForm = field(default_factory=ReplyForm)
    compute: tuple[Computation, ...] = ()
    capture: Capture | None = None
    fetch: Fetch | None = None
    store: bool = False

    def resolved(self, environ: Mapping[str, str]) -> Handshake:
        """Return it with what it needs of *environ*.

        Raises:
            ConfigurationError: A variable is set but cannot be used.
        """
        return replace(
            self,
            when=self.when.resolved(lambda name, is_list: _values(name, environ, is_list=is_list)),
            compute=tuple(computation.resolved(environ) for computation in self.compute),
        )

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables without which it is never answered, as far as they are not set."""
        return (*self.when.unresolved, *(each.secret_form.names[0] for each in self.compute
                          if each.secret_form is not None and not each.secrets))  # fmt: skip

    def is_met(self, view: RequestView) -> bool:
        """Tell whether the request of *view* is this handshake; what cannot be read is none."""
        if view.request.method != self.method:
            return False
        try:
            return self.when.holds(view)
        except MalformedRequest:
            return False

    def greet(self, view: RequestView, secrets: Sequence[Secret]) -> Greeting:
        """Return what follows from the request of *view*, which is this handshake.

        Raises:
            MalformedRequest: It lacks what is answered with, or that cannot be sent.
            HandshakeRefused: There is no key to sign with, or the URL to call is not of an allowed host.
        """
        computed = {each.name: each.run(view, secrets) for each in self.compute}
        return Greeting(
            reply=self.respond.render(view, computed),
            fetch=None if self.fetch is None else _allowed(self.fetch, view),
            captured=None if self.capture is None else _captured(self.capture, view),
            is_event=self.store,
        )


def find_greeting(
    handshakes: Sequence[Handshake], view: RequestView, *, verified: bool, secrets: Sequence[Secret]
) -> Greeting | None:
    """Return what the first handshake that the request meets comes to; None where it meets none.

    Args:
        handshakes: The webhook's.
        view: The request.
        verified: Whether it verified; only the handshakes that ask for as much are looked at.
        secrets: The webhook's.

    Raises:
        MalformedRequest: It is one, but cannot be answered.
        HandshakeRefused: Likewise, for want of a key or of an allowed host.
    """
    for handshake in handshakes:
        if handshake.verify is verified and handshake.is_met(view):
            return handshake.greet(view, secrets)
    return None


def _values(variable: str, environ: Mapping[str, str], *, is_list: bool) -> tuple[bytes, ...]:
    """Return what *variable* may be answered with: its value, its old one too, or each word of its list."""
    if is_list:
        words = (word.strip() for word in environ.get(variable, "").split(","))
        return tuple(word.encode() for word in words if word)
    return tuple(secret.key for secret in SecretForm(names=(variable,)).read(environ))


def is_token(text: bytes) -> bool:
    """Tell whether *text* is what a handshake signs: 1 to 128 letters, digits, ``-`` and ``_``.

    No event is one: JSON has braces, a form an equals sign, a signed time a separator.
    """
    return _TOKEN.fullmatch(text) is not None


def methods_of(handshakes: Sequence[Handshake]) -> tuple[str, ...]:
    """Return the methods that a webhook with these handshakes takes, ``POST`` first."""
    asked = {handshake.method for handshake in handshakes} | {"POST"}
    return tuple(method for method in METHODS if method in asked)


def _allowed(fetch: Fetch, view: RequestView) -> str:
    url = fetch.url.text(view) or ""
    if not is_allowed_url(url, fetch.allow_hosts):
        message = "The URL that the handshake asks to be called is not of a host that `allow_hosts` names."
        raise HandshakeRefused(message)
    return url


def _captured(capture: Capture, view: RequestView) -> tuple[str, str]:
    value = capture.value.text(view) or ""
    if not value or len(value) > _LONGEST_CAPTURED or not (value.isascii() and value.isprintable()):
        message = f"The token for {capture.name} is missing, too long, or not plain text."
        raise MalformedRequest(message)
    return capture.name, value
