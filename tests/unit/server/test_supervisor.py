"""A supervisor over small programs in the place of servers: what it starts, replaces, gives up and stops."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from smart_api_integrations.server import supervisor
from smart_api_integrations.server.supervisor import Supervisor, SupervisorRules

PROGRAM = """\
import os, signal, socket, sys
from pathlib import Path

tether = socket.socket(fileno=int(sys.argv[sys.argv.index("--tether-fd") + 1]))
folder = Path(os.environ["FOLDER"])
plan = (folder / "plan").read_text()
with (folder / "started").open("a") as started:
    started.write(f"{os.getpid()}\\n")
if plan == "fail":
    sys.exit(78)
if plan == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if plan != "silent":
    tether.sendall(b"+")
while tether.recv(1):
    pass
"""

pytestmark = pytest.mark.slow


class Scene:
    """A supervisor that is told what to do while it runs, from the thread that asks for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plan("serve")
        self.program = folder / "program.py"
        self.program.write_text(PROGRAM, "utf-8")
        self.announced = 0

    def plan(self, what: str) -> None:
        (self.folder / "plan").write_text(what, "utf-8")

    @property
    def started(self) -> list[int]:
        file = self.folder / "started"
        return [int(line) for line in file.read_text().split()] if file.exists() else []

    def ready(self) -> None:
        self.announced += 1

    def run(
        self,
        *steps: Callable[[], object],
        processes: int = 2,
        shutdown_seconds: float = 5,
        stops: bool = True,
    ) -> int:
        """Run it; another thread takes the *steps*, then asks it to stop."""
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            rules = SupervisorRules(
                command=[str(self.program)],
                environ={"FOLDER": str(self.folder)},
                processes=processes,
                shutdown_seconds=shutdown_seconds,
                ready=self.ready,
            )
            failures: list[BaseException] = []
            over = threading.Event()

            def drive() -> None:
                try:
                    for step in steps:
                        step()
                except BaseException as error:  # noqa: BLE001 - told by the test's own thread
                    failures.append(error)
                while stops and not over.is_set():
                    os.kill(os.getpid(), signal.SIGTERM)
                    over.wait(8)

            driver = threading.Thread(target=drive, daemon=True)
            driver.start()
            try:
                code = Supervisor(listening, rules).run()
            finally:
                over.set()
                driver.join(timeout=20)
            if failures:
                raise failures[0]
            return code

    def until(self, what: Callable[[], bool]) -> Callable[[], None]:
        def wait() -> None:
            deadline = time.monotonic() + 30
            while not what():
                assert time.monotonic() < deadline, "it did not happen in time"
                time.sleep(0.02)

        return wait

    def all_gone(self) -> bool:
        return not any(Path(f"/proc/{process}").exists() for process in self.started)


@pytest.fixture
def scene(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "TICK_SECONDS", 0.05)
    monkeypatch.setattr(supervisor, "SPARE_SECONDS", 0.2)
    return Scene(tmp_path)


def test_it_announces_once_when_all_are_ready_and_stops_all(scene):
    code = scene.run(scene.until(lambda: scene.announced == 1))

    assert code == 0
    assert len(scene.started) == 2
    assert scene.announced == 1
    assert scene.all_gone()


def test_what_ends_is_started_again(scene):
    code = scene.run(
        scene.until(lambda: scene.announced == 1),
        lambda: os.kill(scene.started[0], signal.SIGKILL),
        scene.until(lambda: len(scene.started) == 3),
    )

    assert code == 0
    assert scene.all_gone()


def test_each_start_that_does_not_last_makes_the_next_wait_longer(scene, caplog):
    scene.run(
        scene.until(lambda: scene.announced == 1),
        lambda: scene.plan("fail"),
        lambda: os.kill(scene.started[0], signal.SIGKILL),
        scene.until(lambda: len(scene.started) >= 5),
        processes=1,
    )

    waits = [record.wait_seconds for record in caplog.records if getattr(record, "action", "") == "restart"]
    assert waits[:4] == [0.2, 0.4, 0.8, 1.6]


def test_where_none_was_ever_ready_it_gives_up_with_the_childs_code(scene):
    scene.plan("fail")

    assert scene.run(stops=False) == 78
    assert scene.announced == 0
    assert len(scene.started) <= 2


def test_sighup_replaces_one_by_one(scene):
    first: list[int] = []

    def replaced() -> bool:
        return len(scene.started) == 4 and not any(Path(f"/proc/{each}").exists() for each in first)

    code = scene.run(
        scene.until(lambda: scene.announced == 1),
        lambda: first.extend(scene.started),
        lambda: os.kill(os.getpid(), signal.SIGHUP),
        scene.until(replaced),
    )

    assert code == 0
    assert scene.announced == 1


def test_a_replacement_that_does_not_come_up_leaves_the_old_ones_alone(scene, caplog):
    scene.run(
        scene.until(lambda: scene.announced == 1),
        lambda: scene.plan("fail"),
        lambda: os.kill(os.getpid(), signal.SIGHUP),
        scene.until(lambda: "did not become ready" in caplog.text),
        scene.until(lambda: all(Path(f"/proc/{each}").exists() for each in scene.started[:2])),
    )

    assert len(scene.started) == 3
    assert scene.all_gone()


def test_a_replacement_that_never_says_ready_is_given_up_after_a_time(scene, caplog, monkeypatch):
    monkeypatch.setattr(supervisor, "START_SECONDS", 0.3)
    scene.run(
        scene.until(lambda: scene.announced == 1),
        lambda: scene.plan("silent"),
        lambda: os.kill(os.getpid(), signal.SIGHUP),
        scene.until(lambda: "did not become ready" in caplog.text),
    )

    assert scene.all_gone()


def test_who_does_not_stop_in_time_is_killed(scene):
    scene.plan("deaf")

    began = time.monotonic()
    code = scene.run(scene.until(lambda: scene.announced == 1), shutdown_seconds=0.2)

    assert code == 0
    assert scene.all_gone()
    assert time.monotonic() - began < 30


def test_signals_are_as_before_when_it_is_over(scene):
    before = (
        signal.getsignal(signal.SIGTERM),
        signal.getsignal(signal.SIGHUP),
        signal.getsignal(signal.SIGINT),
    )

    scene.run(scene.until(lambda: scene.announced == 1), processes=1)

    after = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGHUP), signal.getsignal(signal.SIGINT)
    assert after == before
