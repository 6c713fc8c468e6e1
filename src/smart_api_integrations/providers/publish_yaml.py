"""``publish:`` of a ``webhook.yaml``: which internal events a provider's events are. Floor 3."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from smart_api_integrations.core.publish_maps import PublishMap
from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.providers.yaml_text import line_of
from smart_api_integrations.providers.yaml_types import BY_SHAPE, Block, Several, Strict, Text

Source = Annotated[str, Field(min_length=1, max_length=4096)]


class PublishBlock(Strict):
    """One internal event: what it is called, and CEL for what is said of it.

    Attributes:
        type: Its type, such as ``payment.completed``; ``{type}`` and ``{action}`` are the provider's words.
        data: CEL for the whole, or for each of its keys; what is not there becomes null.
        when: CEL that must be true for it to be published.
        key: CEL; internal events with equal keys are published one after the other.
        disabled: Whether it is left out, where a packaged provider has it.
    """

    type: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    data: Annotated[Annotated[Source, Text] | Annotated[dict[str, Source], Block], BY_SHAPE] | None = None
    when: Source | None = None
    key: Source | None = None
    disabled: bool = False


Entries = Annotated[
    Annotated[PublishBlock, Block]
    | Annotated[list[PublishBlock], Field(min_length=1, max_length=20), Several],
    BY_SHAPE,
]
"""What stands under a pattern: one internal event, or several."""


def compile_publish(block: Mapping[str, Any] | None, *, origin: Path) -> tuple[PublishMap, ...]:
    """Return the maps that a webhook's ``publish:`` means, in its order.

    Raises:
        ConfigurationError: An entry has no type.
    """
    return tuple(_maps(block or {}, origin))


def _maps(block: Mapping[str, Any], origin: Path) -> Iterable[PublishMap]:
    for pattern, given in block.items():
        several = isinstance(given, list)
        for number, entry in enumerate(given if several else [given]):
            place = (pattern, number) if several else (pattern,)
            if entry.get("disabled"):
                continue
            if "type" not in entry:
                where = ".".join(str(step) for step in place)
                message = f"publish.{where}: say what it is called inside, as in `type: order.created`."
                raise ConfigurationError(message)
            yield PublishMap(
                pattern=pattern,
                type=entry["type"],
                data=entry.get("data", "payload"),
                when=entry.get("when"),
                key=entry.get("key"),
                place=place,
                origin=str(origin),
            )


def check_publish(path: Path, webhooks: Mapping[str, Mapping[str, Any]]) -> None:
    """Return if every expression in the ``publish:`` blocks of the file *path* can be used.

    Raises:
        ConfigurationError: One cannot; the message names every one with its line.
    """
    faults = sorted(
        (line_of(path, ("webhooks", name, "publish", *each.place, *place)), f"{_dotted(each, place)}: {told}")
        for name, block in webhooks.items()
        for each in _entries(block.get("publish"), path)
        for place, told in each.faults()
    )
    if faults:
        lines = "\n".join(f"  line {line}, publish.{told}" for line, told in faults)
        message = f"{path} cannot be used:\n{lines}"
        raise ConfigurationError(message)


def _entries(block: Mapping[str, Any] | None, path: Path) -> Iterable[PublishMap]:
    """Yield the maps of one webhook, also of entries that only change a packaged one."""
    completed = {
        pattern: [{"type": pattern, **each} for each in given]
        if isinstance(given, list)
        else {"type": pattern, **given}
        for pattern, given in (block or {}).items()
    }
    return _maps(completed, path)


def _dotted(each: PublishMap, place: tuple[str, ...]) -> str:
    return ".".join(str(step) for step in (*each.place, *place))
