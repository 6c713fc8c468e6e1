"""``scheme: custom``: a verifier of the user's own. Floor 1.

Until one is given it refuses every request. Whatever the verifier raises counts as a no: it is fed
hostile bytes, and what it raises on them must not become a server error. But it is a no with a reason of its
own, since it may be a mistake in the verifier that refuses every request, the provider's own too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from smart_api_integrations.core.journal import Proof
from smart_api_integrations.core.request_view import NO_VARIABLES, RequestView
from smart_api_integrations.core.signatures.scheme import Verified
from smart_api_integrations.core.signatures.secrets import Secret
from smart_api_integrations.core.signatures.signature_field import read_or_refuse
from smart_api_integrations.core.templates import Template, compile_template
from smart_api_integrations.core.webhook import WebhookVerifier
from smart_api_integrations.core.webhook_schema import RawRequest
from smart_api_integrations.errors import (
    InvalidInput,
    SignatureMalformed,
    SignatureMismatch,
    VerificationFailed,
    VerifierRaised,
)

GENERIC_SIGNATURE = compile_template("{header:X-Webhook-Signature|header:X-Signature}")
"""Where a provider's signature is that names no header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierScheme:
    """Asks a verifier, once for each secret, newest first.

    Attributes:
        verifier: Asked with the body, the signature ("" where there is none) and the secret as the
            variable holds it; ``headers`` and ``now`` as keywords. Where the webhook has no secret it is
            not asked, for a hash under an empty key is one that anybody can make; a verifier that needs
            none says so by an attribute ``needs_secret = False``, and is asked with "".
        signature: Where the signature is.
    """

    verifier: WebhookVerifier | None = None
    signature: Template = GENERIC_SIGNATURE
    name: str = "custom"

    def verify(self, view: RequestView, *, now: datetime, secrets: Sequence[Secret]) -> Verified:
        """Return the proof that the verifier said True.

        Raises:
            VerificationFailed: There is no verifier, or no secret for one that needs it.
            SignatureMalformed: The signature's header is there twice.
            SignatureMismatch: The verifier said anything but True.
            VerifierRaised: It raised, and said True to no secret.
        """
        if self.verifier is None:
            message = "This webhook's verifier is not set: assign one to processor.verifier."
            raise VerificationFailed(message)
        if not secrets and getattr(self.verifier, "needs_secret", True):
            message = (
                "This webhook has no secret to give its verifier: name one in signing_secret_env, or set "
                "needs_secret = False on a verifier that needs none."
            )
            raise VerificationFailed(message)
        signature = read_or_refuse(self.signature, view, SignatureMalformed) or b""
        texts = [secret.text for secret in secrets] or [""]
        raised: VerifierRaised | None = None
        for index, text in enumerate(texts):
            try:
                is_believed = _says_yes(self.verifier, view, signature=signature, secret=text, now=now)
            except VerifierRaised as error:
                raised = error
                continue
            if is_believed:
                name = secrets[index].name if secrets else None
                proof = Proof(scheme=self.name, secret_name=name, secret_index=index, secrets_tried=index + 1)
                # nobody but the verifier knows what is signed: the same body under another signature is new
                return Verified(proof=proof, signed=signature + b"\0" + view.body)
        raise raised or SignatureMismatch

    def sign(
        self,
        request: RawRequest,
        *,
        now: datetime,
        secrets: Sequence[Secret],
        message_id: str,
        variables: Mapping[str, str] = NO_VARIABLES,
    ) -> RawRequest:
        """Refuse: a verifier only verifies.

        Raises:
            InvalidInput: Always.
        """
        message = (
            "A webhook with a verifier of its own cannot be signed for: send it a request that you signed."
        )
        raise InvalidInput(message)


def _says_yes(
    verifier: WebhookVerifier, view: RequestView, *, signature: bytes, secret: str, now: datetime
) -> bool:
    """Ask *verifier* with one secret.

    Raises:
        VerifierRaised: It raised; the message says what kind of error and where, without its words, which
            may hold a secret or a part of the body.
    """
    text = signature.decode("utf-8", "replace")
    headers = view.request.headers
    try:
        return verifier.verify(view.body, text, secret, headers=headers, now=now) is True
    except Exception as error:  # noqa: BLE001 - the user's own code on hostile bytes: whatever it raises is a no
        message = f"{type(verifier).__name__}.verify raised {type(error).__name__}{_place(error)}."
        raise VerifierRaised(message) from None


def _place(error: Exception) -> str:
    """Return where in the verifier *error* came from, as `` at module:line``; empty where that is unknown."""
    trace = error.__traceback__ and error.__traceback__.tb_next  # the first is our call of it
    if trace is None:
        return ""
    return f" at {trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"
