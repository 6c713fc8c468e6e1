"""One process of a supervisor: started on its socket, held by a tether. Floor 9.

The tether is a pair of sockets. The child says one byte when it is ready; should its parent die, the
child's end closes and it stops in order, so that no process is left without one who watches it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from smart_api_integrations.server.service_manager import SOCKET_VARIABLE

READY = b"+"
_NOT_FOR_CHILDREN = (SOCKET_VARIABLE, "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES")


@dataclass(slots=True, kw_only=True)
class Child:
    """A process, and what is known of it."""

    process: subprocess.Popen[bytes]
    tether: socket.socket
    began: float = field(default_factory=time.monotonic)
    is_ready: bool = False

    @property
    def code(self) -> int | None:
        """Its exit code, or None while it runs; of a signal the code that a shell gives."""
        code = self.process.poll()
        return 128 - code if code is not None and code < 0 else code

    @property
    def age(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self.began

    def hear(self) -> None:
        """Take note of what it says; nothing at all means that it is going."""
        with contextlib.suppress(BlockingIOError, ConnectionError):
            self.is_ready = self.tether.recv(16).startswith(READY) or self.is_ready

    def stop(self) -> None:
        """Ask it to stop in order; asked again it hurries."""
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it now."""
        self.process.kill()

    def close(self) -> None:
        """Let go of the tether."""
        self.tether.close()


def start(command: Sequence[str], *, listening: socket.socket, environ: Mapping[str, str]) -> Child:
    """Start *command* as a child that shares *listening*.

    It is in a process group of its own: Ctrl-C in a terminal is for the parent, which passes it on once.
    """
    ours, theirs = socket.socketpair()
    ours.settimeout(0)
    inherited = (listening.fileno(), theirs.fileno())
    passed = ("--listen-fd", str(inherited[0]), "--tether-fd", str(inherited[1]))
    known = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_CHILDREN}
    with theirs:
        process = subprocess.Popen(  # noqa: S603 - this program itself
            [sys.executable, *command, *passed],
            env={**known, **environ},
            pass_fds=inherited,
            stdin=subprocess.DEVNULL,
            process_group=0,
        )
    return Child(process=process, tether=ours)
