"""Every webhook that this installation knows: the packaged providers, and the user's over them. Floor 3.

A packaged provider whose secret is not set is not mounted, and the dashboard says which variable is
missing; a webhook in the user's own folder without its secret is an error, unless a handshake may bring it. A
secret that is set but empty is an error everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from smart_api_integrations.core.inbound_webhook import InboundWebhook
from smart_api_integrations.core.signatures.secrets import SHORTEST_SAFE, Secret
from smart_api_integrations.errors import ConfigurationError, NotFound, SecretMissing
from smart_api_integrations.providers.definitions import (
    Definition,
    ReadFile,
    packaged_definitions,
    user_definitions,
)
from smart_api_integrations.providers.publish_yaml import check_publish
from smart_api_integrations.providers.webhook_yaml import NAME, read_provider_file

PACKAGED_DIR = Path(__file__).parent
PUBLIC_URL = "WEBHOOKS_PUBLIC_URL"
_FILE = "webhook.yaml"

Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A webhook as people see it.

    Attributes:
        webhook: The webhook; without secrets where it is not mounted.
        definition: Where it comes from, and how its secrets are written.
        missing: The variable that must be set before it is mounted, or None.
        server_url: How providers reach its server, without a path; None where that is not known.
    """

    webhook: InboundWebhook
    definition: Definition = field(repr=False)
    missing: str | None = None
    server_url: str | None = None

    @property
    def key(self) -> Key:
        """Provider and name."""
        return self.webhook.provider, self.webhook.name

    @property
    def brought(self) -> str | None:
        """The variable of a secret that a handshake may bring; None where none does, or more is missing."""
        names = {name for form in self.definition.needs.forms for name in form.names}
        captures = (each.capture for each in self.webhook.handshakes if not each.verify)
        variable = next((each.name for each in captures if each is not None and each.name in names), None)
        return variable if self.missing in {None, variable} else None

    def read_secret(self, text: str) -> Secret:
        """Return *text*, which a handshake brought, as one of its secrets.

        Raises:
            ConfigurationError: It cannot be one.
        """
        variable = self.brought or ""
        form = next(form for form in self.definition.needs.forms if variable in form.names)
        return form.decode(variable, text)

    def called_url(self, path: str, *, server_url: str | None = None) -> str | None:
        """Return the URL that the provider calls, and may sign: the webhook's own, or *path* on its server.

        *server_url* stands in where none is configured; without it the URL is then None.
        """
        server = self.server_url or server_url
        return self.webhook.public_url or (None if server is None else server + path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The webhooks by provider and name.

    Attributes:
        sources: All of them, mounted or not, sorted.
        warnings: What is allowed but should be known, one sentence each.
    """

    sources: Mapping[Key, Source]
    warnings: tuple[str, ...] = ()

    @property
    def webhooks(self) -> Mapping[Key, InboundWebhook]:
        """Those that are mounted."""
        return {key: source.webhook for key, source in self.sources.items() if source.missing is None}

    @property
    def unmounted(self) -> Mapping[Key, str]:
        """Those that are not, each with the variable that is missing."""
        return {key: source.missing for key, source in self.sources.items() if source.missing is not None}

    @property
    def brought(self) -> Mapping[Key, Source]:
        """Those whose secret a handshake may bring, mounted by a configured one or not."""
        return {key: source for key, source in self.sources.items() if source.brought is not None}

    @property
    def reachable(self) -> Mapping[Key, InboundWebhook]:
        """Those that are mounted, and those that a handshake may yet open."""
        return {**{key: source.webhook for key, source in self.brought.items()}, **self.webhooks}

    @property
    def paths(self) -> Mapping[str, Key]:
        """The webhooks' own paths, without a last slash: the mounted, and the user's own to be opened."""
        awaited = {key: each.webhook for key, each in self.brought.items() if not each.definition.packaged}
        return {
            _without_slash(webhook.path): key
            for key, webhook in {**awaited, **self.webhooks}.items()
            if webhook.path is not None
        }

    def source(self, provider: str, name: str = "default") -> Source:
        """Return one, mounted or not.

        Raises:
            NotFound: It is unknown; the message names the nearest known ones.
        """
        found = self.sources.get((provider, name))
        if found is not None:
            return found
        providers = sorted({known for known, _ in self.sources})
        names = [known for of, known in self.sources if of == provider]
        what, word, known = ("webhook", name, names) if names else ("provider", provider, providers)
        near = get_close_matches(word, known, n=3) or known
        message = f"The {what} {word!r} is unknown; known are {', '.join(near)}."
        raise NotFound(message)

    def describe(self) -> tuple[Source, ...]:
        """Return all sources, sorted by provider and name, for lists."""
        return tuple(self.sources.values())


def load_catalogue(
    *, providers_dir: Path | None, environ: Mapping[str, str], public_url: str | None = None
) -> Catalogue:
    """Read the packaged providers, and those of *providers_dir* over them.

    Args:
        providers_dir: The user's own folder; one that does not exist holds no providers.
        environ: Where the secrets are.
        public_url: How providers reach this server; some sign the URL that they call.

    Raises:
        ConfigurationError: A file cannot be used, or two webhooks have the same path.
        SecretMissing: A secret is empty, or one of the user's own webhooks has none; all are named.
    """
    sources, faults = _mount(load_definitions(providers_dir), environ, public_url=public_url)
    if faults:
        raise SecretMissing("\n".join(faults))
    catalogue = Catalogue(sources=dict(sorted(sources.items())), warnings=tuple(_warnings(sources.values())))
    _refuse_shared_paths(catalogue.webhooks)
    return catalogue


def catalogue_without_secrets(providers_dir: Path | None) -> Catalogue:
    """Return every webhook as if no secret were set: for looking at them, not for receiving.

    Raises:
        ConfigurationError: A file cannot be used.
    """
    definitions = load_definitions(providers_dir)
    sources = {key: _with_secrets(each, {}, public_url=None) for key, each in definitions.items()}
    return Catalogue(sources=dict(sorted(sources.items())))


def load_definitions(providers_dir: Path | None) -> Mapping[Key, Definition]:
    """Return every webhook without its secrets; the user's own in place of the packaged ones.

    Raises:
        ConfigurationError: A file cannot be used.
    """
    packaged = packaged_files()
    own = () if providers_dir is None else _read_files(providers_dir)
    for file in own:
        check_publish(file.path, file.content.model_dump(by_alias=True, exclude_none=True)["webhooks"])
    refined = [definition for file in own for definition in user_definitions(file, packaged=packaged)]
    return {(each.webhook.provider, each.webhook.name): each for each in (*_packaged(), *refined)}


@cache
def packaged_files() -> Mapping[str, ReadFile]:
    """Return the packaged providers' files by name, read once in a process: they do not change.

    Raises:
        ConfigurationError: A file cannot be used.
    """
    return {file.provider: file for file in _read_files(PACKAGED_DIR)}


@cache
def _packaged() -> tuple[Definition, ...]:
    return tuple(
        definition for file in packaged_files().values() for definition in packaged_definitions(file)
    )


def _read_files(folder: Path) -> tuple[ReadFile, ...]:
    files, faults = [], []
    for path in sorted(folder.glob(f"*/{_FILE}")):
        try:
            files.append(_read_file(path))
        except ConfigurationError as error:
            faults.append(str(error))
    if faults:
        raise ConfigurationError("\n".join(faults))
    return tuple(files)


def _read_file(path: Path) -> ReadFile:
    if not re.fullmatch(NAME, path.parent.name):
        message = f"{path.parent}: a provider's folder is named with a-z, 0-9, - and _ (at most 63)."
        raise ConfigurationError(message)
    return ReadFile(provider=path.parent.name, path=path, content=read_provider_file(path))


def _mount(
    definitions: Mapping[Key, Definition], environ: Mapping[str, str], *, public_url: str | None
) -> tuple[dict[Key, Source], list[str]]:
    sources: dict[Key, Source] = {}
    faults: list[str] = []
    for key, definition in definitions.items():
        try:
            source = _with_secrets(definition, environ, public_url=public_url)
        except SecretMissing as error:
            faults.append(f"{definition.origin}, webhook {key[1]!r}: {error}")
            continue
        if source.missing is not None and source.brought is None and not definition.packaged:
            faults.append(f"{definition.origin}, webhook {key[1]!r}: {_to_do(source.missing)}")
        sources[key] = source
    return sources, faults


def _with_secrets(definition: Definition, environ: Mapping[str, str], *, public_url: str | None) -> Source:
    own_url = definition.public_url
    name = None if own_url is None or isinstance(own_url, str) else own_url["env"]
    url = environ.get(name) if name is not None else own_url
    missing = definition.needs.missing(environ)
    if missing is None and definition.reads_url and not (url or public_url):
        missing = name or PUBLIC_URL
    webhook = replace(
        definition.webhook,
        secrets=definition.needs.read(environ),
        variables={each: environ[each] for each in definition.variables if environ.get(each)},
        public_url=str(url) if url else None,
        handshakes=tuple(each.resolved(environ) for each in definition.webhook.handshakes),
    )
    server_url = public_url.rstrip("/") if public_url else None
    return Source(webhook=webhook, definition=definition, missing=missing, server_url=server_url)


def _to_do(missing: str) -> str:
    if missing == PUBLIC_URL:
        return f"the provider signs the URL that it calls: set {missing}, or public_url in the file."
    return f"{missing} is not set: set it to the webhook's signing secret."


def _warnings(sources: Iterable[Source]) -> Iterable[str]:
    for source in sources:
        yield from source.definition.warnings
        if source.missing is None:
            yield from _unanswered(source)
        for secret in source.webhook.secrets:
            if secret.is_short:
                yield f"{secret.name} is shorter than {SHORTEST_SAFE} bytes: use a longer one."


def _unanswered(source: Source) -> Iterable[str]:
    for handshake in source.webhook.handshakes:
        for variable in handshake.variables:
            where = "/".join(source.key)
            yield f"{where}: the {handshake.method} handshake is refused until {variable} is set."


def _refuse_shared_paths(webhooks: Mapping[Key, InboundWebhook]) -> None:
    known: dict[str, Key] = {}
    for key, webhook in webhooks.items():
        if webhook.path is None:
            continue
        other = known.setdefault(_without_slash(webhook.path), key)
        if other != key:
            both = f"{'/'.join(other)} and {'/'.join(key)}"
            message = f"The webhooks {both} have the same path {webhook.path!r}: change one."
            raise ConfigurationError(message)


def _without_slash(path: str) -> str:
    return path.rstrip("/") or "/"
