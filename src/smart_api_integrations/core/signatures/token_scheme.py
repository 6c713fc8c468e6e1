"""``scheme: token``: the request carries the secret itself, in a header, the query or the body. Floor 1.

Proves who sent it, and nothing of what was sent: whoever sees one request can send others. Nothing is
signed, so two requests that are alike are two events.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from smart_api_integrations.core.conditions import ALWAYS, Condition
from smart_api_integrations.core.journal import Proof
from smart_api_integrations.core.placing import place
from smart_api_integrations.core.request_view import NO_VARIABLES, RequestView
from smart_api_integrations.core.signatures.described_scheme import MOST_SECRETS
from smart_api_integrations.core.signatures.scheme import Verified
from smart_api_integrations.core.signatures.secrets import Secret
from smart_api_integrations.core.signatures.signature_field import read_values
from smart_api_integrations.core.signatures.signed_text import demand
from smart_api_integrations.core.templates import Template
from smart_api_integrations.core.webhook_schema import RawRequest
from smart_api_integrations.errors import (
    InvalidInput,
    SignatureMalformed,
    SignatureMismatch,
    SignatureMissing,
)

_BASIC = b"basic "
_BLANKS = b" \t"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenScheme:
    """Compares what a request carries with the secrets, in constant time.

    Attributes:
        sources: Where the token may be; the first that is present counts. Of a place with a ``*``
            every value must be the secret.
        prefix: What stands before it: ``Bearer ``. Its case does not matter (RFC 9110, section 11.1).
        prefix_optional: Whether it may be left out.
        basic: Whether it is HTTP Basic authentication; the secret is then ``user:password``.
        require: What must hold beside it.
    """

    sources: tuple[Template, ...]
    prefix: str = ""
    prefix_optional: bool = False
    basic: bool = False
    require: Condition = ALWAYS
    name: str = "token"

    def verify(self, view: RequestView, *, now: datetime, secrets: Sequence[Secret]) -> Verified:
        """Return the proof that the request carries one of *secrets*.

        Raises:
            SignatureMissing: It carries no token.
            SignatureMalformed: The token is there twice, or not in the documented form.
            SignatureMismatch: It is none of the secrets.
        """
        tokens = [self._bare(value) for value in self._values(view)]
        tried = secrets[:MOST_SECRETS]
        for index, secret in enumerate(tried):
            equal = [_equal(token, secret.key) for token in tokens]
            if all(equal):
                demand(self.require, view)
                proof = Proof(
                    scheme=self.name, secret_name=secret.name, secret_index=index, secrets_tried=index + 1
                )
                return Verified(proof=proof, signed=None)
        message = f"No secret is the token that the request carries; tried {len(tried)}."
        raise SignatureMismatch(message)

    def sign(
        self,
        request: RawRequest,
        *,
        now: datetime,
        secrets: Sequence[Secret],
        message_id: str,
        variables: Mapping[str, str] = NO_VARIABLES,
    ) -> RawRequest:
        """Return *request* with the token.

        Raises:
            InvalidInput: It has no place for it.
        """
        if not secrets:
            message = "A request cannot be made here: there is no token to put into it."
            raise InvalidInput(message)
        key = secrets[0].key
        token = b64encode(key).decode() if self.basic else key.decode()
        return place(request, self.sources[0], ("Basic " if self.basic else self.prefix) + token)

    def _values(self, view: RequestView) -> Sequence[bytes]:
        for source in self.sources:
            values = read_values(source, view)
            if not any(value and value.strip(_BLANKS) for value in values):
                continue
            if not all(values):
                message = f"Not every item of the request carries the token: {source}."
                raise SignatureMissing(message)
            return [value or b"" for value in values]
        message = f"The request carries no token: looked at {', '.join(map(str, self.sources))}."
        raise SignatureMissing(message)

    def _bare(self, value: bytes) -> bytes:
        prefix = _BASIC if self.basic else self.prefix.encode()
        if value[: len(prefix)].lower() != prefix.lower():
            if self.prefix_optional and not self.basic:
                return value.strip(_BLANKS)
            message = f"The token does not begin with {prefix.decode()!r}."
            raise SignatureMalformed(message)
        token = value[len(prefix) :].strip(_BLANKS)
        if not self.basic:
            return token
        try:
            return b64decode(token, validate=True)
        except Base64Error as error:
            message = "The credentials are not base64."
            raise SignatureMalformed(message) from error


def _equal(token: bytes, secret: bytes) -> bool:
    # of equal length, so that the time does not tell the secret's
    return hmac.compare_digest(sha256(token).digest(), sha256(secret).digest())
