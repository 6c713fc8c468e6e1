"""Options that several commands have, spelt and explained once. Floor 10."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ProviderName = Annotated[str, typer.Argument(help="The sender, as in `github`.", show_default=False)]
WebhookName = Annotated[
    str, typer.Option("--webhook", "--webhook-name", help="Which of the sender's webhooks.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line; errors too.")]
ProvidersDir = Annotated[
    str | None,
    typer.Option("--providers", help="Folder of your own webhook.yaml files.  [default: providers]"),
]
Handlers = Annotated[
    str | None, typer.Option("--handlers", help="Modules with your handlers, comma-separated.")
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        "--db",
        help="`sqlite:///file` or `postgresql://…`.  [default: sqlite:///webhooks.db]",
    ),
]
SecretText = Annotated[
    str | None,
    typer.Option("--secret", help="Signs; better by --secret-file, since others can see a command line."),
]
SecretFile = Annotated[
    Path | None, typer.Option("--secret-file", help="A file that holds the secret; `-` is standard input.")
]
Port = Annotated[
    int | None, typer.Option("--port", "-p", help="Port to listen at; 0 takes a free one.  [default: 8000]")
]
