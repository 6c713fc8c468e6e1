"""What an error looks like to whoever types commands: one line, a hint, an exit code. Floor 10.

Exit codes are stable: scripts rely on them. 75 and 78 are those of ``sysexits.h``, 130 is the shell's
for Ctrl-C.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum

from smart_api_integrations.errors import (
    ConfigurationError,
    DeliveryError,
    InvalidInput,
    NotFound,
    RequestRejected,
    StorageUnavailable,
    WebhooksError,
)


class Exit(IntEnum):
    """The exit codes."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    NOT_FOUND = 3
    FORBIDDEN = 4
    CONFLICT = 5
    FINDINGS = 6
    UNREACHABLE = 7
    TIMEOUT = 8
    TEMPORARY = 75
    CONFIGURATION = 78
    INTERRUPTED = 130


EXPLAINED: dict[Exit, str] = {
    Exit.OK: "done",
    Exit.FAILURE: "it did not work",
    Exit.USAGE: "the command was mistyped, or a value cannot be used",
    Exit.NOT_FOUND: "nothing is known under this name or id",
    Exit.FORBIDDEN: "the server asks for a key, or for one that may do this",
    Exit.CONFLICT: "it is there already, or changed meanwhile",
    Exit.FINDINGS: "`check`, `doctor` or `verify` found something wrong",
    Exit.UNREACHABLE: "the server cannot be reached",
    Exit.TIMEOUT: "there was no answer in time",
    Exit.TEMPORARY: "the store is away; try again",
    Exit.CONFIGURATION: "the configuration cannot be used",
    Exit.INTERRUPTED: "interrupted",
}
"""Every exit code in words, for the reference."""


class CommandFailed(WebhooksError):
    """A command did not do what it was asked to."""

    def __init__(self, message: str, *, code: str, exit_code: Exit, hint: str = "") -> None:
        """Say what went wrong, as a sentence and as a stable word, and what to do."""
        super().__init__(message)
        self.fault = Fault(code=code, exit_code=exit_code, message=message, hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An error as it is shown.

    Attributes:
        code: A stable word.
        retryable: Whether the same command may work later.
    """

    code: str
    exit_code: Exit
    message: str
    hint: str = ""
    retryable: bool = False

    def as_text(self) -> str:
        """Return it for people."""
        return f"error: {self.message}" + (f"\nhint: {self.hint}" if self.hint else "")

    def as_json(self) -> str:
        """Return it for programs, on one line."""
        shown = {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "retryable": self.retryable,
            "exit_code": int(self.exit_code),
        }
        return json.dumps({"error": shown}, ensure_ascii=False)


_KINDS: tuple[tuple[type[Exception], str, Exit, str], ...] = (
    (NotFound, "not_found", Exit.NOT_FOUND, ""),
    (InvalidInput, "invalid_input", Exit.USAGE, ""),
    (ConfigurationError, "configuration", Exit.CONFIGURATION, ""),
    (StorageUnavailable, "storage_unavailable", Exit.TEMPORARY, "Is the database running? Try again."),
    (RequestRejected, "rejected", Exit.FINDINGS, ""),
    (
        ModuleNotFoundError,
        "not_installed",
        Exit.CONFIGURATION,
        "Install what the commands and the server need: pip install 'smart-api-integrations[server]'",
    ),
    (TimeoutError, "timeout", Exit.TIMEOUT, "Try again."),
    (DeliveryError, "unreachable", Exit.UNREACHABLE, "Is the server running? `webhooks serve` starts one."),
    (WebhooksError, "failed", Exit.FAILURE, ""),
    (OSError, "system", Exit.FAILURE, ""),
)
"""The first that fits an exception says what it comes to."""


def fault_of(error: BaseException) -> Fault:
    """Return what *error* looks like to whoever typed the command."""
    if isinstance(error, CommandFailed):
        return error.fault
    if isinstance(error, KeyboardInterrupt):
        return Fault(code="interrupted", exit_code=Exit.INTERRUPTED, message="Interrupted.")
    if isinstance(error, DeliveryError) and error.code == "timeout":
        return Fault(
            code="timeout", exit_code=Exit.TIMEOUT, message=str(error), hint="Try again.", retryable=True
        )
    if hasattr(error, "format_message"):  # Typer's own: the command line cannot be understood
        return Fault(code="usage", exit_code=Exit.USAGE, message=_sentence(error), hint=_usage_hint(error))
    for kind, code, exit_code, hint in _KINDS:
        if isinstance(error, kind):
            retryable = exit_code in {Exit.TEMPORARY, Exit.TIMEOUT, Exit.UNREACHABLE}
            return Fault(code=code, exit_code=exit_code, message=str(error), hint=hint, retryable=retryable)
    message = f"Something inside went wrong: {type(error).__name__}: {error}"
    return Fault(code="internal", exit_code=Exit.FAILURE, message=message, hint="Please report it.")


def _sentence(error: BaseException) -> str:
    text: str = error.format_message()  # type: ignore[attr-defined] # asked for above
    return " ".join(text.split())


def _usage_hint(error: BaseException) -> str:
    context = getattr(error, "ctx", None)
    path = "webhooks" if context is None else context.command_path
    return f"`{path} --help` shows how it is used."
