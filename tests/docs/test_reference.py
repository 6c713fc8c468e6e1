"""Nothing that a user meets is undocumented: each has its entry in ``docs/reference``."""

import inspect
from collections.abc import Iterator
from typing import Any
from unittest.mock import MagicMock

import pytest

from scripts import generate_reference
from smart_api_integrations import errors, telemetry
from smart_api_integrations.api import create_api
from smart_api_integrations.cli.program import build
from smart_api_integrations.providers.catalogue import PACKAGED_DIR
from smart_api_integrations.server.health import Health
from smart_api_integrations.settings import Settings
from tests.docs.pages import REFERENCE


def commands(command: Any, words: str = "webhooks") -> Iterator[tuple[str, Any]]:
    for name, each in getattr(command, "commands", {}).items():
        yield f"{words} {name}", each
        yield from commands(each, f"{words} {name}")


def classes(module: Any, kind: type[Any]) -> Iterator[str]:
    for name, value in vars(module).items():
        if inspect.isclass(value) and issubclass(value, kind) and value.__module__ == module.__name__:
            yield name


def option(parameter: Any) -> str:
    return parameter.opts[0] if parameter.opts[0].startswith("-") else parameter.name.upper()


def entries() -> Iterator[tuple[str, str]]:
    """Yield every page with what has to stand on it."""
    yield from (("settings.md", f"WEBHOOKS_{field.upper()}") for field in Settings.model_fields)
    yield from (("errors.md", name) for name in classes(errors, Exception))
    yield from (("telemetry.md", event.__name__) for event in telemetry.EVENTS)
    yield from (("rest.md", path) for path in Health.paths)
    yield from (("rest.md", path) for path in create_api(MagicMock()).openapi()["paths"])
    yield from (("providers.md", path.parent.name) for path in PACKAGED_DIR.glob("*/webhook.yaml"))
    for words, command in commands(build()):
        yield "cli.md", words
        yield from (("cli.md", option(parameter)) for parameter in command.params)


@pytest.mark.parametrize(("page", "entry"), sorted(set(entries())))
def test_has_its_entry(page, entry):
    assert f"`{entry}`" in (REFERENCE / page).read_text("utf-8")


def test_every_telemetry_event_is_declared():
    """An event class beside the table of events would be told, but never documented."""
    declared = {
        name for name in classes(telemetry, object) if hasattr(vars(telemetry)[name], "__match_args__")
    }

    assert declared == {event.__name__ for event in telemetry.EVENTS}


@pytest.mark.parametrize("page", generate_reference.PAGES)
def test_page_is_current(page):
    rendered = generate_reference.rendered(generate_reference.PAGES[page])

    assert (REFERENCE / page).read_text("utf-8") == rendered
