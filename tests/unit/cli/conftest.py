"""The program run in this process: as quick as a function, with its output and its exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from smart_api_integrations.cli.program import run
from smart_api_integrations.core.webhook_registry import get_webhook_registry

GITHUB_SECRET = "It's a Secret to Everybody, and long enough"
STRIPE_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What one command did."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        """Return the one object that was printed."""
        return json.loads(self.out)

    @property
    def objects(self) -> list[Any]:
        """Return the objects that were printed, one a line."""
        return [json.loads(line) for line in self.lines]


Cli = Callable[..., Ended]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    """Return a function that runs a command line in an empty folder, with two secrets set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_WEBHOOK_SECRET", GITHUB_SECRET)
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", STRIPE_SECRET)
    monkeypatch.setattr(sys, "path", sys.path[:])
    modules = set(sys.modules)
    registry = get_webhook_registry()
    registry.clear()

    def command(*words: str) -> Ended:
        code = run(words)
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return Ended(code=code, out=told.out, err=told.err)

    yield command
    registry.clear()
    for name in set(sys.modules) - modules:
        if not name.startswith(("smart_api_integrations", "_")) and Path(
            getattr(sys.modules[name], "__file__", None) or "/"
        ).is_relative_to(tmp_path):
            del sys.modules[name]
