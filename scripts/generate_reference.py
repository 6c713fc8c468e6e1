"""The pages of ``docs/reference`` and the editors' schema, written from the code that they describe.

python scripts/generate_reference.py            write them
python scripts/generate_reference.py --check    fail where one is not current
"""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

from pydantic_core import PydanticUndefined

from smart_api_integrations import errors, telemetry
from smart_api_integrations.api import create_api
from smart_api_integrations.cli.faults import EXPLAINED
from smart_api_integrations.cli.program import build
from smart_api_integrations.core.durations import written
from smart_api_integrations.providers.catalogue import PACKAGED_DIR, PUBLIC_URL
from smart_api_integrations.providers.editor_schema import SCHEMA_FILE, editor_schema
from smart_api_integrations.providers.webhook_yaml import read_provider_file
from smart_api_integrations.server.health import Health
from smart_api_integrations.server.metrics_page import PATH as METRICS_PATH
from smart_api_integrations.settings import ENVIRONMENT_PREFIX, Settings
from smart_api_integrations.watch.metric_table import METRICS

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
_GENERATED = "<!-- Written by scripts/generate_reference.py from the code: `make format` writes it anew. -->"


def settings_page() -> Iterator[str]:
    """Describe every field of ``Settings``."""
    yield "# Settings"
    yield (
        "Each setting is read from, in this order: the command line or the constructor, the environment, "
        "`webhooks.toml` in the working directory (under the name in the first column), the default. "
        "All faults are reported at once, and an unknown name is refused. Lists are separated by commas."
    )
    rows = [
        (f"`{name}`", f"`{ENVIRONMENT_PREFIX}{name.upper()}`", _default(field), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    yield _table(("setting", "environment", "default", "what it does"), rows)
    yield (
        "A provider's secret is read from the variable that its YAML names, `GITHUB_WEBHOOK_SECRET` for "
        "GitHub; secrets are no settings and stand in no file that is committed."
    )


def commands_page() -> Iterator[str]:
    """Describe every command and its options."""
    root = build()
    yield "# Commands"
    yield f"`webhooks` and `smart-api-integrations` are the same program. {root.help or ''}"
    yield (
        "Data goes to standard output, everything else to standard error. An error is one line that begins "
        "with `error:`, and mostly a hint; with `--json` it is an object `error` with `code`, `message`, "
        "`hint` and `retryable`."
    )
    for name, command in _commands(root, "webhooks"):
        yield f"## `{name}`"
        yield inspect.cleandoc(command.help or "").replace("\b\n", "")
        rows = [
            (_spelling(parameter), getattr(parameter, "help", "") or "")
            for parameter in command.params
            if parameter.name != "help"
        ]
        yield _table(("argument", "what it does"), rows)
    yield "## Exit codes"
    yield _table(("code", "what it means"), [(f"{int(code)}", text) for code, text in EXPLAINED.items()])


def routes_page() -> Iterator[str]:
    """Describe every route of the server."""
    yield "# Routes"
    yield "## Ways in"
    yield _table(
        ("method", "path", "what it does"),
        [
            ("POST", "`/webhooks/{provider}`", "Takes a provider's request for its webhook `default`."),
            ("POST", "`/webhooks/{provider}/{name}`", "Takes a provider's request for the webhook `name`."),
            ("POST", "the YAML's own `path`", "The same, at the address that the provider's YAML names."),
        ],
    )
    yield (
        "A trailing slash changes nothing. The answer is 2xx once the event is stored, 401 where it does not "
        "verify, 400 where it cannot be read, 404 unknown, 413 too large, 503 with `Retry-After` where the "
        "store is down."
    )
    yield "## Health"
    yield _table(("method", "path"), [("GET", f"`{path}`") for path in (*sorted(Health.paths), METRICS_PATH)])
    yield "## API"
    yield "Errors are problems as in RFC 9457. `/openapi.json` describes the bodies."
    yield _table(("method", "path", "what it does"), list(_operations()))


def errors_page() -> Iterator[str]:
    """Describe every exception."""
    yield "# Errors"
    yield (
        "The class says whose fault it is and whether to try again. "
        "All stand in `smart_api_integrations.errors`."
    )
    for name, error in _classes(errors):
        yield f"## `{name}`"
        parents = ", ".join(f"`{base.__name__}`" for base in error.__bases__)
        status = getattr(error, "status_hint", None)
        yield f"{inspect.getdoc(error)}\n\nA kind of {parents}." + (
            f" Answered with {status}." if status else ""
        )


def telemetry_page() -> Iterator[str]:
    """Describe every telemetry event."""
    yield "# Telemetry"
    yield (
        "What happens inside is told to subscribers: `Telemetry.subscribe(event, subscriber)`. The event's "
        "class is its contract; a subscriber that fails is logged, and the work goes on."
    )
    for event in telemetry.EVENTS:
        yield f"## `{event.__name__}`"
        yield inspect.getdoc(event) or ""
        yield _table(
            ("field", "type"), [(f"`{field.name}`", f"`{field.type}`") for field in dataclasses.fields(event)]
        )


def providers_page() -> Iterator[str]:
    """Describe every packaged provider."""
    yield "# Providers"
    yield (
        "Set a provider's variables, and its webhook is mounted at `/webhooks/{name}`. Each secret may have "
        "its predecessor beside it, under the same name with `_OLD`, while it is rotated: both verify."
    )
    yield _table(
        ("provider", "name", "scheme", "variables", "checked against"),
        [_provider_row(path) for path in sorted(PACKAGED_DIR.glob("*/webhook.yaml"))],
    )
    yield (
        "*Checked against* names the library whose verdict ours is held against, both ways: what it signs is "
        "accepted, what it refuses is refused. *documentation* is a computation of the tests' own from the "
        "provider's page, where no library of the provider verifies. The rows stand in `tests/oracles`."
    )


def metrics_page() -> Iterator[str]:
    """Describe every metric."""
    yield "# Metrics"
    yield (
        "`/metrics` shows them in Prometheus' text format, or OpenMetrics where that is asked for; "
        "[observe](../how-to/observe.md) says how to collect them. Counters and histograms are of all "
        "processes that share the port. Gauges are read from the journal and say the same everywhere: take "
        "their `max`."
    )
    yield _table(
        ("metric", "kind", "labels", "what it says"),
        [
            (f"`{each.name}`", each.kind, ", ".join(f"`{label}`" for label in each.labels), each.help)
            for each in METRICS
        ],
    )


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "settings.md": settings_page,
    "cli.md": commands_page,
    "rest.md": routes_page,
    "errors.md": errors_page,
    "telemetry.md": telemetry_page,
    "metrics.md": metrics_page,
    "providers.md": providers_page,
}


def documents() -> Mapping[Path, str]:
    """Return every file that is written here, with its text."""
    pages = {REFERENCE / name: rendered(page) for name, page in PAGES.items()}
    return {**pages, SCHEMA_FILE: editor_schema()}


def rendered(page: Callable[[], Iterator[str]]) -> str:
    """Return the text of one page."""
    title, *rest = page()
    text = "\n\n".join([title, _GENERATED, *(part for part in rest if part)]) + "\n"
    return text.replace("``", "`")  # docstrings are written for two readers


def _provider_row(path: Path) -> tuple[str, ...]:
    content = read_provider_file(path).model_dump(by_alias=True, exclude_none=True)
    webhooks = content["webhooks"].values()
    return (
        f"[{content['title']}]({content['documentation']})",
        f"`{path.parent.name}`",
        ", ".join(dict.fromkeys(_scheme(webhook["verification"]) for webhook in webhooks)),
        ", ".join(dict.fromkeys(f"`{name}`" for webhook in webhooks for name in _needed(webhook))),
        ", ".join(content["checked_against"]),
    )


def _scheme(verification: Mapping[str, Any]) -> str:
    """Say a ``verification:`` block in a few words: ``hmac sha256``, ``token or hmac sha256``."""
    for key, word in (("any_of", " or "), ("all_of", " and ")):
        if key in verification:
            return word.join(dict.fromkeys(_scheme(each) for each in verification[key]))
    algorithm = verification.get("algorithm", "")
    allowed = algorithm["allow"] if isinstance(algorithm, Mapping) else [algorithm]
    words = allowed.values() if isinstance(allowed, Mapping) else allowed
    return f"{verification.get('scheme', 'hmac')} {' or '.join(words)}".strip()


def _needed(webhook: Mapping[str, Any]) -> Iterator[str]:
    yield from _variables(webhook)
    if re.search(r"\{(sha256:)?url\}", str(webhook["verification"])) and "public_url" not in webhook:
        yield PUBLIC_URL


def _variables(block: Any) -> Iterator[str]:
    """Yield every environment variable that *block* names, as ``env:`` or as ``{env:…}`` in a text."""
    if isinstance(block, str):
        yield from re.findall(r"\{env:(\w+)", block)
    elif isinstance(block, list):
        for each in block:
            yield from _variables(each)
    elif isinstance(block, dict):
        for key, value in block.items():
            if key == "env":
                yield from [value] if isinstance(value, str) else value
            else:
                yield from _variables(value)


def _default(field: Any) -> str:
    if field.default is PydanticUndefined:
        return "required"
    if isinstance(field.default, timedelta):
        return f"`{written(field.default)}`"
    if isinstance(field.default, tuple):
        return f"`{','.join(map(str, field.default))}`" if field.default else "none"
    return "none" if field.default is None else f"`{field.default}`"


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    if name != "webhooks":
        yield name, command
    for word, each in getattr(command, "commands", {}).items():
        yield from _commands(each, f"{name} {word}")


def _spelling(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{(parameter.name or '').upper()}`"
    return ", ".join(f"`{word}`" for word in (*parameter.opts, *parameter.secondary_opts))


def _operations() -> Iterator[tuple[str, str, str]]:
    """Yield what the API answers; routes are declared without looking at the platform."""
    description = create_api(MagicMock()).openapi()
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            text = operation.get("description") or operation.get("summary", "")
            yield method.upper(), f"`{path}`", text.splitlines()[0]


def _classes(module: Any) -> Iterator[tuple[str, type[Any]]]:
    for name, value in vars(module).items():
        if inspect.isclass(value) and value.__module__ == module.__name__:
            yield name, value


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [" | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) for row in rows]
    if not lines:
        return ""
    return "\n".join(f"| {line} |" for line in (" | ".join(head), " | ".join("---" for _ in head), *lines))


def main() -> int:
    """Write the pages, or with ``--check`` return 1 where one is not current."""
    parser = argparse.ArgumentParser(description="Write docs/reference from the code.")
    parser.add_argument(
        "--check", action="store_true", help="write nothing, fail where a page is not current"
    )
    only_check = parser.parse_args().check
    stale = 0
    for path, text in documents().items():
        present = path.read_text("utf-8") if path.is_file() else ""
        if not only_check:
            path.write_text(text, "utf-8")
        elif present != text:
            stale += 1
            print(f"{path.relative_to(ROOT)} is not current; `make format` writes it anew:")
            print(
                "\n".join(
                    list(difflib.unified_diff(present.splitlines(), text.splitlines(), lineterm=""))[:20]
                )
            )
    return int(stale > 0)


if __name__ == "__main__":
    sys.exit(main())
