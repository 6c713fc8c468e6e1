"""A signature over a text that templates describe: what ``hmac`` and ``asymmetric`` have in common. Floor 1.

Order of the checks: the signature must be there and in form, the time must be there and in form, then
the signature must match, then what is required beside it, then the time must lie in the window. So
``TimestampTooOld`` means that the sender is genuine and late (or a clock is wrong), and a forged time is a
``SignatureMismatch``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Protocol

from smart_api_integrations.core.conditions import ALWAYS, Condition
from smart_api_integrations.core.journal import Proof
from smart_api_integrations.core.placing import place
from smart_api_integrations.core.request_view import NO_VARIABLES, RequestView
from smart_api_integrations.core.signatures.scheme import Verified
from smart_api_integrations.core.signatures.secrets import Secret
from smart_api_integrations.core.signatures.signature_field import (
    SignatureField,
    TimestampField,
    read_or_refuse,
)
from smart_api_integrations.core.signatures.signed_text import (
    AlgorithmChoice,
    SignedText,
    choose,
    demand,
    url_variants,
)
from smart_api_integrations.core.templates import Template, compile_template
from smart_api_integrations.core.webhook_schema import RawRequest
from smart_api_integrations.errors import InvalidInput, SignatureMalformed, SignatureMismatch

MOST_SECRETS = 8
_BODY = SignedText(template=compile_template("{body}"))


class Mathematics(Protocol):
    """What one family of algorithms computes."""

    @property
    def name(self) -> str:
        """The scheme's key in ``SCHEMES``."""

    @property
    def sizes(self) -> Mapping[str, int | None]:
        """The algorithms, each with the length of its signatures in bytes; None where it varies."""

    def match(
        self, algorithm: str, signed: bytes, candidates: Sequence[bytes], secrets: Sequence[Secret]
    ) -> int | None:
        """Return the place of the first secret under which a candidate signs *signed*, or None."""

    def make(self, algorithm: str, signed: bytes, secret: Secret) -> bytes:
        """Return the signature of *signed*.

        Raises:
            ValueError: The secret cannot sign.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedScheme:
    """A signature over a described text, under one of several secrets.

    Attributes:
        mathematics: How signatures are computed.
        algorithm: The algorithm, unless ``choice`` reads it.
        choice: Where the request names one of several allowed algorithms, or None.
        signature: Where the signatures are.
        timestamp: Where the signed time is, or None where the provider signs none.
        id: Where the message id is, or None; demanded where ``signed`` reads it.
        signed: The texts that may be signed; the first that fits the request is.
        url_variants: Other spellings of the configured URL that are tried.
        require: What must hold beside the signature.
    """

    mathematics: Mathematics
    algorithm: str
    choice: AlgorithmChoice | None = None
    signature: SignatureField
    timestamp: TimestampField | None = None
    id: Template | None = None
    signed: tuple[SignedText, ...] = (_BODY,)
    url_variants: tuple[str, ...] = ()
    require: Condition = ALWAYS

    @property
    def name(self) -> str:
        """The scheme's key in ``SCHEMES``."""
        return self.mathematics.name

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
        algorithm = self.algorithm if self.choice is None else self.choice.read(view)
        candidates = self.signature.candidates(values, digest_size=self.mathematics.sizes[algorithm])
        text = self.signed[0] if len(self.signed) == 1 else choose(self.signed, view)
        signed, index = self._match(view, text, algorithm, candidates=candidates, secrets=secrets)
        if text.require.lines:
            demand(text.require, view)
        if self.require.lines:
            demand(self.require, view)
        if self.timestamp is not None and moment is not None:
            self.timestamp.judge(moment, now=now)
        proof = self._proof(secrets[index].name, index, algorithm, moment=moment)
        return Verified(proof=proof, signed=signed)

    def key_id(self, view: RequestView) -> None:
        """Return None: a signature does not name its key.

        Raises:
            VerificationFailed: There is no signature in form.
        """
        values = self.signature.read_values(view)
        if self.timestamp is not None:
            self.timestamp.read(view, self.signature, values)

    def sign(
        self,
        request: RawRequest,
        *,
        now: datetime,
        secrets: Sequence[Secret],
        message_id: str,
        variables: Mapping[str, str] = NO_VARIABLES,
    ) -> RawRequest:
        """Return *request* signed: with what makes it verify, where the provider puts it.

        Raises:
            InvalidInput: It has no place for the signature, or the signed text cannot be made.
        """
        part = None
        time = None if self.timestamp is None else self.timestamp.write(now)
        if self.timestamp is not None and time is not None:
            if self.timestamp.source is not None:
                request = place(request, self.timestamp.source, time)
            elif self.timestamp.part is not None:
                part = (self.timestamp.part, time)
        if self.id is not None:
            request = place(request, self.id, message_id)
        view = RequestView(request, variables=variables)
        text = choose(self.signed, view)
        absent = [line for line in self.require.lines if _is_absent_header(line.subject, view)]
        for line in (*text.require.lines, *absent):
            request = _fulfil(request, line.subject, line.expected, variables)
        view = RequestView(request, variables=variables)
        view.timestamp, view.id = None if time is None else time.encode(), message_id.encode()
        signed = text.template.render(view)
        if signed is None:
            message = f"The request lacks something that is signed: {text.template}."
            raise InvalidInput(message)
        written = self.signature.write(self._make(signed, secrets), timestamp_part=part)
        whole = place(request, self.signature.sources[0], written)
        if whole.body != request.body and text.template.reads("body"):
            message = f"A request cannot be signed here: {self.signature.sources[0]} is in the signed body."
            raise InvalidInput(message)
        return whole

    def _make(self, signed: bytes, secrets: Sequence[Secret]) -> bytes:
        if not secrets:
            message = "A request cannot be signed here: there is no secret to sign with."
            raise InvalidInput(message)
        try:
            return self.mathematics.make(self.algorithm, signed, secrets[0])
        except ValueError as error:
            message = f"{secrets[0].name} cannot sign: it takes the sender's private key."
            raise InvalidInput(message) from error

    def _match(
        self,
        view: RequestView,
        text: SignedText,
        algorithm: str,
        *,
        candidates: Sequence[bytes],
        secrets: Sequence[Secret],
    ) -> tuple[bytes, int]:
        tried = secrets[:MOST_SECRETS]
        for url in url_variants(view.url, self.url_variants) if self.url_variants else (view.url,):
            view.url = url
            signed = read_or_refuse(text.template, view, SignatureMalformed)
            if signed is None:
                message = f"The request lacks something that is signed: {text.template}."
                raise SignatureMalformed(message)
            index = self.mathematics.match(algorithm, signed, candidates, tried)
            if index is not None:
                return signed, index
        message = f"No secret makes the signature that the request carries; tried {len(tried)}."
        raise SignatureMismatch(message)

    def _proof(self, secret_name: str, index: int, algorithm: str, *, moment: datetime | None) -> Proof:
        if self.timestamp is None:
            return _untimed_proof(self.name, algorithm, secret_name, index=index)
        return Proof(
            scheme=self.name,
            algorithm=algorithm,
            secret_name=secret_name,
            secret_index=index,
            secrets_tried=index + 1,
            timestamp=moment,
            tolerance=self.timestamp.tolerance,
        )


def _is_absent_header(subject: Template | None, view: RequestView) -> bool:
    return (
        subject is not None
        and all(each.kind == "header" for each in subject.references)
        and not subject.text(view)
    )


def _fulfil(
    request: RawRequest,
    subject: Template | None,
    expected: tuple[Template, ...],
    variables: Mapping[str, str],
) -> RawRequest:
    """Write what is required where it is required, as the sender does."""
    wanted = expected[0].text(RequestView(request, variables=variables)) if expected else None
    return request if subject is None or wanted is None else place(request, subject, wanted)


@cache  # one for each secret that is configured: making it anew costs a tenth of a verification
def _untimed_proof(scheme: str, algorithm: str, secret_name: str, *, index: int) -> Proof:
    return Proof(
        scheme=scheme,
        algorithm=algorithm,
        secret_name=secret_name,
        secret_index=index,
        secrets_tried=index + 1,
    )
