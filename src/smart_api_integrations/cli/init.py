"""``webhooks init``: a starting point that runs, written into a folder. Floor 10."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from smart_api_integrations.cli.faults import CommandFailed, Exit
from smart_api_integrations.cli.options import Json
from smart_api_integrations.errors import InvalidInput

SETTINGS = """\
# Settings of `webhooks serve`; each can also be a variable (WEBHOOKS_PORT) or an option (--port).
# All of them: `webhooks check`, and docs/reference/settings.md.

database_url = "sqlite:///webhooks.db"   # later: "postgresql://user@host/name"
handlers = ["webhook_handlers"]          # the modules that register your handlers
# port = 8000
# public_url = "https://hooks.example.com"

# Secrets stand in the environment, never here: GITHUB_WEBHOOK_SECRET, STRIPE_WEBHOOK_SECRET …
# (`webhooks providers show NAME` tells a sender's variable).
"""
HANDLERS = '''\
"""Your handlers. Each runs once an event is stored, and again on a schedule until it completes."""

from smart_api_integrations.webhooks import webhook_handler


@webhook_handler("github", "push")
def announce(event):
    """Say who pushed what; try it with `webhooks trigger github push`."""
    print(event.payload["repository"]["full_name"], "was pushed to", event.payload["ref"])
    return {"announced": True}
'''
IGNORED = """\
# What webhooks keeps beside your code
webhooks.db*
.webhooks-dev-secret
"""
FILES = {"webhooks.toml": SETTINGS, "webhook_handlers.py": HANDLERS, ".gitignore": IGNORED}


def init(
    folder: Annotated[Path, typer.Argument(help="Where to write.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be written, and write nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write a starting point: webhooks.toml, a first handler, and what git should ignore.

    Nothing that is there is replaced without --force; a .gitignore is left as it is.

    Examples:

        webhooks init
        webhooks init shop --dry-run
    """
    present = [name for name in FILES if (folder / name).exists()]
    taken = [name for name in present if name != ".gitignore"]
    if taken and not force:
        message = f"{folder / taken[0]} is there already."
        hint = "--force replaces it; another folder can be named: `webhooks init shop`."
        raise CommandFailed(message, code="exists", exit_code=Exit.CONFLICT, hint=hint)
    written = [name for name in FILES if name != ".gitignore" or name not in present]
    if not dry_run:
        _write(folder, written)
    if as_json:
        typer.echo(json.dumps({"folder": str(folder), "files": written}))
        return
    for name in written:
        typer.echo(f"{'Would write' if dry_run else 'Wrote'} {folder / name}.")
    typer.echo("Next: `webhooks dev`, and in another terminal `webhooks trigger github push`.", err=True)


def _write(folder: Path, names: list[str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            (folder / name).write_text(FILES[name], "utf-8")
    except OSError as error:
        message = f"{error.filename} cannot be written: {error.strerror}."
        raise InvalidInput(message) from error
