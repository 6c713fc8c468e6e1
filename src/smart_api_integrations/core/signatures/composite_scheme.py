"""``any_of`` and ``all_of``: a webhook with several ways of verifying, each enough or all needed. Floor 1.

Rules:

1. ``any_of`` believes the first way that verifies; a way whose secret is not set verifies nothing. What is
   reported where none does is the failure of the way that came furthest: a wrong signature says more than
   the absence of another provider's header.
2. ``all_of`` believes what every way believes; the first of them is the proof, and what the first signs
   that signs anything is what is signed.
3. Each way sees the secrets of its own part only, so that a public key can never be another's secret.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from smart_api_integrations.core.request_view import NO_VARIABLES, RequestView
from smart_api_integrations.core.signatures.scheme import Scheme, Verified
from smart_api_integrations.core.signatures.secrets import Secret
from smart_api_integrations.core.webhook_schema import RawRequest
from smart_api_integrations.errors import SignatureMissing, VerificationFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way of several.

    Attributes:
        part: What its secrets are marked with.
        scheme: How it verifies.
        keyed: Whether it verifies by secrets; without any it is passed over.
    """

    part: str
    scheme: Scheme
    keyed: bool = True

    def own(self, secrets: Sequence[Secret]) -> Sequence[Secret]:
        """Return the secrets of this way and of those inside it."""
        inner = f"{self.part}."
        return [secret for secret in secrets if secret.part == self.part or secret.part.startswith(inner)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOfScheme:
    """Believes a request that one way believes."""

    ways: tuple[Way, ...]
    name: str = "any_of"

    def verify(self, view: RequestView, *, now: datetime, secrets: Sequence[Secret]) -> Verified:
        """Return the first proof.

        Raises:
            VerificationFailed: No way verified; the failure of the one that came furthest.
        """
        failure: VerificationFailed | None = None
        url = view.url
        for way in self.ways:
            own = way.own(secrets)
            if way.keyed and not own:
                continue
            view.timestamp, view.id, view.url = None, None, url  # what another way found is not this one's
            try:
                return way.scheme.verify(view, now=now, secrets=own)
            except VerificationFailed as error:
                if failure is None or isinstance(failure, SignatureMissing):
                    failure = error
        raise failure or SignatureMissing

    def sign(
        self,
        request: RawRequest,
        *,
        now: datetime,
        secrets: Sequence[Secret],
        message_id: str,
        variables: Mapping[str, str] = NO_VARIABLES,
    ) -> RawRequest:
        """Return *request* signed in the first way that there are secrets of.

        Raises:
            InvalidInput: That way cannot be signed for.
        """
        way = next((way for way in self.ways if way.own(secrets)), self.ways[0])
        return way.scheme.sign(
            request, now=now, secrets=way.own(secrets), message_id=message_id, variables=variables
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOfScheme:
    """Believes a request that every way believes."""

    ways: tuple[Way, ...]
    name: str = "all_of"

    def verify(self, view: RequestView, *, now: datetime, secrets: Sequence[Secret]) -> Verified:
        """Return the first way's proof.

        Raises:
            VerificationFailed: One way did not verify.
        """
        found = [way.scheme.verify(view, now=now, secrets=way.own(secrets)) for way in self.ways]
        signed = next((each.signed for each in found if each.signed is not None), None)
        return Verified(proof=found[0].proof, signed=signed)

    def sign(
        self,
        request: RawRequest,
        *,
        now: datetime,
        secrets: Sequence[Secret],
        message_id: str,
        variables: Mapping[str, str] = NO_VARIABLES,
    ) -> RawRequest:
        """Return *request* signed in every way, the first way last: it may sign what the others write.

        Raises:
            InvalidInput: One way cannot be signed for.
        """
        for way in reversed(self.ways):
            request = way.scheme.sign(
                request, now=now, secrets=way.own(secrets), message_id=message_id, variables=variables
            )
        return request
