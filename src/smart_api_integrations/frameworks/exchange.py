"""What adapters of synchronous frameworks have in common: a body that others may have read. Floor 9.

A signature is over the exact bytes. A host application's own parser may have taken them off the socket
before we are asked; then there is no way to know them, and that must not look like a forged signature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.receive.answer import Answer

PIECE_BYTES = 64 * 1024


class BodyConsumed(ConfigurationError):
    """Something read the request's body before its webhook did, so its exact bytes are gone.

    Let no middleware, parser or before-request function of the application read the body of webhooks.
    """

    def __init__(self) -> None:
        """Say what is wrong with the application."""
        super().__init__(
            "Something in the application read the request's body before its webhook did, so the bytes that "
            "were signed are gone: let no middleware or parser read the body of webhooks."
        )


class BodyReader:
    """Reads a request's body in pieces, and notices where somebody else has read it."""

    def __init__(self, read: Callable[[int], bytes], *, stated: str | None) -> None:
        """Read by *read*, which returns nothing at the end; *stated* is the header Content-Length.

        Raises nothing here: see ``__call__``.
        """
        self._read = read
        self._expected = int(stated) if stated and stated.isascii() and stated.isdigit() else 0
        self._found = 0

    def __call__(self) -> tuple[bytes, bool]:
        """Return the next piece, and whether there may be more.

        Raises:
            BodyConsumed: There is nothing, although the sender sent something.
            ConnectionError: The sender hung up before the end.
        """
        try:
            piece = self._read(PIECE_BYTES)
        except ConnectionError as error:
            raise self._ended_early() from error
        self._found += len(piece)
        if not piece and self._found < self._expected:
            raise self._ended_early()
        return piece, bool(piece) and (self._expected == 0 or self._found < self._expected)

    def _ended_early(self) -> Exception:
        """Return what it means that there is no more: of a sender that hung up, something came mostly."""
        return ConnectionResetError() if self._found else BodyConsumed()


def header_pairs(answer: Answer) -> Iterator[tuple[str, str]]:
    """Yield the headers of *answer* but the content's type and length, which a framework sets itself."""
    yield "X-Content-Type-Options", "nosniff"
    yield from answer.headers
