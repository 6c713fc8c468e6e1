"""Writing a ``webhook.yaml``: checked first, put in place at once, and never over what is there. Floor 10."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from smart_api_integrations.cli.faults import CommandFailed, Exit
from smart_api_integrations.errors import InvalidInput

_NEW = ".webhook.yaml.new"


def new_text(file: Path, name: str, keys: dict[str, Any], *, force: bool) -> str:
    """Return the whole new content of *file*.

    Raises:
        CommandFailed: It is there already and is not to be replaced.
    """
    import yaml

    block = yaml.safe_dump({name: keys}, sort_keys=False, default_flow_style=False, allow_unicode=True)
    indented = "".join(f"  {line}\n" for line in block.splitlines())
    if force or not file.exists():
        return f"# {file.as_posix()}\nwebhooks:\n{indented}"
    present = file.read_text("utf-8")
    known = yaml.safe_load(present)
    webhooks = known.get("webhooks") if isinstance(known, dict) else None
    if not isinstance(webhooks, dict) or name in webhooks:
        message = f"{file} is there already, with the webhook {name!r}."
        raise CommandFailed(
            message,
            code="exists",
            exit_code=Exit.CONFLICT,
            hint="--force replaces the file; --webhook-name adds another webhook to it.",
        )
    return _added(present, indented)


def _added(present: str, block: str) -> str:
    """Return *present* with *block* at the end of its ``webhooks``; comments and order stay."""
    import yaml

    root: Any = yaml.compose(present, Loader=yaml.SafeLoader)
    end = next(value.end_mark.index for key, value in root.value if key.value == "webhooks")
    before, after = present[:end], present[end:]
    kept = before.rstrip()
    return f"{kept}\n{block}" + (f"\n{after}" if after.strip() else "")


def check_text(provider: str, text: str) -> None:
    """Return if a server could use *text* as the provider's file.

    Raises:
        InvalidInput: It could not; every fault is told.
    """
    from smart_api_integrations.cli.checking import check_file

    with TemporaryDirectory(prefix="webhooks-") as folder:
        draft = Path(folder) / provider / "webhook.yaml"
        draft.parent.mkdir()
        draft.write_text(text, "utf-8")
        faults = [fault.replace(str(draft), "webhook.yaml") for fault in check_file(draft).faults]
    if faults:
        raise InvalidInput("\n  ".join(("It could not be used:", *faults)))


def write_file(file: Path, text: str) -> None:
    """Put *text* in place at once: nobody reads half a file.

    Raises:
        InvalidInput: It cannot be written; what was there stays.
    """
    draft = file.with_name(_NEW)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, "utf-8")
        draft.replace(file)
    except OSError as error:
        message = f"{file} cannot be written: {error.strerror or error}."
        raise InvalidInput(message) from error
