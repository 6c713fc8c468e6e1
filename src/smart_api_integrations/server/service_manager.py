"""What systemd is told: that the server is ready, reloads, stops. Floor 9.

https://www.freedesktop.org/software/systemd/man/sd_notify.html; where nobody listens, nothing is said.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time

READY = "READY=1"
STOPPING = "STOPPING=1"
SOCKET_VARIABLE = "NOTIFY_SOCKET"


def notify(*lines: str) -> None:
    """Tell *lines* to whoever started this process as a service; never raises."""
    address = os.environ.get(SOCKET_VARIABLE)
    if not address:
        return
    if address.startswith("@"):  # of Linux's abstract namespace
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.settimeout(1.0)
        sender.connect(address)
        sender.send("\n".join(lines).encode())


def reloading() -> tuple[str, str]:
    """Return what is told when a reload begins; ``READY`` ends it."""
    return "RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}"
