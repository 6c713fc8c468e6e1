"""Every exception that this package raises, floor 0.

The class says whose fault it is and whether to try again::

    WebhooksError
    ├── ConfigurationError          ours, found at start: the message says what to change
    │   └── SecretMissing           a webhook's secret is not set
    ├── RequestRejected             the sender's: answered with ``status_hint``, never retried by us
    │   ├── VerificationFailed      401: nothing was changed
    │   │   ├── SignatureMissing
    │   │   ├── SignatureMalformed
    │   │   ├── SignatureMismatch
    │   │   ├── TimestampMissing
    │   │   ├── TimestampMalformed
    │   │   ├── TimestampTooOld
    │   │   ├── TimestampInFuture
    │   │   ├── HandshakeRefused
    │   │   ├── AddressNotAllowed
    │   │   └── VerifierRaised      the user's own verifier raised: its log line says what
    │   ├── KeyUnavailable          503: the key could not be fetched; the sender is to try again
    │   ├── MalformedRequest        400
    │   │   └── DuplicateKeys       an object of its JSON says one key twice
    │   ├── UnknownWebhook          404
    │   ├── MethodNotAllowed        405
    │   ├── BodyTooSlow             408
    │   ├── BodyTooLarge            413
    │   ├── TooManyRequests         429
    │   ├── HttpsRequired           403
    │   └── TooBusy                 503
    ├── InvalidInput                a caller's: bad URL, bad header name, unknown id
    │   ├── NotFound
    │   ├── NotKnown                401: nobody said who asks
    │   ├── NotAllowed              403: a scope is missing
    │   ├── ExpressionError         an expression is not CEL, or does not fit what it is given
    │   └── IdempotencyConflict     409: the key was used for another content
    ├── HandlerError                a handler's
    │   ├── Retry                   raise or return it: try again, at a time of your choice
    │   ├── Skip                    raise or return it: nothing to do for this event
    │   └── Dead                    raise or return it: do not try again
    ├── DeliveryError               an endpoint's or the network's, with its stage
    │   └── AddressBlocked          the endpoint's address is one that we never call
    └── StorageUnavailable          the store's: nothing was written, try again

A message says what, which, and what to do; it never holds a secret or a body.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import ClassVar, Self


class WebhooksError(Exception):
    """Something in smart-api-integrations went wrong."""

    def __init__(self, message: str | None = None) -> None:
        """Take *message*, or the class's own sentence where there is none."""
        super().__init__(message or (type(self).__doc__ or "").strip().splitlines()[0])


class ConfigurationError(WebhooksError):
    """The configuration cannot be used."""


class SecretMissing(ConfigurationError):
    """A webhook's secret is not set."""


class RequestRejected(WebhooksError):
    """The request was not accepted."""

    status_hint: ClassVar[int] = 400

    @property
    def reason(self) -> str:
        """The reason as a stable word for telemetry and the dashboard: ``signature_mismatch``."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()


class VerificationFailed(RequestRejected):
    """The request could not be verified."""

    status_hint = 401


class SignatureMissing(VerificationFailed):
    """The request carries no signature where one is demanded."""


class SignatureMalformed(VerificationFailed):
    """The request's signature is not in the form that the provider documents."""


class SignatureMismatch(VerificationFailed):
    """No secret makes the signature that the request carries."""


class TimestampMissing(VerificationFailed):
    """The request carries no timestamp where one is demanded."""


class TimestampMalformed(VerificationFailed):
    """The request's timestamp is not in the form that the provider documents."""


class TimestampTooOld(VerificationFailed):
    """The request was signed too long ago: it may be a replay of an old one."""


class TimestampInFuture(VerificationFailed):
    """The request says that it was signed in the future: one of the two clocks is wrong."""


class HandshakeRefused(VerificationFailed):
    """The request is none of the handshakes that this webhook answers."""


class AddressNotAllowed(VerificationFailed):
    """The request comes from an address that is not on the webhook's `ip_whitelist`."""


class VerifierRaised(VerificationFailed):
    """The webhook's own verifier raised instead of saying yes or no."""


class KeyUnavailable(RequestRejected):
    """The key that the request must be verified with could not be fetched."""

    status_hint = 503


class MalformedRequest(RequestRejected):
    """The request cannot be read."""

    def __init__(self, message: str | None = None, *, verified: bool = False) -> None:
        """Say whether the request had verified before it turned out that it cannot be read."""
        super().__init__(message)
        self.verified = verified

    def once_verified(self) -> Self:
        """Return the same fault of a request that had verified."""
        return type(self)(str(self), verified=True)


class DuplicateKeys(MalformedRequest):
    """An object in the body's JSON says one key twice: readers differ in which of the two counts."""


class UnknownWebhook(RequestRejected):
    """No webhook is known under this address."""

    status_hint = 404


class MethodNotAllowed(RequestRejected):
    """This address takes another method."""

    status_hint = 405

    def __init__(self, message: str | None = None, *, allowed: tuple[str, ...] = ("POST",)) -> None:
        """Say which methods are *allowed*."""
        super().__init__(message or f"This address takes {', '.join(allowed)}.")
        self.allowed = allowed


class BodyTooSlow(RequestRejected):
    """The request's body did not arrive in time."""

    status_hint = 408


class BodyTooLarge(RequestRejected):
    """The request's body is larger than is allowed."""

    status_hint = 413


class TooManyRequests(RequestRejected):
    """Too many requests came in a short time."""

    status_hint = 429

    def __init__(self, message: str | None = None, *, retry_after: int = 60) -> None:
        """Say in how many seconds to try again."""
        super().__init__(message)
        self.retry_after = max(1, retry_after)


class HttpsRequired(RequestRejected):
    """The request did not come over HTTPS."""

    status_hint = 403


class TooBusy(RequestRejected):
    """Too many bodies are arriving at once."""

    status_hint = 503


class InvalidInput(WebhooksError):
    """The value cannot be used."""

    @classmethod
    def at(cls, *, field: str, found: str, expected: str) -> Self:
        """Say which *field* is at fault, what was found there (no secret), and what is expected."""
        return cls(f"{field}: found {found}; expected {expected}")


class NotFound(InvalidInput):
    """Nothing is known under this id."""


class ExpressionError(InvalidInput):
    """The expression cannot be used."""


class NotKnown(InvalidInput):
    """The API and the dashboard answer nobody of whom they are not told who it is."""


class NotAllowed(InvalidInput):
    """This may not be done with the key that was shown."""

    @classmethod
    def without(cls, scope: str) -> Self:
        """Say which *scope* is missing."""
        return cls(f"This needs the scope {scope}, which your key has not.")


class IdempotencyConflict(InvalidInput):
    """The idempotency key was used for another content."""


class HandlerError(WebhooksError):
    """The handler did not complete."""


class Retry(HandlerError):
    """The handler asks to be run again."""

    def __init__(self, message: str | None = None, *, after: timedelta | float | None = None) -> None:
        """Ask for another run, ``after`` a time (seconds or timedelta) or else on the schedule."""
        super().__init__(message)
        self.after = timedelta(seconds=after) if isinstance(after, (int, float)) else after


class Skip(HandlerError):
    """The handler has nothing to do for this event."""


class Dead(HandlerError):
    """The handler asks not to be run again for this event."""


class DeliveryError(WebhooksError):
    """The delivery did not reach its endpoint."""

    def __init__(self, message: str | None = None, *, stage: str = "send", code: str = "error") -> None:
        """Say at which *stage* it failed (``resolve``, ``connect``, ``tls``, ``send``, ``response``).

        *code* is the reason as a stable word: ``address_blocked``, ``timeout``.
        """
        super().__init__(message)
        self.stage = stage
        self.code = code


class AddressBlocked(DeliveryError):
    """The endpoint's address is not one that may be called."""

    def __init__(self, message: str | None = None) -> None:
        """Say which rule blocked it; never the address that a name resolved to."""
        super().__init__(message, stage="resolve", code="address_blocked")


class StorageUnavailable(WebhooksError):
    """The store cannot be reached; nothing was written."""
