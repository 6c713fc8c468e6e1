"""What a machine may not have: a test marked with it is skipped by name, or fails where ``CI=true``.

The suite's marks ``postgres``, ``redis``, ``rabbitmq``, ``browser`` and ``payload_examples`` say what a
test needs. ``.ci/run`` provides all of it, so that there a missing one is a fault and not a shrug.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, settings

# No test is a stopwatch: how long an example takes says something about the machine.
settings.register_profile("without a clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("without a clock")

POSTGRES_URL = os.environ.get("WEBHOOKS_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/test")
REDIS_URL = os.environ.get("WEBHOOKS_TEST_REDIS_URL", "redis://127.0.0.1:6379/0")
RABBITMQ_URL = os.environ.get("WEBHOOKS_TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672/")
PAYLOAD_EXAMPLES = Path(__file__).resolve().parent.parent / ".cache" / "octokit" / "package"


def _answers(url: str) -> Callable[[], bool]:
    parts = urlsplit(url)

    def is_there() -> bool:
        try:
            socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 0), timeout=2).close()
        except OSError:
            return False
        return True

    return is_there


NEEDS: dict[str, tuple[str, Callable[[], bool]]] = {
    "postgres": ("PostgreSQL (WEBHOOKS_TEST_POSTGRES_URL)", _answers(POSTGRES_URL)),
    "redis": ("Redis (WEBHOOKS_TEST_REDIS_URL)", _answers(REDIS_URL)),
    "rabbitmq": ("RabbitMQ (WEBHOOKS_TEST_RABBITMQ_URL)", _answers(RABBITMQ_URL)),
    "browser": ("Chromium", lambda: bool(shutil.which("chromium") or shutil.which("chromium-browser"))),
    "payload_examples": (
        "GitHub's payload examples (scripts/fetch_payload_examples.sh)",
        PAYLOAD_EXAMPLES.is_dir,
    ),
}
_missing = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Look once which of the needs are met."""
    config.stash[_missing] = {mark: name for mark, (name, is_there) in NEEDS.items() if not is_there()}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say at the end by name what this machine has not got."""
    for name in config.stash[_missing].values():
        terminalreporter.write_line(f"Not here, so not tested with: {name}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose need is not met; where ``CI=true``, fail it."""
    for mark, name in item.config.stash[_missing].items():
        if item.get_closest_marker(mark) is None:
            continue
        if os.environ.get("CI") == "true":
            pytest.fail(f"{name} is not here, and CI=true asks for it", pytrace=False)
        pytest.skip(f"{name} is not here")


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """Return the URL of a PostgreSQL database that tests may create schemas in."""
    return POSTGRES_URL


@pytest.fixture(scope="session")
def payload_examples() -> Path:
    """Return the folder of GitHub's published payload examples."""
    return PAYLOAD_EXAMPLES
