"""``webhooks demo`` in a process of its own: it plays, it can be looked at, and it leaves nothing behind."""

import http.client
import json
import os
import signal
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.slow

PROGRAM = [sys.executable, "-m", "smart_api_integrations.cli", "demo"]


@pytest.fixture
def start(tmp_path):
    running = []

    def start(*options):
        environ = {name: value for name, value in os.environ.items() if not name.startswith("WEBHOOKS_")}
        paths = os.pathsep.join(path for path in sys.path if path)
        process = subprocess.Popen(
            [*PROGRAM, *options],
            cwd=tmp_path,
            env={**environ, "PYTHONPATH": paths, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_once_it_plays_everything_and_says_what_became_of_it(start, tmp_path):
    process = start("--events", "40", "--rate", "200", "--once", "--json")

    out, err = process.communicate(timeout=120)

    assert (process.returncode, err) == (0, "")
    ready, played = (json.loads(line) for line in out.splitlines())
    assert ready["dashboard"].startswith("http://127.0.0.1:")
    assert (played["what"], played["played"]) == ("played", 40)
    assert played["accepted"] > 0
    assert played["rejected"] >= 4
    assert played["duplicate"] > 0
    assert played["delivered"] > 0
    assert list(tmp_path.iterdir()) == []


def test_it_is_looked_at_and_stopped_by_a_signal(start, tmp_path):
    process = start("--events", "1000", "--rate", "50", "--json")
    ready = json.loads(process.stdout.readline())

    connection = http.client.HTTPConnection(urlsplit(ready["url"]).netloc, timeout=20)
    connection.request("GET", "/live")
    page = connection.getresponse().read().decode()
    connection.close()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert "What happens" in page
    assert (process.returncode, out, err) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", [("--events", "0"), ("--rate", "0"), ("--port", "x")])
def test_what_cannot_be_is_said_before_anything_starts(start, options):
    process = start(*options)

    _, err = process.communicate(timeout=60)

    assert process.returncode == 2
    assert options[0] in err
