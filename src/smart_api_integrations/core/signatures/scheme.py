"""What a signature scheme is, and what it finds out. Floor 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Protocol

from smart_api_integrations.core.journal import Proof
from smart_api_integrations.core.records import record
from smart_api_integrations.core.request_view import NO_VARIABLES, RequestView
from smart_api_integrations.core.signatures.secrets import Secret
from smart_api_integrations.core.webhook_schema import RawRequest


@record
class Verified:
    """A request that verified.

    Attributes:
        proof: Why it was believed.
        signed: The bytes under the signature, for deduplication; None where nothing is signed.
    """

    proof: Proof
    signed: bytes | None = field(repr=False)


class Scheme(Protocol):
    """One way of proving that a request is from who it says."""

    @property
    def name(self) -> str:
        """The scheme's key in ``SCHEMES``."""

    def verify(self, view: RequestView, *, now: datetime, secrets: Sequence[Secret]) -> Verified:
        """Return the proof.

        Pure, and total over hostile input: whatever bytes the request holds, it returns or it raises
        ``VerificationFailed``. Leaves the signed time and message id on *view* for the extraction.

        Raises:
            VerificationFailed: One of its subclasses, by what is wrong.
        """

    def sign(
        self,
        request: RawRequest,
        *,
        now: datetime,
        secrets: Sequence[Secret],
        message_id: str,
        variables: Mapping[str, str] = NO_VARIABLES,
    ) -> RawRequest:
        """Return *request* with what makes it verify: the sender's side, for samples and tests.

        Raises:
            InvalidInput: The scheme has no sender's side that we could play.
        """
