"""Several processes behind one address: started again, replaced, stopped in order."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.posting import Posted, post_until
from tests.running_server import running_server

pytestmark = pytest.mark.slow


def children(process: int) -> list[int]:
    found = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(each) for each in found]


def wait_for(what: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until other processes have done *what*."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def log_of(folder: Path) -> str:
    return (folder / "server.log").read_text()


@pytest.fixture
def several(database_url, tmp_path):
    options = ("--processes", "2")
    with running_server(database_url, folder=tmp_path, options=options) as server:
        yield server
        for child in children(server.process.pid) if server.process.poll() is None else ():
            os.kill(child, signal.SIGKILL)


def test_events_reach_any_process_and_a_stop_ends_all_of_them_in_order(several, tmp_path):
    posted = asyncio.run(post_until(several.url, lambda posted: len(posted.acknowledged) >= 100))
    started = children(several.process.pid)

    code = several.stop()

    assert posted.failures == {}
    assert len(set(posted.acknowledged.values())) == len(posted.acknowledged)
    assert len(started) == 2
    assert "Processes: 2" in several.greeting
    assert code == 0
    assert not any(Path(f"/proc/{child}").exists() for child in started)
    assert '"level": "error"' not in log_of(tmp_path)


def test_a_process_that_is_killed_is_started_again(several, tmp_path):
    first = set(children(several.process.pid))
    os.kill(min(first), signal.SIGKILL)

    wait_for(lambda: len(set(children(several.process.pid)) - first) == 1)
    posted = asyncio.run(post_until(several.url, lambda posted: len(posted.acknowledged) >= 20))

    assert len(posted.acknowledged) >= 20
    assert '"exit_code": 137' in log_of(tmp_path)


def test_a_rolling_restart_replaces_every_process_and_refuses_no_request(several, tmp_path):
    first = set(children(several.process.pid))
    several.process.send_signal(signal.SIGHUP)

    def replaced(_: Posted) -> bool:
        return "Every process is replaced" in log_of(tmp_path)

    posted = asyncio.run(post_until(several.url, replaced, clients=2, seconds=90))
    wait_for(lambda: not first & set(children(several.process.pid)))

    assert posted.failures == {}
    assert len(posted.acknowledged) > 20
    assert len(children(several.process.pid)) == 2


def test_children_stop_by_themselves_when_nobody_watches_them_any_more(several):
    first = children(several.process.pid)
    several.process.send_signal(signal.SIGKILL)
    several.process.wait(timeout=10)

    wait_for(lambda: not any(Path(f"/proc/{child}").exists() for child in first))


def test_settings_that_cannot_be_used_stop_the_start_with_the_childs_code(tmp_path):
    command = [sys.executable, "-m", "smart_api_integrations.cli", "serve", "--port", "0", "--processes", "2"]

    ran = subprocess.run(
        [*command, "--handlers", "no_such_module"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ran.returncode == 78
    assert 1 <= ran.stderr.count("'no_such_module' cannot be imported") <= 2
    assert "Traceback" not in ran.stderr


def test_a_child_hears_settings_in_its_environment_and_not_on_its_command_line(tmp_path):
    url = f"sqlite:///{tmp_path}/webhooks.db"
    with running_server(url, folder=tmp_path, options=("--processes", "2")) as server:
        shown = [Path(f"/proc/{child}/cmdline").read_text() for child in children(server.process.pid)]

        assert not any("webhooks.db" in line for line in shown)
        assert all("--tether-fd" in line for line in shown)
        assert server.stop() == 0


def test_metrics_are_of_all_processes_whichever_is_asked(several):
    posted = asyncio.run(post_until(several.url, lambda posted: len(posted.acknowledged) >= 60))
    first = children(several.process.pid)
    os.kill(min(first), signal.SIGKILL)
    wait_for(lambda: len(children(several.process.pid)) == 2 and children(several.process.pid) != first)

    counted = [accepted_in(several.url) for _ in range(10)]

    assert set(counted) == {len(posted.acknowledged)}


def accepted_in(url: str) -> float:
    with closing(HTTPConnection(urlsplit(url).netloc, timeout=20)) as connection:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    (line,) = (
        line
        for line in text.splitlines()
        if line.startswith("webhooks_ingest_requests_total") and 'outcome="accepted"' in line
    )
    return float(line.rpartition(" ")[2])
