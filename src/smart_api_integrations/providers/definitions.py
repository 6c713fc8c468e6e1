"""From the files of one provider to its webhooks, before their secrets are known. Floor 3.

What a webhook says is laid over what lies below it, key by key (``flat_vocabulary.lay_over``)::

    the packaged webhook of this name, else the packaged default    the preset
    the user's default         but not its path and not its events
    the file's default_* keys
    the webhook itself

An unknown provider has no preset, unless it names the signature header of a packaged one: then it is
verified as that one is. ``provider`` folders of the user's own have the same name as the packaged
one that they refine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from smart_api_integrations.core.batches import USUAL_MAX, BatchRules
from smart_api_integrations.core.extraction import DEFAULT_EVENT_ID, DEFAULT_EVENT_TYPE, Extraction
from smart_api_integrations.core.inbound_webhook import BodyRules, InboundWebhook, RateLimit
from smart_api_integrations.core.signatures import (
    Scheme,
    SecretForm,
    compile_verification,
    verification_needs,
)
from smart_api_integrations.core.signatures.composite_scheme import AllOfScheme, AnyOfScheme
from smart_api_integrations.core.signatures.described_scheme import DescribedScheme
from smart_api_integrations.core.signatures.fetched_keys import FetchedKeyScheme
from smart_api_integrations.core.signatures.jwt_scheme import JwtScheme
from smart_api_integrations.core.signatures.needs import Needs, named_variables
from smart_api_integrations.core.signatures.scheme_options import signature_sources
from smart_api_integrations.core.source_addresses import parse_networks
from smart_api_integrations.core.templates import Template, compile_template
from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.providers.flat_vocabulary import FLAT_KEYS, Block, generic_signature, lay_over
from smart_api_integrations.providers.handshake_yaml import compile_handshakes, compile_response
from smart_api_integrations.providers.publish_yaml import compile_publish
from smart_api_integrations.providers.webhook_yaml import ProviderFile, SampleBlock, WebhookBlock
from smart_api_integrations.providers.yaml_text import line_of

_DEFAULT = "default"
_NOT_INHERITED = ("path", "events")
# Headers in which unlike providers sign: naming one of them says nothing of how.
_SHARED_HEADERS = frozenset(("authorization", "signature", "x-hub-signature", "x-signature"))
_NO_PRESET: Block = {"verification": {"scheme": "hmac", "algorithm": "sha256"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A webhook without its secrets.

    Attributes:
        webhook: Everything but the secrets.
        needs: Where they are and how they are written, and the variables that it cannot do without.
        variables: Every variable that its templates read.
        public_url: The webhook's own public URL, or the variable that holds it; None where neither is named.
        reads_url: Whether the provider signs the URL.
        origin: The file that it was read from.
        packaged: Whether that file came with the package.
        title: The provider's name as people write it.
        samples: The provider's typical events.
        warnings: What is allowed but should be known.
    """

    webhook: InboundWebhook
    needs: Needs
    variables: tuple[str, ...] = ()
    public_url: str | Mapping[str, str] | None = None
    reads_url: bool = False
    origin: Path
    packaged: bool
    title: str
    samples: tuple[SampleBlock, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def secret_form(self) -> SecretForm | None:
        """The form of its main secret; None where it needs none."""
        return next(iter(self.needs.forms), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFile:
    """A provider's file as it was read.

    Attributes:
        provider: The name of the file's folder.
        path: Where the file is.
        content: What it holds.
    """

    provider: str
    path: Path
    content: ProviderFile


def packaged_definitions(file: ReadFile) -> tuple[Definition, ...]:
    """Return the webhooks of a packaged provider.

    Raises:
        ConfigurationError: The file cannot be used.
    """
    return tuple(
        _define(name, file=file, preset=None, presets={}, packaged=True) for name in file.content.webhooks
    )


def user_definitions(file: ReadFile, *, packaged: Mapping[str, ReadFile]) -> tuple[Definition, ...]:
    """Return the webhooks of a file in the user's own folder, over the packaged ones.

    Raises:
        ConfigurationError: The file cannot be used.
    """
    preset = packaged.get(file.provider)
    names = list(file.content.webhooks)
    if not names:
        if preset is None:
            message = f"{file.path}: there is no webhook in it; add `webhooks: {{default: …}}`."
            raise ConfigurationError(message)
        names = [_DEFAULT]
    return tuple(_define(name, file=file, preset=preset, presets=packaged, packaged=False) for name in names)


def _define(
    name: str,
    *,
    file: ReadFile,
    preset: ReadFile | None,
    presets: Mapping[str, ReadFile],
    packaged: bool,
) -> Definition:
    try:
        layers = list(_own_layers(name, file.content))
        below, notes = _preset(name, layers, preset=preset, presets=presets)
        block = below
        for layer in layers:
            block = lay_over(block, layer)
        files = [read.content for read in (preset, file) if read is not None]
        webhook = replace(
            _build(file.provider, name, block, files),
            publish=compile_publish(block.get("publish"), origin=file.path),
        )
        needs = verification_needs(block["verification"])
    except ConfigurationError as error:
        message = f"{file.path}, line {_line(file.path, name, str(error))}, webhook {name!r}: {error}"
        raise ConfigurationError(message) from error
    where = f"{file.path}, webhook {name!r}: "
    return Definition(
        webhook=webhook,
        needs=needs,
        variables=_variables(block),
        public_url=block.get("public_url"),
        reads_url=_reads_url(block["verification"]),
        origin=file.path,
        packaged=packaged,
        title=next((content.title for content in reversed(files) if content.title), file.provider),
        samples=tuple(sample for content in reversed(files) for sample in content.samples),
        warnings=tuple(where + note for note in (*notes, *_doubts(webhook.scheme, packaged=packaged))),
    )


def _line(path: Path, name: str, fault: str) -> int:
    """Return the line that a fault of the webhook *name* is about: of the key that it names, if it does."""
    words = re.match(r"[a-z_]+(\.\w+)*", fault)
    steps = words[0].split(".") if words else []
    return line_of(path, ("webhooks", name, *(int(step) if step.isdigit() else step for step in steps)))


def _own_layers(name: str, content: ProviderFile) -> Iterable[Block]:
    """Yield what the file itself says of the webhook *name*, the lowest layer first."""
    if name != _DEFAULT and _DEFAULT in content.webhooks:
        inherited = _dump(content.webhooks[_DEFAULT])
        yield {key: value for key, value in inherited.items() if key not in _NOT_INHERITED}
    top = content.model_dump(by_alias=True, exclude_none=True)
    words = (*FLAT_KEYS, "rate_limit", "mode")
    yield {word: top[f"default_{word}"] for word in words if f"default_{word}" in top}
    if name in content.webhooks:
        yield _dump(content.webhooks[name])


def _preset(
    name: str, layers: list[Block], *, preset: ReadFile | None, presets: Mapping[str, ReadFile]
) -> tuple[Block, list[str]]:
    """Return what lies under the file's own layers, and what should be known of it."""
    if preset is not None:
        of_this_name = preset.content.webhooks.get(name)
        block = _dump(of_this_name or preset.content.webhooks[_DEFAULT])
        return (block if of_this_name else {key: block[key] for key in block if key != "path"}), []
    described = {"signature", "scheme", "any_of", "all_of"}
    if any(described & layer.get("verification", {}).keys() for layer in layers):
        return _NO_PRESET, []
    named = next(
        (layer["signature_header"] for layer in reversed(layers) if "signature_header" in layer), None
    )
    known = [] if named is None else _owners(named, presets)
    if not known:
        return {"verification": {**_NO_PRESET["verification"], **generic_signature("sha256")}}, []
    block = _dump(known[0].content.webhooks[_DEFAULT])
    owners = " and ".join(f"{each.provider}'s" for each in known)
    note = f"{named} is {owners} header, so requests are verified as {owners} are"
    return {key: block[key] for key in ("verification", "body") if key in block}, [note]


def _owners(header: str, presets: Mapping[str, ReadFile]) -> list[ReadFile]:
    """Return the packaged providers that sign in *header*; none where it is shared by unlike ones."""
    if header.lower() in _SHARED_HEADERS:
        return []
    claims: dict[str, list[ReadFile]] = {}
    for known in presets.values():
        verification = _dump(known.content.webhooks[_DEFAULT]).get("verification", {})
        if header.lower() in _headers(verification):
            claims.setdefault(json.dumps(_without_names(verification), sort_keys=True), []).append(known)
    return next(iter(claims.values())) if len(claims) == 1 else []


def _headers(verification: Block) -> set[str]:
    """Return the headers, in lower case, in which a packaged provider's signature is."""
    ways = [*verification.get("any_of", ()), *verification.get("all_of", ())]
    found = {header for way in ways for header in _headers(way)}
    if not verification.get("signature", {}).get("from"):
        return found
    sources = signature_sources(verification["signature"])
    return found | {
        ref.argument.lower() for source in sources for ref in source.references if ref.kind == "header"
    }


def _without_names(block: Any) -> Any:
    """Return a verification without its variables: what two providers have in common."""
    if isinstance(block, list):
        return [_without_names(each) for each in block]
    if isinstance(block, dict):
        return {key: _without_names(value) for key, value in block.items() if key != "env"}
    return block


def _build(provider: str, name: str, block: Block, files: list[ProviderFile]) -> InboundWebhook:
    verification = block["verification"]
    extract = block.get("extract", {})
    networks = next((each.ip_whitelist for each in reversed(files) if each.ip_whitelist is not None), [])
    return InboundWebhook(
        provider=provider,
        name=name,
        path=block.get("path"),
        scheme=compile_verification(verification),
        signature=signature_sources(verification.get("signature", {}))[0],
        extraction=Extraction(
            event_type=_template(extract.get("event_type")) or DEFAULT_EVENT_TYPE,
            action=_template(extract.get("action")),
            event_id=_template(extract.get("event_id")) or DEFAULT_EVENT_ID,
            occurred_at=_template(extract.get("occurred_at")),
            payload=_template(extract.get("payload")),
            account=_template(extract.get("account")),
        ),
        body=BodyRules(**block.get("body", {})),
        batch=_batch(block.get("batch")),
        events=tuple(block.get("events", ())),
        mode=block.get("mode"),
        rate_limit=RateLimit(**block["rate_limit"]) if "rate_limit" in block else None,
        allowed_networks=parse_networks(networks),
        documentation=next((each.documentation for each in reversed(files) if each.documentation), None),
        handshakes=compile_handshakes(block.get("handshakes", ())),
        response=compile_response(block.get("response")),
        signed_once=block.get("dedupe", {}).get("fallback") != "none",
    )


def _batch(block: Block | None) -> BatchRules | None:
    if block is None:
        return None
    if "items" not in block:
        message = "batch: say where the list of events is, as in `items: json:events`."
        raise ConfigurationError(message)
    return BatchRules(
        items=block["items"].removeprefix("json:"),
        each=block.get("each"),
        max=block.get("max", USUAL_MAX),
        verify_each=block.get("verify") == "each",
    )


def _variables(block: Block) -> tuple[str, ...]:
    """Return what the templates read of the environment; handshakes look after their own."""
    own = {key: value for key, value in block.items() if key not in {"handshakes", "publish", "response"}}
    return tuple(dict.fromkeys(variable for variable, _ in named_variables(own)))


def _reads_url(block: Any) -> bool:
    if isinstance(block, Mapping):
        return any(_reads_url(key) or _reads_url(value) for key, value in block.items())
    if isinstance(block, list):
        return any(_reads_url(each) for each in block)
    return isinstance(block, str) and "{" in block and compile_template(block).reads("url")


def _doubts(scheme: Scheme, *, packaged: bool) -> Iterable[str]:
    if isinstance(scheme, (AnyOfScheme, AllOfScheme)):
        for way in scheme.ways:
            yield from _doubts(way.scheme, packaged=packaged)
    if isinstance(scheme, FetchedKeyScheme):
        yield from _doubts(scheme.scheme, packaged=packaged)
    if scheme.name == "none":
        yield "its requests are NOT verified (scheme none): whoever knows the address can send events"
    if isinstance(scheme, JwtScheme) and not scheme.binds_body and not packaged:
        yield "no claim of its token binds the body: whoever captures a token can send another body with it"
    if isinstance(scheme, DescribedScheme) and scheme.timestamp is not None and not _signs_its_time(scheme):
        yield "its timestamp is checked but not signed: put {timestamp} into `signed` if it is"


def _signs_its_time(scheme: DescribedScheme) -> bool:
    texts = [each.template for each in scheme.signed]
    if any(text.reads("timestamp") for text in texts):
        return True
    source = None if scheme.timestamp is None else scheme.timestamp.source
    if source is None:
        return False
    if (source.reads("json") or source.reads("form")) and all(text.reads("body") for text in texts):
        return True
    signed = {reference for text in texts for reference in text.references}
    return bool(set(source.references) & signed)


def _template(source: str | None) -> Template | None:
    return None if source is None else compile_template(source)


def _dump(block: WebhookBlock) -> dict[str, Any]:
    return block.model_dump(by_alias=True, exclude_none=True)
