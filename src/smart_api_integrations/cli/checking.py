"""Checking a ``webhook.yaml``: its keys, and its signed examples played. Floor 10."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smart_api_integrations.errors import ConfigurationError, InvalidInput, NotFound
from smart_api_integrations.providers.catalogue import packaged_files
from smart_api_integrations.providers.definitions import Definition, ReadFile, user_definitions
from smart_api_integrations.providers.examples import play
from smart_api_integrations.providers.webhook_yaml import read_provider_file

FILE = "webhook.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a file holds, and what is wrong with it.

    Attributes:
        webhooks: The names of its webhooks.
        examples: How many examples were played.
        faults: One line each.
        warnings: What is allowed but should be known.
    """

    webhooks: tuple[str, ...] = ()
    examples: int = 0
    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it as values for JSON."""
        return {
            "ok": not self.faults,
            "webhooks": list(self.webhooks),
            "examples": self.examples,
            "faults": list(self.faults),
            "warnings": list(self.warnings),
        }

    def as_lines(self, file: str) -> list[str]:
        """Return it as lines for people."""
        what = f"{len(self.webhooks)} webhooks, {self.examples} examples played"
        verdict = "fail" if self.faults else "ok  "
        head = f"{verdict}  {file}" + ("" if self.faults else f"  {what}")
        return [
            head,
            *(f"      {fault}" for fault in self.faults),
            *(f"warn  {warning}" for warning in self.warnings),
        ]


def yaml_files(places: Iterable[Path]) -> Iterator[Path]:
    """Yield the files that *places* name: a file itself, of a folder those in it and one level below.

    Raises:
        NotFound: There is none.
    """
    for place in places:
        found = [place] if place.is_file() else sorted([*place.glob(FILE), *place.glob(f"*/{FILE}")])
        if not found:
            message = f"{place}: there is no {FILE} here; `webhooks add-webhook NAME` writes one."
            raise NotFound(message)
        yield from found


def check_file(file: Path) -> Report:
    """Check one file; its provider is named by its folder."""
    try:
        read = ReadFile(provider=file.resolve().parent.name, path=file, content=read_provider_file(file))
        definitions = user_definitions(read, packaged=packaged_files())
    except ConfigurationError as error:
        lines = [line.strip() for line in str(error).splitlines()]
        faults = [line for line in lines if line and not line.endswith("cannot be used:")]
        return Report(faults=tuple(faults or lines))
    by_name = {definition.webhook.name: definition for definition in definitions}
    return Report(
        webhooks=tuple(by_name),
        examples=len(read.content.examples),
        faults=tuple(_played(read, by_name)),
        warnings=tuple(warning for definition in definitions for warning in definition.warnings),
    )


def _played(read: ReadFile, definitions: Mapping[str, Definition]) -> Iterator[str]:
    for number, example in enumerate(read.content.examples, 1):
        definition = definitions.get(example.webhook)
        if definition is None:
            yield f"examples.{number}: there is no webhook {example.webhook!r}."
            continue
        try:
            found = play(definition, example)
        except (ConfigurationError, InvalidInput) as error:
            found = str(error)
        if found != example.expect:
            yield f"examples.{number}: expected {example.expect}, but it came to {found}."
