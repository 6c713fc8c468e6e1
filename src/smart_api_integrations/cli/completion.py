"""``webhooks completion``: what a shell needs to complete command lines. Floor 10."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Shell(StrEnum):
    """The shells that are known."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(
    shell: Annotated[Shell, typer.Argument(help="Which shell it is for.")],
    name: Annotated[str, typer.Option(help="The program's name, as you type it.")] = "webhooks",
) -> None:
    """Print a script that lets a shell complete commands and options; load it where the shell starts.

    `webhooks --install-completion` writes it to the shell's own start files instead.

    Examples:

        webhooks completion bash > ~/.local/share/bash-completion/completions/webhooks

        webhooks completion zsh > ~/.zfunc/_webhooks

        webhooks completion fish > ~/.config/fish/completions/webhooks.fish
    """
    from typer._completion_shared import get_completion_script

    variable = f"_{name.replace('-', '_').upper()}_COMPLETE"
    typer.echo(get_completion_script(prog_name=name, complete_var=variable, shell=shell.value))
