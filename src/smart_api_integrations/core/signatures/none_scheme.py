"""``scheme: none``: no verification, written out on purpose. Floor 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from smart_api_integrations.core.journal import Proof
from smart_api_integrations.core.request_view import NO_VARIABLES, RequestView
from smart_api_integrations.core.signatures.scheme import Verified
from smart_api_integrations.core.signatures.secrets import Secret
from smart_api_integrations.core.webhook_schema import RawRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class NoneScheme:
    """Believes every request; start-up warns of it and the dashboard shows it."""

    name: str = "none"

    def verify(self, view: RequestView, *, now: datetime, secrets: Sequence[Secret]) -> Verified:
        """Return a proof that proves nothing; raises nothing."""
        return Verified(proof=Proof(scheme=self.name), signed=None)

    def sign(
        self,
        request: RawRequest,
        *,
        now: datetime,
        secrets: Sequence[Secret],
        message_id: str,
        variables: Mapping[str, str] = NO_VARIABLES,
    ) -> RawRequest:
        """Return *request* as it is; raises nothing."""
        return request
