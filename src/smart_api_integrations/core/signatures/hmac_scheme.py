"""``scheme: hmac``: a keyed hash over a text that a template describes. Floor 1.

Order of the checks: the signature must be there and in form, the time must be there and in form, then
the signature must match, then the time must lie in the window. So ``TimestampTooOld`` means that the
sender is genuine and late (or a clock is wrong), and a forged time is a ``SignatureMismatch``.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache

from smart_api_integrations.core.digests import hmac_digest
from smart_api_integrations.core.journal import Proof
from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.signatures.scheme import Verified
from smart_api_integrations.core.signatures.secrets import Secret
from smart_api_integrations.core.signatures.signature_field import (
    SignatureField,
    TimestampField,
    header_name,
    read_or_refuse,
)
from smart_api_integrations.core.templates import Template, compile_template
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import InvalidInput, SignatureMalformed, SignatureMismatch

ALGORITHMS: Mapping[str, int] = {name: hashlib.new(name).digest_size for name in ("sha1", "sha256", "sha512")}
"""The algorithms, each with the length of its digest in bytes."""

MOST_SECRETS = 8
_BODY = compile_template("{body}")


@dataclass(frozen=True, slots=True, kw_only=True)
class HmacScheme:
    """HMAC of a described text, under one of several secrets.

    Attributes:
        algorithm: A key of ``ALGORITHMS``; the request never chooses it.
        signature: Where the signatures are.
        timestamp: Where the signed time is, or None where the provider signs none.
        id: Where the message id is, or None; demanded where ``signed`` reads it.
        signed: The text that is signed.
    """

    algorithm: str = "sha256"
    signature: SignatureField
    timestamp: TimestampField | None = None
    id: Template | None = None
    signed: Template = _BODY
    name: str = "hmac"

    def verify(self, view: RequestView, *, now: datetime, secrets: Sequence[Secret]) -> Verified:
        """Return the proof; see :class:`~smart_api_integrations.core.signatures.scheme.Scheme`.

        Raises:
            VerificationFailed: One of its subclasses, by what is wrong.
        """
        values = self.signature.read_values(view)
        moment = None
        if self.timestamp is not None:
            view.timestamp, moment = self.timestamp.read(view, self.signature, values)
        if self.id is not None:
            view.id = read_or_refuse(self.id, view, SignatureMalformed)
        candidates = self.signature.candidates(values, digest_size=ALGORITHMS[self.algorithm])
        signed = self._signed_bytes(view)
        index = self._matching_secret(signed, candidates, secrets)
        if self.timestamp is not None and moment is not None:
            self.timestamp.judge(moment, now=now)
        return Verified(proof=self._proof(secrets[index].name, index, moment), signed=signed)

    def sign(
        self, request: RawRequest, *, now: datetime, secret: Secret, message_id: str
    ) -> Mapping[str, str]:
        """Return the headers that make *request* verify.

        Raises:
            InvalidInput: The signature is not in a header, or the signed text cannot be made.
        """
        headers: dict[str, str] = {}
        view = RequestView(request)
        time = "" if self.timestamp is None else self.timestamp.write(now)
        if self.id is not None:
            headers[header_name(self.id)] = message_id
        if self.timestamp is not None and self.timestamp.source is not None:
            headers[header_name(self.timestamp.source)] = time
        view = RequestView(replace(request, headers=Headers([*_pairs(request.headers, headers)])))
        view.timestamp, view.id = time.encode(), message_id.encode()
        signed = self.signed.render(view)
        if signed is None:
            message = f"The request lacks something that is signed: {self.signed}."
            raise InvalidInput(message)
        part = None if self.timestamp is None or self.timestamp.part is None else (self.timestamp.part, time)
        digest = hmac_digest(secret.key, signed, self.algorithm)
        return {**headers, **self.signature.write(digest, timestamp_part=part)}

    def _proof(self, secret_name: str, index: int, moment: datetime | None) -> Proof:
        if self.timestamp is None:
            return _untimed_proof(self.name, self.algorithm, secret_name, index=index)
        return Proof(
            scheme=self.name,
            algorithm=self.algorithm,
            secret_name=secret_name,
            secret_index=index,
            secrets_tried=index + 1,
            timestamp=moment,
            tolerance=self.timestamp.tolerance,
        )

    def _signed_bytes(self, view: RequestView) -> bytes:
        signed = read_or_refuse(self.signed, view, SignatureMalformed)
        if signed is None:
            message = f"The request lacks something that is signed: {self.signed}."
            raise SignatureMalformed(message)
        return signed

    def _matching_secret(self, signed: bytes, candidates: Sequence[bytes], secrets: Sequence[Secret]) -> int:
        for index, secret in enumerate(secrets[:MOST_SECRETS]):
            digest = hmac_digest(secret.key, signed, self.algorithm)
            for candidate in candidates:
                if hmac.compare_digest(digest, candidate):
                    return index
        message = (
            f"No secret makes the signature that the request carries; tried {len(secrets[:MOST_SECRETS])}."
        )
        raise SignatureMismatch(message)


@cache  # one for each secret that is configured: making it anew costs a tenth of a verification
def _untimed_proof(scheme: str, algorithm: str, secret_name: str, *, index: int) -> Proof:
    return Proof(
        scheme=scheme,
        algorithm=algorithm,
        secret_name=secret_name,
        secret_index=index,
        secrets_tried=index + 1,
    )


def _pairs(known: Headers, added: Mapping[str, str]) -> list[tuple[str, str]]:
    kept = [(name, value) for name in known for value in known.get_all(name)]
    lowered = {name.lower() for name in added}
    return [pair for pair in kept if pair[0].lower() not in lowered] + list(added.items())
