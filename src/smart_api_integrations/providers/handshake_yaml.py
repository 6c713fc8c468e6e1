"""``handshakes:`` and ``response:`` of a ``webhook.yaml``, and what they compile to. Floor 3.

What a handshake is and does is told in ``core.handshakes``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, JsonValue, model_validator

from smart_api_integrations.core.allowed_hosts import host_patterns
from smart_api_integrations.core.conditions import PRESENT, Condition, compile_condition
from smart_api_integrations.core.handshakes import (
    ENCODERS,
    Capture,
    Computation,
    Fetch,
    Handshake,
)
from smart_api_integrations.core.replies import Reply, compile_reply
from smart_api_integrations.core.signatures.hmac_scheme import ALGORITHMS
from smart_api_integrations.core.signatures.secrets import SecretForm
from smart_api_integrations.core.templates import Template, compile_template
from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.providers.yaml_types import HeaderName, Strict, TemplateText, Variable, one_of

_METHOD = "method"
_SIGNABLE = frozenset({"query", "header", "json", "form"})
_ComputedName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
_Literal = str | bool | int


class FromVariable(Strict):
    """``{env: NAME}``, the value of a variable; ``{env_list: NAME}``, one of several with commas between."""

    env: Variable | None = None
    env_list: Variable | None = None

    @model_validator(mode="after")
    def _one(self) -> FromVariable:
        if (self.env is None) == (self.env_list is None):
            message = "give either `env` or `env_list`"
            raise ValueError(message)
        return self


class ComputeBlock(Strict):
    """``compute.<name>``: the HMAC of something in the request, under the webhook's own secret or another."""

    hmac: Annotated[str, one_of(ALGORITHMS)]
    of: TemplateText
    encoding: Annotated[str, one_of(ENCODERS)] = "hex"
    prefix: str = ""
    secret: FromVariable | None = None


class CaptureBlock(Strict):
    """``capture``: a token that is kept as the secret that the variable ``name`` would hold."""

    name: Variable
    value: TemplateText


class FetchBlock(Strict):
    """``fetch``: a URL that is called to confirm."""

    url: TemplateText
    allow_hosts: Annotated[list[str], Field(min_length=1)]


class ReplyBlock(Strict):
    """``respond`` and ``response``: an answer in the provider's own form."""

    status: Annotated[int, Field(ge=200, le=299)] | None = None
    content_type: (
        Annotated[str, Field(pattern=r"^[a-z]+/[a-z0-9.+-]+(; ?charset=[A-Za-z0-9-]+)?$")] | None
    ) = None
    headers: dict[HeaderName, str] | None = None
    body: str | None = None
    json_: JsonValue | None = Field(None, alias="json")

    @model_validator(mode="after")
    def _one_body(self) -> ReplyBlock:
        if self.body is not None and self.json_ is not None:
            message = "give either `body` or `json`"
            raise ValueError(message)
        if self.status == 204 and (self.body or self.json_ is not None):
            message = "an answer with status 204 has no body"
            raise ValueError(message)
        return self


class HandshakeBlock(Strict):
    """One entry of ``handshakes``."""

    when: dict[str, _Literal | list[_Literal] | FromVariable]
    verify: bool | None = None
    compute: dict[_ComputedName, ComputeBlock] = Field(default_factory=dict)
    capture: Variable | CaptureBlock | None = None
    fetch: FetchBlock | None = None
    respond: ReplyBlock | None = None
    store: bool = False

    @model_validator(mode="after")
    def _compiles(self) -> HandshakeBlock:
        try:
            compile_handshake(self.model_dump(by_alias=True, exclude_none=True))
        except ConfigurationError as error:
            raise ValueError(str(error)) from error
        return self


handshake_blocks: tuple[type[BaseModel], ...] = (
    FromVariable,
    ComputeBlock,
    CaptureBlock,
    FetchBlock,
    ReplyBlock,
    HandshakeBlock,
)


def compile_handshakes(blocks: Iterable[Mapping[str, Any]]) -> tuple[Handshake, ...]:
    """Compile the checked entries of ``handshakes``.

    Raises:
        ConfigurationError: One of them cannot be what it says.
    """
    return tuple(compile_handshake(block) for block in blocks)


def compile_response(block: Mapping[str, Any] | None) -> Reply | None:
    """Compile a checked ``response`` to the one answer that it is; None where there is none.

    Raises:
        ConfigurationError: It reads from the request.
    """
    return None if block is None else compile_reply(block).fixed()


def compile_handshake(block: Mapping[str, Any]) -> Handshake:
    """Compile one checked entry.

    Raises:
        ConfigurationError: It cannot be what it says.
    """
    method = _method(block["when"])
    verify = block.get("verify", method == "POST")
    if block.get("store") and not verify:
        message = "store: an unverified request is never kept as an event; add `verify: true`."
        raise ConfigurationError(message)
    asked = {subject: wanted for subject, wanted in block["when"].items() if subject != _METHOD}
    when = _condition(asked)
    if method == "POST" and not asked and not verify:
        message = "when: it would answer every request; say what the request must hold."
        raise ConfigurationError(message)
    compute = tuple(_computation(name, inner) for name, inner in block.get("compute", {}).items())
    return Handshake(
        method=method,
        when=when,
        verify=verify,
        respond=compile_reply(block.get("respond", {}), tuple(each.name for each in compute)),
        compute=compute,
        capture=_capture(block.get("capture"), when),
        fetch=_fetch(block.get("fetch"), verify=verify),
        store=block.get("store", False),
    )


def _method(when: Mapping[str, Any]) -> Literal["POST", "GET", "HEAD", "OPTIONS"]:
    method = when.get(_METHOD, "POST")
    if method not in {"POST", "GET", "HEAD", "OPTIONS"}:
        message = f"when.method: {method!r} is none of POST, GET, HEAD, OPTIONS."
        raise ConfigurationError(message)
    return method  # type: ignore[no-any-return]  # checked in the line above


def _condition(asked: Mapping[str, Any]) -> Condition:
    try:
        return compile_condition(asked, resolves=True)
    except ConfigurationError as error:
        message = f"when: {error}."
        raise ConfigurationError(message) from error


def _computation(name: str, block: Mapping[str, Any]) -> Computation:
    secret = block.get("secret")
    return Computation(
        name=name,
        algorithm=block["hmac"],
        of=_signable(name, compile_template(block["of"])),
        encoding=block.get("encoding", "hex"),
        prefix=block.get("prefix", ""),
        secret_form=None if secret is None else SecretForm(names=(secret["env"],)),
    )


def _signable(name: str, of: Template) -> Template:
    """Return *of* if it is one value of the request: what is put together could be what an event signs."""
    is_one = of.source == f"{{{of.source[1:-1]}}}" and not set("{}[]") & set(of.source[1:-1])
    if is_one and all(reference.kind in _SIGNABLE for reference in of.references):
        return of
    message = (
        f"compute.{name}.of: {of.source!r} could be signed as an event is: whoever asks would be given the "
        "signature of an event. Name the token alone, such as `{query:crc_token}` or `{json:plainToken}`."
    )
    raise ConfigurationError(message)


def _capture(block: str | Mapping[str, str] | None, when: Condition) -> Capture | None:
    if block is None:
        return None
    if not isinstance(block, str):
        return Capture(name=block["name"], value=compile_template(block["value"]))
    looked_at = [line.subject for line in when.lines if line.word == PRESENT and line.subject is not None]
    if len(looked_at) != 1:
        message = "capture: say which value, {name: NAME, value: …}; not exactly one condition is `present`."
        raise ConfigurationError(message)
    return Capture(name=block, value=looked_at[0])


def _fetch(block: Mapping[str, Any] | None, *, verify: bool) -> Fetch | None:
    if block is None:
        return None
    if not verify:
        message = "fetch: a URL is called for a request that verified only; add `verify: true`."
        raise ConfigurationError(message)
    return Fetch(url=compile_template(block["url"]), allow_hosts=host_patterns(block["allow_hosts"]))
