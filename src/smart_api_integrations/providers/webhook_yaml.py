"""What a ``webhook.yaml`` may hold. Floor 3.

Two vocabularies, one meaning: the block (``verification``, ``extract``, ``body``), and the flat keys of
the first guides (``signing_secret_env``, ``signature_header``), which ``flat_vocabulary`` compiles to
the block. Unknown keys are errors: a misspelt ``tolerence`` must not switch a check off.
"""

from __future__ import annotations

from datetime import UTC, datetime
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, ValidationError

from smart_api_integrations.core.signatures import SCHEMES
from smart_api_integrations.core.signatures.hmac_scheme import ALGORITHMS
from smart_api_integrations.core.signatures.secrets import ENCODINGS
from smart_api_integrations.core.signatures.signature_field import DECODERS
from smart_api_integrations.core.timestamps import UNITS
from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.providers.handshake_yaml import HandshakeBlock, ReplyBlock, handshake_blocks
from smart_api_integrations.providers.yaml_text import read_yaml
from smart_api_integrations.providers.yaml_types import HeaderName, Strict, TemplateText, Variable, one_of

NAME = r"^[a-z0-9][a-z0-9_-]{0,62}$"
"""A provider's or webhook's name: it stands in URLs and in the names of handlers."""


def _check_network(value: str) -> str:
    ip_network(value.strip())
    return value


def _aware(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


NetworkText = Annotated[str, AfterValidator(_check_network)]
Seconds = Annotated[int, Field(ge=0, le=7 * 86_400)]
Moment = Annotated[datetime, AfterValidator(_aware)]


class SecretBlock(Strict):
    """``verification.secret``: which variable, and how the provider writes secrets down."""

    env: Variable | Annotated[list[Variable], Field(min_length=1, max_length=4)] | None = None
    prefix: str | None = None
    encoding: Annotated[str, one_of(ENCODINGS)] | None = None


class PartsBlock(Strict):
    """``verification.signature.list``: how several signatures share one header."""

    separator: Annotated[str, Field(min_length=1)]
    pair: Annotated[str, Field(min_length=1)]
    key: Annotated[str, Field(min_length=1)]


class SignatureBlock(Strict):
    """``verification.signature``: where the signatures are, and how they are written."""

    from_: TemplateText | list[TemplateText] | None = Field(None, alias="from")
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


class VerificationBlock(Strict):
    """``verification``: the scheme and its parameters."""

    scheme: Annotated[str, one_of(SCHEMES)] | None = None
    algorithm: Annotated[str, one_of(ALGORITHMS)] | None = None
    secret: SecretBlock | None = None
    signature: SignatureBlock | None = None
    timestamp: TimestampBlock | None = None
    id: TemplateText | None = None
    signed: TemplateText | None = None


class ExtractBlock(Strict):
    """``extract``: where a request says what it is about."""

    event_type: TemplateText | None = None
    action: TemplateText | None = None
    event_id: TemplateText | None = None
    occurred_at: TemplateText | None = None


class BodyBlock(Strict):
    """``body``: how bodies are read."""

    form_json_field: str | None = None
    max_bytes: Annotated[int, Field(ge=1, le=25 * 2**20)] | None = None


class RateLimitBlock(Strict):
    """``rate_limit``: how many requests are taken."""

    requests_per_minute: Annotated[int, Field(ge=1)]
    burst_limit: Annotated[int, Field(ge=1)] | None = None


class FlatKeys(Strict):
    """The flat vocabulary; at the top of a file the same words begin with ``default_``."""

    verify_signature: bool | None = None
    signing_secret_env: Variable | None = None
    verification_type: str | None = None
    signature_header: HeaderName | None = None
    timestamp_header: HeaderName | None = None
    replay_tolerance: Seconds | None = None
    event_header: HeaderName | None = None


class WebhookBlock(FlatKeys):
    """One webhook."""

    path: Annotated[str, Field(pattern=r"^/[A-Za-z0-9/_.~-]*$")] | None = None
    events: list[str] | None = None
    mode: Literal["inline", "queued"] | None = None
    rate_limit: RateLimitBlock | None = None
    verification: VerificationBlock | None = None
    extract: ExtractBlock | None = None
    body: BodyBlock | None = None
    handshakes: list[HandshakeBlock] | None = None
    response: ReplyBlock | None = None


class Example(Strict):
    """A signed request and what becomes of it.

    Attributes:
        expect: ``accepted``; ``verified``, where only the signature is looked at (a vendor's own test
            vector need not be an event); ``handshake``, where it is answered without an event; or the name
            of the exception that refuses it.
        why: What the example shows.
        environ: Variables that a handshake reads, besides the secret.
        answer: The exact body that a handshake is answered with, where that is to be checked.
    """

    expect: str
    why: str | None = None
    webhook: str = "default"
    secret: str
    now: Moment | None = None
    method: str = "POST"
    query: str = ""
    headers: dict[str, str | list[str]] = Field(default_factory=dict)
    body: str = ""
    event_type: str | None = None
    action: str | None = None
    event_id: str | None = None
    environ: dict[Variable, str] = Field(default_factory=dict)
    answer: str | None = None


class SampleBlock(Strict):
    """A typical event of the provider, as ``webhooks trigger`` sends it.

    Attributes:
        form: Whether the payload is sent as form fields instead of JSON.
    """

    event: str
    action: str | None = None
    payload: dict[str, Any] | list[Any]
    headers: dict[str, str] = Field(default_factory=dict)
    form: bool = False


class ProviderFile(Strict):
    """A whole ``webhook.yaml``.

    Attributes:
        title: The provider's name as people write it.
        documentation: The provider's page on its webhooks.
        checked_against: The libraries whose verdict ours is held against (``tests/oracles``), sorted;
            ``documentation`` for a computation from the provider's page.
    """

    title: str | None = None
    documentation: str | None = None
    checked_against: list[str] = Field(default_factory=list)
    webhooks: dict[Annotated[str, Field(pattern=NAME)], WebhookBlock] = Field(default_factory=dict)
    ip_whitelist: list[NetworkText] | None = None
    default_verify_signature: bool | None = None
    default_signing_secret_env: Variable | None = None
    default_verification_type: str | None = None
    default_signature_header: HeaderName | None = None
    default_timestamp_header: HeaderName | None = None
    default_replay_tolerance: Seconds | None = None
    default_event_header: HeaderName | None = None
    default_rate_limit: RateLimitBlock | None = None
    default_mode: Literal["inline", "queued"] | None = None
    examples: list[Example] = Field(default_factory=list)
    samples: list[SampleBlock] = Field(default_factory=list)


def read_provider_file(path: Path) -> ProviderFile:
    """Read and check one ``webhook.yaml``.

    Raises:
        ConfigurationError: It cannot be used; the message names the file and every fault in it, each
            with its key, what was expected, and the nearest known word.
    """
    content = read_yaml(path)
    if not isinstance(content, dict):
        message = f"{path}: expected keys and values (`webhooks:` …), found {type(content).__name__}."
        raise ConfigurationError(message)
    try:
        return ProviderFile.model_validate(content)
    except ValidationError as error:
        faults = "\n".join(f"  {_explain(fault)}" for fault in error.errors(include_url=False))
        message = f"{path} cannot be used:\n{faults}"
        raise ConfigurationError(message) from error


def _explain(fault: Any) -> str:
    place = ".".join(str(part) for part in fault["loc"] if not str(part).startswith(("function-", "list[")))
    text = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        near = get_close_matches(str(fault["loc"][-1]), _words(), n=1)
        text = "this key is unknown" + (f", did you mean {near[0]!r}?" if near else "")
    return f"{place}: {text}"


def _words() -> set[str]:
    blocks = (
        SecretBlock,
        SignatureBlock,
        PartsBlock,
        TimestampBlock,
        ExtractBlock,
        BodyBlock,
        RateLimitBlock,
    )
    models: list[type[BaseModel]] = [
        ProviderFile,
        WebhookBlock,
        VerificationBlock,
        Example,
        SampleBlock,
        *blocks,
        *handshake_blocks,
    ]
    return {field.alias or name for model in models for name, field in model.model_fields.items()}
