"""What a ``webhook.yaml`` may hold. Floor 3.

Two vocabularies, one meaning: the block (``verification``, ``extract``, ``body``), and the flat keys of
the first guides (``signing_secret_env``, ``signature_header``), which ``flat_vocabulary`` compiles to
the block. Unknown keys are errors: a misspelt ``tolerence`` must not switch a check off.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, Field, ValidationError

from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.providers.handshake_yaml import HandshakeBlock, ReplyBlock
from smart_api_integrations.providers.publish_yaml import Entries
from smart_api_integrations.providers.verification_yaml import VerificationBlock
from smart_api_integrations.providers.yaml_text import line_of, read_yaml
from smart_api_integrations.providers.yaml_types import (
    BY_SHAPE,
    Block,
    HeaderName,
    Moment,
    NetworkText,
    Seconds,
    Strict,
    TemplateText,
    Text,
    Variable,
    one_of,
)

NAME = r"^[a-z0-9][a-z0-9_-]{0,62}$"
"""A provider's or webhook's name: it stands in URLs and in the names of handlers."""


class ExtractBlock(Strict):
    """``extract``: where a request says what it is about."""

    event_type: TemplateText | None = None
    action: TemplateText | None = None
    event_id: TemplateText | None = None
    occurred_at: TemplateText | None = None
    payload: TemplateText | None = None
    account: TemplateText | None = None


class BodyBlock(Strict):
    """``body``: how bodies are read."""

    form_json_field: str | None = None
    max_bytes: Annotated[int, Field(ge=1, le=25 * 2**20)] | None = None


class DedupeBlock(Strict):
    """``dedupe``: what beside the event's id tells a repeated event: the signed bytes, or nothing."""

    fallback: Literal["signed", "none"]


class BatchBlock(Strict):
    """``batch``: where the events are, of a provider that sends several in one request.

    Attributes:
        items: ``json:`` and the path of their list; ``json:`` alone where the body is the list. Needed,
            unless a preset has it.
        each: The path of the event within an item of the list.
        max: The most events of one request.
        verify: ``each`` where every event carries its own signature.
    """

    items: Annotated[str, Field(pattern=r"^json:[^{}\s]*$")] | None = None
    each: Annotated[str, Field(min_length=1)] | None = None
    max: Annotated[int, Field(ge=1, le=10_000)] | None = None
    verify: Annotated[str, one_of(("request", "each"))] | None = None


class PublicUrlBlock(Strict):
    """``public_url: {env: NAME}``: the variable that holds it, where it is set."""

    env: Variable


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
    public_url: (
        Annotated[
            Annotated[str, Field(pattern=r"^https?://[^?#\s]+$"), Text] | Annotated[PublicUrlBlock, Block],
            BY_SHAPE,
        ]
        | None
    ) = None
    events: list[str] | None = None
    mode: Literal["inline", "queued"] | None = None
    rate_limit: RateLimitBlock | None = None
    verification: VerificationBlock | None = None
    extract: ExtractBlock | None = None
    body: BodyBlock | None = None
    dedupe: DedupeBlock | None = None
    batch: BatchBlock | None = None
    handshakes: list[HandshakeBlock] | None = None
    response: ReplyBlock | None = None
    publish: dict[Annotated[str, Field(min_length=1, max_length=128)], Entries] | None = None


class Example(Strict):
    """A signed request and what becomes of it.

    Attributes:
        expect: ``accepted``; ``verified``, where only the signature is looked at (a vendor's own test
            vector need not be an event); ``handshake``, where it is answered without an event; or the name
            of the exception that refuses it.
        why: What the example shows.
        secret: The webhook's main secret.
        environ: Further variables: other secrets, what ``{env:NAME}`` and handshakes read.
        public_url: The URL that the provider called, where it signs it.
        answer: The exact body that a handshake is answered with, where that is to be checked.
        fetched: What the address of the key answers with, where it is fetched.
        trusted: The authorities, in PEM, that vouch for a certificate.
    """

    expect: str
    why: str | None = None
    webhook: str = "default"
    secret: str | None = None
    environ: dict[Variable, str] = Field(default_factory=dict)
    public_url: str | None = None
    now: Moment | None = None
    method: str = "POST"
    query: str = ""
    headers: dict[str, str | list[str]] = Field(default_factory=dict)
    body: str = ""
    event_type: str | None = None
    action: str | None = None
    event_id: str | None = None
    answer: str | None = None
    fetched: str | None = None
    trusted: str | None = None


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
            with its line and key, what was expected, and the nearest known word.
    """
    content = read_yaml(path)
    if not isinstance(content, dict):
        message = f"{path}: expected keys and values (`webhooks:` …), found {type(content).__name__}."
        raise ConfigurationError(message)
    try:
        return ProviderFile.model_validate(content)
    except ValidationError as error:
        faults = sorted(
            (line_of(path, fault["loc"]), _explain(fault)) for fault in error.errors(include_url=False)
        )
        told = "\n".join(f"  line {line}, {text}" for line, text in faults)
        message = f"{path} cannot be used:\n{told}"
        raise ConfigurationError(message) from error


def _explain(fault: Any) -> str:
    place = ".".join(str(part) for part in fault["loc"] if not str(part).startswith(("function-", "(")))
    text = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        near = get_close_matches(str(fault["loc"][-1]), set(_words(ProviderFile, set())), n=1)
        text = "this key is unknown" + (f", did you mean {near[0]!r}?" if near else "")
    return f"{place}: {text}"


def _words(model: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[str]:
    """Yield every key that a file may hold, in whatever block."""
    seen.add(model)
    for name, field in model.model_fields.items():
        yield field.alias or name
        for inner in _models(field.annotation):
            if inner not in seen:
                yield from _words(inner, seen)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
