"""The first minutes with the program, in real processes: no account, no configuration, no secret."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROGRAM = [sys.executable, "-m", "smart_api_integrations.cli"]
HANDLERS = """
from smart_api_integrations.webhooks import webhook_handler

@webhook_handler("github", "push")
def announce(event):
    print("printed by the handler")
    return {"ref": event.payload["ref"]}
"""


def environ(folder: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("WEBHOOKS_") and not name.endswith("_SECRET")
    }
    paths = os.pathsep.join(path for path in sys.path if path)
    return {**kept, "PYTHONPATH": paths, "PYTHONUNBUFFERED": "1", "XDG_STATE_HOME": str(folder / "state")}


class Development:
    """A running ``webhooks dev``, and other commands beside it."""

    def __init__(self, folder: Path, *options: str) -> None:
        (folder / "hooks_in_dev.py").write_text(HANDLERS)
        self.folder = folder
        self.process = subprocess.Popen(
            [*PROGRAM, "dev", "--port", "0", "--handlers", "hooks_in_dev", *options],
            cwd=folder,
            env=environ(folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.url = self.line_with(r"Ready\. Dashboard: (http://\S+)/")

    def line_with(self, pattern: str) -> str:
        """Read on to a line in which *pattern* is, and return its first group or the line."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            found = re.search(pattern, line)
            if found:
                return found[1] if found.groups() else line
        pytest.fail(f"it ended without a line with {pattern}")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*PROGRAM, *words],
            cwd=self.folder,
            env=environ(self.folder),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(timeout=40)
        finally:
            assert self.process.stdout is not None
            self.process.stdout.close()


@pytest.fixture
def development(tmp_path: Path) -> Iterator[Development]:
    running = Development(tmp_path)
    yield running
    if running.process.poll() is None:
        running.stop()


def test_an_event_is_a_line_as_it_comes_and_its_handler_another(development: Development) -> None:
    sent = development.run("trigger", "github", "push", "--to", development.url)

    assert (sent.returncode, sent.stderr) == (0, "")
    assert "github  push" in development.line_with("accepted")
    assert "hooks_in_dev.announce" in development.line_with("handling completed")
    assert development.stop() == 0


def test_a_forged_one_is_a_line_with_its_reason(development: Development) -> None:
    sent = development.run("trigger", "stripe", "invoice.paid", "--bad-signature", "--to", development.url)

    assert sent.returncode == 1
    assert "signature_mismatch" in development.line_with("401 refused")


def test_lists_are_the_same_from_the_server_and_from_its_database(development: Development) -> None:
    for event in ("push", "issues.opened"):
        assert development.run("trigger", "github", event, "--to", development.url).returncode == 0
    development.line_with("handling completed")

    for command in ("events", "deliveries", "dead-letters", "endpoints"):
        asked = development.run(command, "list", "--json", "--url", development.url)
        read = development.run(command, "list", "--json", "--db", "sqlite:///webhooks.db")
        assert (asked.returncode, asked.stdout) == (read.returncode, read.stdout), asked.stderr + read.stderr

    listed = development.run("events", "list", "--json", "--url", development.url)
    assert [json.loads(line)["event_type"] for line in listed.stdout.splitlines()] == ["issues", "push"]
    shown = development.run(
        "events", "show", json.loads(listed.stdout.splitlines()[0])["id"], "--url", development.url
    )
    assert json.loads(shown.stdout)["event_type"] == "issues"


def test_what_arrived_is_forwarded_to_another_server(development: Development, tmp_path: Path) -> None:
    secret = (tmp_path / ".webhooks-dev-secret").read_text().strip()
    assert development.run("trigger", "github", "push", "--to", development.url).returncode == 0
    other = tmp_path / "other"
    other.mkdir()
    (other / ".webhooks-dev-secret").write_text(secret)
    receiving = Development(other)

    try:
        words = (
            "listen",
            "--from-start",
            "--once",
            "--json",
            "--forward-to",
            f"{receiving.url}/webhooks/github",
        )
        forwarded = development.run(*words)

        assert json.loads(forwarded.stdout)["forwarded"] == 200, forwarded.stderr
        assert "github  push" in receiving.line_with("accepted")
    finally:
        receiving.stop()


def test_with_json_standard_output_holds_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "hooks_in_dev.py").write_text(HANDLERS)
    process = subprocess.Popen(
        [*PROGRAM, "dev", "--port", "0", "--handlers", "hooks_in_dev", "--json"],
        cwd=tmp_path,
        env=environ(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    ready = next(line for line in process.stderr if line.startswith("Ready."))  # after its warnings
    found = re.search(r"http://\S+(?=/ )", ready)
    assert found is not None

    subprocess.run(
        [*PROGRAM, "trigger", "github", "push", "--to", found[0]],
        cwd=tmp_path,
        env=environ(tmp_path),
        capture_output=True,
        timeout=60,
        check=True,
    )
    lines = [json.loads(process.stdout.readline()) for _ in range(2)]
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=40)

    assert [line["what"] for line in lines] == ["accepted", "handling completed"]
    assert rest == ""


def test_the_help_answers_within_the_time_that_a_person_does_not_notice(tmp_path: Path) -> None:
    """Measured against a bare interpreter, for the machine may be slow: 200 ms where that takes 20."""
    import time  # noqa: PLC0415 - of this test alone

    def best(*words: str) -> float:
        spans = []
        for _ in range(5):
            began = time.perf_counter()
            subprocess.run(
                [sys.executable, *words], cwd=tmp_path, env=environ(tmp_path), capture_output=True, check=True
            )
            spans.append(time.perf_counter() - began)
        return min(spans)

    bare, helped = best("-c", "pass"), best("-m", "smart_api_integrations.cli", "--help")

    assert helped < max(0.2, 10 * bare)
