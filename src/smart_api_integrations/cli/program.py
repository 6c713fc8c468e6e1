"""The program: it runs one command, and turns whatever goes wrong into one line and an exit code. Floor 10.

Data goes to standard output, everything else to standard error. The help loads no command, and without
options nothing but the table.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from smart_api_integrations.cli.commands import SUMMARY, overview

_WANTS_HELP: tuple[list[str], ...] = ([], ["--help"], ["-h"], ["help"])


def main() -> None:
    """Run what the command line asks for, and exit."""
    sys.exit(run(sys.argv[1:], name=os.path.basename(sys.argv[0])))  # noqa: PTH119 - pathlib costs 8 ms


def run(arguments: Sequence[str], *, name: str = "webhooks") -> int:
    """Run one command line and return its exit code; nothing is raised but by a fault of the terminal."""
    words = list(arguments)
    called = name if name in {"webhooks", "smart-api-integrations"} else "webhooks"
    is_asked_by_shell = f"_{called.replace('-', '_').upper()}_COMPLETE" in os.environ
    if words in _WANTS_HELP and not is_asked_by_shell:
        sys.stdout.write(overview(called) + "\n")
        return 0
    if words in (["--version"], ["-V"]):
        from smart_api_integrations import __version__

        sys.stdout.write(f"{called} {__version__}\n")
        return 0
    return _run(words, called)


def _run(words: list[str], name: str) -> int:
    from smart_api_integrations.cli.faults import fault_of

    try:
        code = build()(words, prog_name=name, standalone_mode=False)
    except SystemExit as over:  # a shell's question was answered, or a server's child said its code
        return over.code if isinstance(over.code, int) else int(over.code is not None)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the command line's last word
        if _is_help(error):
            return 0
        fault = fault_of(error)
        sys.stderr.write((fault.as_json() if "--json" in words else fault.as_text()) + "\n")
        return int(fault.exit_code)
    return code if isinstance(code, int) else 0


def _is_help(error: BaseException) -> bool:
    """Show the help of a command that was called without its words; it is no fault to ask so."""
    if type(error).__name__ != "NoArgsIsHelpError":
        return False
    sys.stdout.write(error.ctx.get_help() + "\n")  # type: ignore[attr-defined] # Typer's own
    return True


def build() -> Any:
    """Return the program as a command of Typer's, each of its commands loaded when it is asked for."""
    import typer

    from smart_api_integrations.cli.group import Program

    program = typer.Typer(
        cls=Program, name="webhooks", help=SUMMARY, rich_markup_mode=None, no_args_is_help=True
    )
    program.callback()(_nothing)
    return typer.main.get_command(program)


def _nothing() -> None:
    """Receive, keep, handle and send webhooks."""
