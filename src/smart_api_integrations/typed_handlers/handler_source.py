"""A provider's typed handler class as a Python file. Floor 4.

The same provider and events always give the same text: no time, no version, nothing of this machine.
What it holds passes ``mypy --strict``, and an editor completes the keys of ``event.payload`` in it.
"""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from smart_api_integrations.core.event_types import method_name
from smart_api_integrations.errors import InvalidInput
from smart_api_integrations.providers.catalogue import Source
from smart_api_integrations.typed_handlers.payload_schema import Schema, schema_of
from smart_api_integrations.typed_handlers.payload_types import PayloadTypes, payload_types

_WEBHOOKS = "smart_api_integrations.webhooks"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerFile:
    """What was generated.

    Attributes:
        text: The Python file.
        class_name: The handler class in it.
        untyped: Events without a sample and without a schema: their payload is ``dict[str, Any]``.
    """

    text: str
    class_name: str
    untyped: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    name: str
    stem: str  # PullRequestOpened
    is_typed: bool

    @property
    def payload(self) -> str:
        return f"{self.stem}Payload"


def handler_source(
    source: Source, events: Sequence[str], *, schemas: Mapping[str, Schema] | None = None
) -> HandlerFile:
    """Return the file of a handler class for *events* of a webhook, or for all that it has samples of.

    *schemas* are JSON Schemas of payloads, by event; they come before the samples.

    Raises:
        InvalidInput: An event cannot be one, two become one method, or a schema cannot be used.
    """
    given = dict(schemas or {})
    wanted = list(dict.fromkeys([*(events or _sampled(source)), *given]))
    if not wanted:
        message = f"There are no samples of {source.key[0]}: name the events with --events."
        raise InvalidInput(message)
    found = {name: given.get(name) or _from_samples(source, name) for name in wanted}
    described = [_describe(name, is_typed=found[name] is not None) for name in wanted]
    _check(described)
    types = payload_types(
        {event.payload: schema for event in described if (schema := found[event.name]) is not None},
        origins={
            event.payload: f"the schema of {event.name}"
            if event.name in given
            else f"the samples of {event.name}"
            for event in described
        },
    )
    class_name = f"{_identifier(source.definition.title)}Handler"
    return HandlerFile(
        text="\n\n\n".join(
            [_head(source, described, types, class_name), *_body(source, described, types, class_name)]
        )
        + "\n",
        class_name=class_name,
        untyped=tuple(event.name for event in described if not event.is_typed),
    )


def _sampled(source: Source) -> list[str]:
    return [sample.event for sample in source.definition.samples]


def _from_samples(source: Source, event: str) -> Schema | None:
    payloads = [
        sample.payload
        for sample in source.definition.samples
        if event in {sample.event, f"{sample.event}.{sample.action}"}
    ]
    return schema_of(payloads) if payloads else None


def _describe(name: str, *, is_typed: bool) -> _Event:
    if not re.fullmatch(r"[A-Za-z0-9/][A-Za-z0-9_.:/-]{0,199}", name):
        message = f"The event {name!r} cannot be one: write letters, digits and . _ - / : only."
        raise InvalidInput(message)
    return _Event(name=name, stem=_identifier(name), is_typed=is_typed)


def _identifier(text: str) -> str:
    """Return *text* as the name of a class.

    >>> _identifier("pull_request.opened"), _identifier("orders/create"), _identifier("GitHub")
    ('PullRequestOpened', 'OrdersCreate', 'GitHub')
    """
    words = re.findall(r"[A-Za-z0-9]+", text)
    name = "".join(word[0].upper() + word[1:] for word in words)
    return f"Event{name}" if name[:1].isdigit() or not name or keyword.iskeyword(name) else name


def _check(events: Sequence[_Event]) -> None:
    seen: dict[str, str] = {}
    for event in events:
        for word in (f"on_{method_name(event.name)}", event.stem):
            other = seen.setdefault(word, event.name)
            if other != event.name:
                message = f"{other!r} and {event.name!r} would both be {word}: generate one of them."
                raise InvalidInput(message)


def _head(source: Source, events: Sequence[_Event], types: PayloadTypes, class_name: str) -> str:
    imports = {module: set(names) for module, names in types.imports.items()}
    if any(not event.is_typed for event in events):
        imports.setdefault("typing", set()).add("Any")
    imports[_WEBHOOKS] = {"WebhookEvent", "WebhookHandler", "WebhookResponse"}
    lines = [
        f"from {module} import {', '.join(sorted(names))}"
        for module, names in sorted(imports.items(), key=_standard_first)
    ]
    standard, ours = lines[:-1], lines[-1:]
    command = " ".join(
        ["webhooks generate-webhook-handler", source.key[0], "--events", *(event.name for event in events)]
    )
    text = [
        f'"""Typed handlers for webhooks of {_in_docstring(source.definition.title)}, generated by::',
        "",
        *(
            f"    {line}"
            for line in textwrap.wrap(
                command, 90, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
            )
        ),
        "",
        f"Derive from ``{class_name}`` and write the methods that you need; an instance registers them.",
        "The payload types are what the provider's samples or schemas show; a real payload may hold more.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        *standard,
        *([""] if standard else []),
        *ours,
    ]
    return "\n".join(text)


def _standard_first(entry: tuple[str, set[str]]) -> tuple[bool, str]:
    return entry[0] == _WEBHOOKS, entry[0]


def _body(source: Source, events: Sequence[_Event], types: PayloadTypes, class_name: str) -> Iterator[str]:
    if types.text:
        yield types.text
    names = {event.name: _free(f"{event.stem}Event", types.names) for event in events}
    for event in events:
        yield (
            f"class {names[event.name]}(WebhookEvent):\n"
            f'    """An event ``{event.name}``."""\n\n'
            f"    payload: {types.of.get(event.payload, 'dict[str, Any]')}"
        )
    provider, webhook_name = source.key
    attributes = [f'    provider = "{provider}"']
    if webhook_name != "default":
        attributes.append(f'    webhook_name = "{webhook_name}"')
    methods = [
        f"    def on_{method_name(event.name)}(self, event: {names[event.name]}) -> WebhookResponse:\n"
        f'        """Handle ``{event.name}``."""\n'
        "        return self.success_response()"
        for event in events
    ]
    yield (
        f"class {class_name}(WebhookHandler):\n"
        f'    """Handles webhooks of {_in_docstring(source.definition.title)}."""\n\n'
        + "\n".join(attributes)
        + "\n\n"
        + "\n\n".join(methods)
    )


def _free(name: str, taken: frozenset[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _in_docstring(text: str) -> str:
    return re.sub(r'["\\]', "", text)
