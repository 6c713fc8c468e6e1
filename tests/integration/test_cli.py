"""The command line as users type it: real processes, their output and their exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from smart_api_integrations.application.identifiers import ulids
from smart_api_integrations.storage import open_journal
from smart_api_integrations.storage.secret_cipher import SecretCipher
from smart_api_integrations.testing.signed_webhooks import secrets_for_tests
from tests.running_server import (
    ENCRYPTION_KEY,
    GITHUB_SECRET,
    RunningServer,
    fresh_postgres,
    running_server,
)

pytestmark = pytest.mark.slow

SECRETS = {**secrets_for_tests(None), "GITHUB_WEBHOOK_SECRET": GITHUB_SECRET}


def run(
    *arguments: str, folder: Path, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "smart_api_integrations.cli", *arguments],
        cwd=folder,
        env={
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith("WEBHOOKS_") and name not in SECRETS
            },
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "COLUMNS": "200",
            **(environ or {}),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def get(server: RunningServer, path: str) -> Any:
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    with contextlib.closing(connection):
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Run one server for every test that only sends to it."""
    folder = tmp_path_factory.mktemp("server")
    with running_server(f"sqlite:///{folder}/webhooks.db", folder=folder, environ=SECRETS) as running:
        yield running


class TestServe:
    def test_it_says_in_one_line_that_it_is_ready_and_where(self, server: RunningServer) -> None:
        assert re.fullmatch(
            r"Ready\. Dashboard: (http://127\.0\.0\.1:\d+)/   Ways in: \1/webhooks/<provider>\n",
            server.greeting,
        )
        assert get(server, "/health")["status"] == "healthy"

    @pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
    def test_the_curl_that_it_prints_is_short_and_is_accepted_as_it_is(self, tmp_path: Path) -> None:
        with running_server(f"sqlite:///{tmp_path}/webhooks.db", folder=tmp_path) as server:
            assert server.process.stdout is not None
            lines = [server.process.stdout.readline(), server.process.stdout.readline()]
            command = shlex.split(lines[1])

            answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)

        assert lines[0] == "Try it:\n"
        assert command[0] == "curl"
        assert len(lines[1]) < 1500
        assert json.loads(answer.stdout)["success"] is True

    def test_beyond_loopback_it_wants_a_key_and_says_how_to_make_one(self, tmp_path: Path) -> None:
        ended = run("serve", "--host", "0.0.0.0", "--port", "0", folder=tmp_path)  # noqa: S104 - that is the test

        made = re.search(r"(export WEBHOOKS_API_KEYS=.*)", ended.stderr)
        assert ended.returncode == 78
        assert made is not None
        shown = subprocess.run(
            ["bash", "-c", f'{made[1].replace("python3", sys.executable)}; echo "$WEBHOOKS_API_KEYS"'],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
        assert re.fullmatch(r"whk_[\w-]{43}\n", shown.stdout)
        assert list(tmp_path.glob("*.db")) == []

    def test_a_port_that_is_taken_is_told_with_the_way_out(self, tmp_path: Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            ended = run("serve", "--port", str(taken.getsockname()[1]), folder=tmp_path)

        assert ended.returncode == 78
        assert "Choose another port with --port." in ended.stderr
        assert "Traceback" not in ended.stderr

    def test_a_providers_folder_that_is_a_file_stops_the_start(self, tmp_path: Path) -> None:
        (tmp_path / "providers").write_text("")

        ended = run("serve", "--port", "0", folder=tmp_path)

        assert ended.returncode == 78
        assert "WEBHOOKS_PROVIDERS_DIR: providers is a file" in ended.stderr

    @pytest.mark.parametrize(
        ("module", "told"),
        [
            ("nowhere.to.be.found", "No module named 'nowhere'"),
            ("raising", "ZeroDivisionError: division by zero"),
            ("misspelt", "SyntaxError"),
            ("leaving", "SystemExit"),
        ],
    )
    def test_handlers_that_cannot_be_imported_stop_the_start(
        self, tmp_path: Path, module: str, told: str
    ) -> None:
        (tmp_path / "raising.py").write_text("1 / 0\n")
        (tmp_path / "misspelt.py").write_text("def\n")
        (tmp_path / "leaving.py").write_text("import sys; sys.exit()\n")

        ended = run("serve", "--port", "0", "--handlers", module, folder=tmp_path)

        assert ended.returncode == 78
        assert f"The handler module {module!r} cannot be imported" in ended.stderr
        assert told in ended.stderr

    def test_settings_that_cannot_be_used_are_all_told_at_once(self, tmp_path: Path) -> None:
        (tmp_path / "webhooks.toml").write_text('hots = "127.0.0.1"\n')
        environ = {"WEBHOOKS_PROT": "1", "WEBHOOKS_LEASE_SECONDS": "-1"}

        ended = run("serve", "--port", "0", "--roles", "gateway,cook", folder=tmp_path, environ=environ)

        assert ended.returncode == 78
        for told in ("did you mean WEBHOOKS_PORT?", "did you mean host?", "lease_seconds:", "roles.1:"):
            assert told in ended.stderr

    def test_an_option_that_does_not_exist_is_a_mistyped_command(self, tmp_path: Path) -> None:
        assert run("serve", "--prot", "1", folder=tmp_path).returncode == 2

    def test_a_database_of_unknown_kind_is_told(self, tmp_path: Path) -> None:
        ended = run(
            "serve",
            "--port",
            "0",
            "--database-url",
            "mysql://root@localhost/x",
            folder=tmp_path,
            environ={"WEBHOOKS_ENCRYPTION_KEYS": ENCRYPTION_KEY},
        )

        assert ended.returncode == 78
        assert "The database scheme 'mysql' is not known" in ended.stderr

    @pytest.mark.postgres
    def test_postgresql_wants_a_key_for_secrets_and_says_how_to_make_one(
        self, tmp_path: Path, postgres_url: str
    ) -> None:
        ended = run("serve", "--port", "0", "--database-url", postgres_url, folder=tmp_path)

        assert ended.returncode == 78
        assert "export WEBHOOKS_ENCRYPTION_KEYS=" in ended.stderr

    @pytest.mark.postgres
    def test_it_serves_on_postgresql(self, tmp_path: Path, postgres_url: str) -> None:
        with (
            fresh_postgres(postgres_url) as url,
            running_server(
                url, folder=tmp_path, environ={"WEBHOOKS_ENCRYPTION_KEYS": ENCRYPTION_KEY}
            ) as server,
        ):
            ended = run("trigger", "github", "push", "--to", server.url, folder=tmp_path, environ=SECRETS)
            assert (ended.returncode, ended.stdout[:4]) == (0, "200 ")
            assert server.stop() == 0


HANDLERS = """
import os, threading
from smart_api_integrations.webhooks import webhook_handler

@webhook_handler("github", "push")
def wait(event):
    print("begun", flush=True)
    if os.environ["GO_ON"] == "never":
        threading.Event().wait()
    while not os.path.exists(os.environ["GO_ON"]):
        threading.Event().wait(0.01)
    return {"finished": True}
"""


class TestStop:
    """What SIGTERM does to a server whose handler runs."""

    @contextlib.contextmanager
    def begun(self, folder: Path, go_on: str, *, grace: float) -> Iterator[RunningServer]:
        """Run a server whose handler is running."""
        (folder / "waiting.py").write_text(HANDLERS)
        environ = {
            "WEBHOOKS_HANDLERS": "waiting",
            "WEBHOOKS_SHUTDOWN_SECONDS": str(grace),
            "GO_ON": go_on,
        }
        database = f"sqlite:///{folder}/webhooks.db"
        with running_server(database, folder=folder, environ=environ) as server:
            ended = run("trigger", "github", "push", "--to", server.url, folder=folder, environ=SECRETS)
            assert ended.returncode == 0, ended.stderr
            assert server.process.stdout is not None
            while "begun" not in server.process.stdout.readline():
                assert server.process.poll() is None
            yield server

    def states(self, folder: Path) -> list[tuple[str, list[str], int]]:
        """Return where each handling stands, its attempts' ends, and how many there were."""

        async def look() -> list[tuple[str, list[str], int]]:
            journal = open_journal(
                f"sqlite:///{folder}/webhooks.db", new_id=ulids(), cipher=SecretCipher([b"k" * 32])
            )
            await journal.open()
            try:
                (summary,) = await journal.events.summaries()
                trace = await journal.events.trace(summary.id)
            finally:
                await journal.close()
            assert trace is not None
            attempts = [attempt.status for attempt in trace.attempts]
            return [(part.state, attempts, part.attempt_count) for part in trace.handlings]

        return asyncio.run(look())

    def test_a_handler_that_runs_may_finish(self, tmp_path: Path) -> None:
        go_on = tmp_path / "go-on"
        with self.begun(tmp_path, str(go_on), grace=20) as server:
            server.process.send_signal(signal.SIGTERM)
            await_closed(server)
            go_on.touch()

            assert server.process.wait(timeout=20) == 0
        assert self.states(tmp_path) == [("completed", ["succeeded"], 1)]

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_handler_that_never_finishes_does_not_hold_it_up_beyond_the_grace(
        self, tmp_path: Path, number: signal.Signals
    ) -> None:
        with self.begun(tmp_path, "never", grace=0.5) as server:
            began = time.monotonic()
            server.process.send_signal(number)

            assert server.process.wait(timeout=20) == 0
            assert time.monotonic() - began < 10
        assert self.states(tmp_path) == [("verified", [], 0)]

    def test_a_second_signal_stops_it_at_once_and_still_gives_the_work_back(self, tmp_path: Path) -> None:
        with self.begun(tmp_path, "never", grace=600) as server:
            server.process.send_signal(signal.SIGTERM)
            await_closed(server)
            server.process.send_signal(signal.SIGTERM)

            assert server.process.wait(timeout=20) == 0
        assert self.states(tmp_path) == [("verified", [], 0)]


def await_closed(server: RunningServer) -> None:
    """Wait until the server takes no connections any more."""
    parts = urlsplit(server.url)
    deadline = time.monotonic() + 20
    with contextlib.suppress(ConnectionError):
        while time.monotonic() < deadline:
            socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5).close()
            select.select([], [], [], 0.01)
        pytest.fail("the server still takes connections")


class TestTrigger:
    def test_a_sample_is_accepted_and_kept(self, server: RunningServer, tmp_path: Path) -> None:
        ended = run(
            "trigger", "github", "push", "--to", server.url, "--json", folder=tmp_path, environ=SECRETS
        )

        assert ended.returncode == 0, ended.stderr
        told = json.loads(ended.stdout)
        answer = told["answer"] or {"success": True, "duplicate": False}  # some want nothing in it
        assert (told["status"], answer["success"], answer["duplicate"]) == (200, True, False)
        kept = get(server, f"/api/received/{told['answer']['id']}")
        assert (kept["provider"], kept["event_type"]) == ("github", "push")

    def test_a_bad_signature_is_refused_and_the_command_fails(
        self, server: RunningServer, tmp_path: Path
    ) -> None:
        ended = run(
            "trigger",
            "github",
            "push",
            "--bad-signature",
            "--to",
            server.url,
            folder=tmp_path,
            environ=SECRETS,
        )

        assert ended.returncode == 1
        assert ended.stdout.startswith("401 ")

    def test_count_sends_different_events(self, server: RunningServer, tmp_path: Path) -> None:
        ended = run(
            "trigger",
            "stripe",
            "invoice.paid",
            "--count",
            "3",
            "--json",
            "--to",
            server.url,
            folder=tmp_path,
            environ=SECRETS,
        )

        answers = [json.loads(line)["answer"] for line in ended.stdout.splitlines()]
        assert len({answer["id"] for answer in answers}) == 3
        assert not any(answer["duplicate"] for answer in answers)

    def test_a_payload_of_ones_own_and_a_whole_url(self, server: RunningServer, tmp_path: Path) -> None:
        (tmp_path / "mine.json").write_text('{"order": 7}')
        ended = run(
            "trigger",
            "github",
            "push",
            "--payload-file",
            "mine.json",
            "--secret",
            GITHUB_SECRET,
            "--json",
            "--to",
            f"{server.url}/webhooks/github/",
            folder=tmp_path,
        )

        assert ended.returncode == 0, ended.stderr
        kept = get(server, f"/api/received/{json.loads(ended.stdout)['answer']['id']}")
        assert json.loads(kept["body"]) == {"order": 7}

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (("githup", "push"), "The provider 'githup' is unknown; known are github"),
            (("github", "pushh!"), "The event 'pushh!' is unknown"),
            (("github", "Push"), "known are: push"),
            (("github", "push"), "GITHUB_WEBHOOK_SECRET is not set"),
            (("github", "push", "--webhook", "deploys"), "The webhook 'deploys' is unknown"),
            (("github", "push", "--payload-file", "none.json"), "none.json cannot be read"),
            (("github", "push", "--secret", "x" * 20, "--to", "http://127.0.0.1:9"), "error: "),
            (("github", "push", "--secret", "x" * 20, "--to", "127.0.0.1:8000"), "error: "),
        ],
    )
    def test_what_cannot_be_sent_is_told_in_one_sentence(
        self, tmp_path: Path, arguments: tuple[str, ...], told: str
    ) -> None:
        ended = run("trigger", *arguments, folder=tmp_path)

        assert ended.returncode in {2, 3, 7, 78}
        assert told in ended.stderr
        assert "Traceback" not in ended.stderr
        assert ended.stdout == ""

    def test_help_is_there_for_every_command(self, tmp_path: Path) -> None:
        for arguments in (("--help",), ("serve", "--help"), ("trigger", "--help"), ("providers", "--help")):
            ended = run(*arguments, folder=tmp_path)
            assert (ended.returncode, "Usage:" in ended.stdout) == (0, True)
