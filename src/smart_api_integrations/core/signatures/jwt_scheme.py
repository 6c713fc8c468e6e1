"""``scheme: jwt``: the request carries a signed token. Floor 1.

Rules:

1. The configuration fixes the algorithms, or the key does by what it is: a shared secret is HS256, a PEM is
   RS256, ES256 or EdDSA. The token's own word for it is only ever compared, so a public key can never be
   taken for a secret, and ``none`` is nobody's.
2. A token that never ends proves nothing after it was seen once: it must say when it expires, or the
   configuration how old it may be (``max_age``).
3. A claim is compared with what the configuration says, exactly and by kind: the text ``"true"`` is not
   ``true``. A claim that holds a hash of the body binds the body; where none does, start-up warns.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from jwt.algorithms import HMACAlgorithm

from smart_api_integrations.core.conditions import ALWAYS, Condition
from smart_api_integrations.core.journal import Proof
from smart_api_integrations.core.placing import place
from smart_api_integrations.core.request_view import NO_VARIABLES, RequestView
from smart_api_integrations.core.signatures.described_scheme import MOST_SECRETS
from smart_api_integrations.core.signatures.public_keys import algorithm_of_pem, read_public_key
from smart_api_integrations.core.signatures.scheme import Verified
from smart_api_integrations.core.signatures.secrets import Secret
from smart_api_integrations.core.signatures.signature_field import read_or_refuse
from smart_api_integrations.core.signatures.signed_text import demand
from smart_api_integrations.core.templates import Template
from smart_api_integrations.core.webhook_schema import RawRequest
from smart_api_integrations.errors import (
    InvalidInput,
    SignatureMalformed,
    SignatureMismatch,
    SignatureMissing,
    TimestampInFuture,
    TimestampMalformed,
    TimestampMissing,
    TimestampTooOld,
)

KEY_ALGORITHMS: Mapping[str, str] = {
    "RS256": "rsa-pkcs1-sha256",
    "RS512": "rsa-pkcs1-sha512",
    "PS256": "rsa-pss-sha256",
    "ES256": "ecdsa-p256-sha256",
    "ES384": "ecdsa-p384-sha384",
    "EdDSA": "ed25519",
}
"""The algorithms of key pairs, each with its name in ``public_keys.ALGORITHMS``."""

SECRET_ALGORITHMS = ("HS256", "HS384", "HS512")
LONGEST_TOKEN = 16 * 1024
_LONGEST_KEY_ID = 256
_BLANKS = b" \t"

Expected = Template | bool


class _Hmac(HMACAlgorithm):
    """HMAC without the library's own warning: short secrets are told at start, once."""

    def check_key_length(self, key: bytes) -> str | None:
        del key
        return None


def _tokens() -> jwt.PyJWS:
    tokens = jwt.PyJWS(algorithms=[*SECRET_ALGORITHMS, *KEY_ALGORITHMS])
    for name, hashed in zip(SECRET_ALGORITHMS, (_Hmac.SHA256, _Hmac.SHA384, _Hmac.SHA512), strict=True):
        tokens.unregister_algorithm(name)
        tokens.register_algorithm(name, _Hmac(hashed))
    return tokens


_TOKENS = _tokens()


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtScheme:
    """A token that names its issuer and its audience, and perhaps the body's hash.

    Attributes:
        source: Where the token is.
        prefix: What stands before it: ``Bearer ``, in any case.
        prefix_optional: Whether it may be left out.
        algorithms: Those that are taken; empty to let the key decide.
        issuer: What ``iss`` may be; empty for anything.
        audience: What ``aud`` must hold one of; empty for anything.
        claims: What further claims must be.
        leeway: How far the clocks may differ.
        max_age: How long after ``iat`` the token is taken; None where it says itself when it ends.
        require: What must hold beside the token.
        signs_as: The name of the key in tokens that are made here, for samples; None for no name.
    """

    source: Template
    prefix: str = "Bearer "
    prefix_optional: bool = False
    algorithms: tuple[str, ...] = ()
    issuer: tuple[Template, ...] = ()
    audience: tuple[Template, ...] = ()
    claims: Mapping[str, Expected]
    leeway: timedelta = timedelta(seconds=60)
    max_age: timedelta | None = None
    require: Condition = ALWAYS
    signs_as: str | None = None
    name: str = "jwt"

    @property
    def binds_body(self) -> bool:
        """Whether a claim holds something of the body."""
        return any(
            reference.kind.startswith("body") or reference.argument == "body"
            for expected in self.claims.values()
            if isinstance(expected, Template)
            for reference in expected.references
        )

    def verify(self, view: RequestView, *, now: datetime, secrets: Sequence[Secret]) -> Verified:
        """Return the proof; see :class:`~smart_api_integrations.core.signatures.scheme.Scheme`.

        Raises:
            VerificationFailed: One of its subclasses, by what is wrong.
        """
        token = self._token(view)
        index, algorithm, payload = self._match(token, secrets[:MOST_SECRETS])
        claims = _parsed(payload)
        self._compare(claims, view)
        demand(self.require, view)
        moment = self._judge_time(claims, now=now)
        proof = Proof(
            scheme=self.name,
            algorithm=algorithm,
            secret_name=secrets[index].name,
            secret_index=index,
            secrets_tried=index + 1,
            timestamp=moment,
            tolerance=self.max_age,
        )
        return Verified(proof=proof, signed=token + b"\0" + view.body if self.binds_body else None)

    def key_id(self, view: RequestView) -> str | None:
        """Return the name of the key that the token says to be signed with, or None where it names none.

        Raises:
            VerificationFailed: There is no token in form.
        """
        try:
            found = jwt.get_unverified_header(self._token(view)).get("kid")
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            message = "The token is not of the form of one."
            raise SignatureMalformed(message) from error
        return found if isinstance(found, str) and 0 < len(found) <= _LONGEST_KEY_ID else None

    def sign(
        self,
        request: RawRequest,
        *,
        now: datetime,
        secrets: Sequence[Secret],
        message_id: str,
        variables: Mapping[str, str] = NO_VARIABLES,
    ) -> RawRequest:
        """Return *request* with a token of the sender's.

        Raises:
            InvalidInput: There is no key, or a public one only, or a claim cannot be made.
        """
        if not secrets or secrets[0].public:
            message = "A token cannot be signed here: it takes the sender's secret or private key."
            raise InvalidInput(message)
        view = RequestView(request, variables=variables)
        claims: dict[str, Any] = {"iat": int(now.timestamp()), "exp": int(now.timestamp()) + 300}
        claims |= {"nbf": claims["iat"], "jti": message_id}
        for name, templates in (("iss", self.issuer), ("aud", self.audience)):
            if templates:
                claims[name] = templates[0].text(view)
        for name, expected in self.claims.items():
            claims[name] = expected if isinstance(expected, bool) else expected.text(view)
        algorithm = self.algorithms[0] if self.algorithms else "HS256"
        try:
            named = None if self.signs_as is None else {"kid": self.signs_as}
            token = _TOKENS.encode(json.dumps(claims).encode(), secrets[0].key, algorithm, headers=named)
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            message = f"{secrets[0].name} cannot sign a token of {algorithm}."
            raise InvalidInput(message) from error
        return place(request, self.source, self.prefix + token)

    def _token(self, view: RequestView) -> bytes:
        value = (read_or_refuse(self.source, view, SignatureMalformed) or b"").strip(_BLANKS)
        if not value:
            message = f"The request carries no token: looked at {self.source}."
            raise SignatureMissing(message)
        prefix = self.prefix.encode()
        if value[: len(prefix)].lower() == prefix.lower():
            value = value[len(prefix) :].strip(_BLANKS)
        elif not self.prefix_optional:
            message = f"The token does not begin with {self.prefix!r}."
            raise SignatureMalformed(message)
        if (
            len(value) > LONGEST_TOKEN
            or not value.isascii()
            or value.count(b".") != 2
            or not _is_one_way(value)
        ):
            message = "The token is not of the form of one."
            raise SignatureMalformed(message)
        return value

    def _match(self, token: bytes, secrets: Sequence[Secret]) -> tuple[int, str, bytes]:
        for index, secret in enumerate(secrets):
            for key, algorithms in _keys(secret, self.algorithms):
                try:
                    found = _TOKENS.decode_complete(token, key, algorithms=algorithms)
                except jwt.InvalidSignatureError:
                    continue
                except jwt.InvalidAlgorithmError:
                    continue
                except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
                    message = "The token is not of the form of one."
                    raise SignatureMalformed(message) from error
                return index, str(found["header"]["alg"]), found["payload"]
        message = f"No key makes the token that the request carries; tried {len(secrets)}."
        raise SignatureMismatch(message)

    def _compare(self, claims: Mapping[str, Any], view: RequestView) -> None:
        if self.issuer and not _is_one_of(claims.get("iss"), self.issuer, view):
            _refuse_claim("iss")
        audience = claims.get("aud")
        several = audience if isinstance(audience, list) else [audience]
        if self.audience and not any(_is_one_of(each, self.audience, view) for each in several):
            _refuse_claim("aud")
        for name, expected in self.claims.items():
            found = claims.get(name)
            fits = found is expected if isinstance(expected, bool) else _is_one_of(found, (expected,), view)
            if not fits:
                _refuse_claim(name)

    def _judge_time(self, claims: Mapping[str, Any], *, now: datetime) -> datetime | None:
        expires, begins, issued = (_moment(claims, name) for name in ("exp", "nbf", "iat"))
        if expires is None and (self.max_age is None or issued is None):
            message = "The token does not say when it ends (exp), or not when it was made (iat)."
            raise TimestampMissing(message)
        if self.max_age is not None and issued is None:
            message = "The token does not say when it was made (iat)."
            raise TimestampMissing(message)
        too_old = expires is not None and now - self.leeway >= expires  # the end may be that of time
        if self.max_age is not None and issued is not None:
            too_old = too_old or now - issued > self.max_age + self.leeway
        if too_old:
            raise TimestampTooOld
        if any(each is not None and each - now > self.leeway for each in (begins, issued)):
            raise TimestampInFuture
        return issued


def _keys(secret: Secret, algorithms: tuple[str, ...]) -> Sequence[tuple[Any, list[str]]]:
    """Return the key as the library takes it, with the algorithms that it may be used by."""
    if not secret.public:
        shared = [name for name in algorithms or ("HS256",) if name in SECRET_ALGORITHMS]
        return [(secret.key, shared)] if shared else []
    if not algorithms:
        algorithms = (algorithm_of_pem(secret.key),)
    return [
        (read_public_key(secret.key, KEY_ALGORITHMS[name]), [name])
        for name in algorithms
        if name in KEY_ALGORITHMS
    ]


def _is_one_way(token: bytes) -> bool:
    """Tell whether the signature is written in the one way that it can be: unused bits are zero."""
    signature = token.rpartition(b".")[2]
    try:
        digest = urlsafe_b64decode(signature + b"=" * (-len(signature) % 4))
    except ValueError:
        return False
    return bool(signature) and urlsafe_b64encode(digest).rstrip(b"=") == signature


def _parsed(payload: bytes) -> Mapping[str, Any]:
    try:
        claims = json.loads(payload)
    except (ValueError, RecursionError) as error:
        message = "The token's claims are not JSON."
        raise SignatureMalformed(message) from error
    if not isinstance(claims, dict):
        message = "The token holds no claims."
        raise SignatureMalformed(message)
    return claims


def _moment(claims: Mapping[str, Any], name: str) -> datetime | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        message = f"The token's {name} is not a time."
        raise TimestampMalformed(message)
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError) as error:
        message = f"The token's {name} is not a time."
        raise TimestampMalformed(message) from error


def _is_one_of(found: Any, expected: Sequence[Template], view: RequestView) -> bool:
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    if not isinstance(found, str) or not found:
        return False
    text = found.encode("utf-8", "surrogatepass")
    wanted = [read_or_refuse(each, view, SignatureMalformed) for each in expected]
    equal = [bool(each) and hmac.compare_digest(text, each or b"") for each in wanted]
    return any(equal)


def _refuse_claim(name: str) -> None:
    message = f"The token's claim {name!r} is not what the webhook expects."
    raise SignatureMismatch(message)
