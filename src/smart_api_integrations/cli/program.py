"""The program: its commands, and what an error looks like. Floor 10.

Exit codes: 0 done, 1 it did not work, 2 the command was mistyped, 78 the configuration cannot be used
(``EX_CONFIG`` of sysexits.h). Data goes to standard output, everything else to standard error.
"""

from __future__ import annotations

import sys

import typer

from smart_api_integrations.cli.serve import serve
from smart_api_integrations.cli.trigger import trigger
from smart_api_integrations.errors import ConfigurationError, WebhooksError

EX_CONFIG = 78

program = typer.Typer(
    name="webhooks",
    help="Receive, keep, handle and send webhooks.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
program.command()(serve)
program.command()(trigger)


def main() -> None:
    """Run the program and exit."""
    try:
        program()
    except ConfigurationError as error:
        _fail(error, EX_CONFIG)
    except WebhooksError as error:
        _fail(error, 1)


def _fail(error: Exception, code: int) -> None:
    typer.echo(f"error: {error}", err=True)
    sys.exit(code)
