"""What ``verification:`` may hold in a ``webhook.yaml``. Floor 3.

Unknown keys are errors: a misspelt ``tolerence`` must not switch a check off. What the words mean is in
``docs/how-to/describe-a-signature.md``.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from smart_api_integrations.core.signatures import SCHEMES
from smart_api_integrations.core.signatures.hmac_scheme import ALGORITHMS as HASHES
from smart_api_integrations.core.signatures.jwt_scheme import KEY_ALGORITHMS as KEY_TOKENS
from smart_api_integrations.core.signatures.jwt_scheme import SECRET_ALGORITHMS as SECRET_TOKENS
from smart_api_integrations.core.signatures.public_keys import ALGORITHMS as KEY_ALGORITHMS
from smart_api_integrations.core.signatures.secrets import ENCODINGS
from smart_api_integrations.core.signatures.signature_field import DECODERS
from smart_api_integrations.core.signatures.signed_text import URL_VARIANTS
from smart_api_integrations.core.timestamps import UNITS
from smart_api_integrations.providers.yaml_types import (
    BY_SHAPE,
    Block,
    ConditionBlock,
    Seconds,
    Several,
    Span,
    Strict,
    Templates,
    TemplateText,
    Text,
    Variable,
    Variables,
    one_of,
)

_ALGORITHMS = (*HASHES, *KEY_ALGORITHMS)
TOKEN_ALGORITHMS = (*SECRET_TOKENS, *KEY_TOKENS)
AlgorithmName = Annotated[str, one_of(_ALGORITHMS)]


class VariableBlock(Strict):
    """``{env: NAME}``: the value of a variable."""

    env: Variable


_One = Annotated[Annotated[TemplateText, Text] | Annotated[VariableBlock, Block], BY_SHAPE]
Expected = Annotated[
    Annotated[TemplateText, Text]
    | Annotated[VariableBlock, Block]
    | Annotated[list[_One], Field(min_length=1), Several],
    BY_SHAPE,
]
"""A text or template, ``{env: NAME}``, or a list of these."""
Claim = Annotated[Annotated[bool | TemplateText, Text] | Annotated[VariableBlock, Block], BY_SHAPE]


class SecretBlock(Strict):
    """``verification.secret``: which variable, and how the provider writes secrets down."""

    env: Variables | None = None
    prefix: str | None = None
    encoding: Annotated[str, one_of(ENCODINGS)] | None = None


class KeyBlock(SecretBlock):
    """``verification.key``: where the public key is, and how it is written; or where it is fetched."""

    cert_url: TemplateText | None = None
    jwks_url: TemplateText | None = None
    jwk_url: TemplateText | None = None
    allow_hosts: Annotated[list[str], Field(min_length=1)] | None = None
    chain: Annotated[str, one_of(("system", "host"))] | None = None
    subject_cn: (
        Annotated[
            Annotated[str, Text] | Annotated[list[str], Field(min_length=1), Several],
            BY_SHAPE,
        ]
        | None
    ) = None
    post: Annotated[dict[str, _One], Field(min_length=1)] | None = None
    key_id_field: Annotated[str, Field(min_length=1)] | None = None
    at: str | None = None
    cache: Span | None = None
    refetch_min: Span | None = None


class PartsBlock(Strict):
    """``verification.signature.list``: how several signatures share one header."""

    separator: Annotated[str, Field(min_length=1)]
    pair: Annotated[str, Field(min_length=1)]
    key: Annotated[str, Field(min_length=1)]


class SignatureBlock(Strict):
    """``verification.signature``: where the signatures are, and how they are written."""

    from_: Templates | None = Field(None, alias="from")
    parts: PartsBlock | None = Field(None, alias="list")
    prefix: str | None = None
    prefix_optional: bool | None = None
    encoding: Annotated[str, one_of(DECODERS)] | None = None


class TimestampBlock(Strict):
    """``verification.timestamp``: where the signed time is, and how old it may be."""

    from_: TemplateText | None = Field(None, alias="from")
    part: str | None = None
    unit: Annotated[str, one_of(UNITS)] | None = None
    tolerance: Seconds | None = None
    future: Seconds | None = None


class AlgorithmBlock(Strict):
    """``verification.algorithm`` where the request names it: which words stand for which algorithm."""

    from_: TemplateText = Field(alias="from")
    parts: PartsBlock | None = Field(None, alias="list")
    allow: Annotated[
        Annotated[list[AlgorithmName], Field(min_length=1), Several]
        | Annotated[dict[str, AlgorithmName], Field(min_length=1), Block],
        BY_SHAPE,
    ]
    default: AlgorithmName | None = None


class SignedBlock(Strict):
    """One entry of ``verification.signed``: what is signed, by which requests, and what else must hold."""

    template: TemplateText
    when: ConditionBlock | None = None
    require: ConditionBlock | None = None


class VerificationBlock(Strict):
    """``verification``: the scheme and its parameters, or several ways of verifying."""

    scheme: Annotated[str, one_of(SCHEMES)] | None = None
    any_of: Annotated[list[VerificationBlock], Field(min_length=2, max_length=8)] | None = None
    all_of: Annotated[list[VerificationBlock], Field(min_length=2, max_length=8)] | None = None
    algorithm: (
        Annotated[Annotated[AlgorithmName, Text] | Annotated[AlgorithmBlock, Block], BY_SHAPE] | None
    ) = None
    secret: SecretBlock | None = None
    key: KeyBlock | None = None
    from_: Templates | None = Field(None, alias="from")
    prefix: str | None = None
    prefix_optional: bool | None = None
    basic: bool | None = None
    signature: SignatureBlock | None = None
    timestamp: TimestampBlock | None = None
    id: TemplateText | None = None
    signed: (
        Annotated[
            Annotated[TemplateText, Text] | Annotated[list[SignedBlock], Field(min_length=1), Several],
            BY_SHAPE,
        ]
        | None
    ) = None
    algorithms: Annotated[list[Annotated[str, one_of(TOKEN_ALGORITHMS)]], Field(min_length=1)] | None = None
    issuer: Expected | None = None
    audience: Expected | None = None
    claims: dict[str, Claim] | None = None
    leeway: Seconds | None = None
    max_age: Seconds | None = None
    url_variants: list[Annotated[str, one_of(URL_VARIANTS)]] | None = None
    require: ConditionBlock | None = None
