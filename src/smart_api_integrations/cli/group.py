"""How commands are loaded, and how their help looks: plain, examples as they are written. Floor 10."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, MutableMapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from smart_api_integrations.cli.commands import COMMANDS, module_of, overview


class PlainCommand(TyperCommand):
    """A command whose help keeps the lines of its examples."""

    def format_help_text(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - Typer's signature
        """Write the description: paragraphs wrapped, indented blocks as they stand."""
        write_description(self.help or "", formatter)


class PlainGroup(TyperGroup):
    """Commands of a command, with the same help."""

    def format_help_text(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - Typer's signature
        """Write the description: paragraphs wrapped, indented blocks as they stand."""
        write_description(self.help or "", formatter)


def write_description(text: str, formatter: Any) -> None:
    """Write a docstring to *formatter*."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        formatter.write_paragraph()
        with formatter.indentation():
            if paragraph.startswith("    "):
                formatter.write("".join(f"  {line}\n" for line in paragraph.splitlines()))
            else:
                formatter.write_text(" ".join(paragraph.split()))


class CommandsOnDemand(MutableMapping[str, Any]):
    """The commands by name, each imported when it is asked for."""

    def __init__(self) -> None:
        """Begin with none loaded."""
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        """Return a command."""
        if name not in self._loaded:
            self._loaded[name] = _load(name)
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        """Add a command."""
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        """Forget a command, until it is asked for again."""
        del self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names; nothing is loaded."""
        return iter(COMMANDS)

    def __len__(self) -> int:
        """Count the commands."""
        return len(COMMANDS)

    def __contains__(self, name: object) -> bool:
        """Tell whether a command has this name; nothing is loaded."""
        return name in COMMANDS


class Program(TyperGroup):
    """The program: its help is the table's, its commands are loaded on demand."""

    def __init__(self, **attributes: Any) -> None:
        """Take Typer's attributes."""
        super().__init__(**attributes)
        self.commands = CommandsOnDemand()

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the overview."""
        formatter.write(overview(ctx.info_name or "webhooks") + "\n")


def group(summary: str) -> typer.Typer:
    """Return a Typer for a command with commands of its own."""
    return typer.Typer(
        cls=PlainGroup, help=summary, no_args_is_help=True, rich_markup_mode=None, add_completion=False
    )


def _load(name: str) -> Any:
    if name not in COMMANDS:
        raise KeyError(name)
    module = import_module(module_of(name))
    found = getattr(module, "program", None)
    if isinstance(found, typer.Typer):
        return typer.main.get_command(found)
    return single(name, getattr(module, name.replace("-", "_")))


def single(name: str, function: Callable[..., Any]) -> Any:
    """Return *function* as the command *name*."""
    alone = typer.Typer(rich_markup_mode=None, add_completion=False)
    alone.command(name, cls=PlainCommand)(function)
    return typer.main.get_command(alone)
