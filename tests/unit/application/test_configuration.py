"""Settings as a process finds them: arguments, the environment, ``webhooks.toml`` in the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from smart_api_integrations.application import settings_from_surroundings
from smart_api_integrations.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_file_the_environment_and_the_arguments_come_in_that_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "webhooks.toml").write_text('host = "::1"\nport = 1\nhandlers = ["shop"]\n')
    monkeypatch.setenv("WEBHOOKS_PORT", "2")

    settings = settings_from_surroundings(port=3, host=None)

    assert (settings.host, settings.port, settings.handlers) == ("::1", 3, ("shop",))
    assert settings_from_surroundings().port == 2


def test_without_anything_the_defaults_hold() -> None:
    assert settings_from_surroundings().database_url == "sqlite:///webhooks.db"


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "webhooks.toml").write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigurationError, match=r"webhooks\.toml cannot be read"):
        settings_from_surroundings()
