"""A mail server of a few lines: takes one mail after the other, or refuses every recipient."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class MailServer(socketserver.ThreadingTCPServer):
    """Keeps what it is sent; ``refuses`` makes it say no."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.mails: list[str] = []
        self.refuses = False

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class _Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say("220 here")
        while line := self.rfile.readline().decode().strip():
            word = line.split(" ", maxsplit=1)[0].upper()
            if word == "DATA":
                self._say("354 go on")
                self.server.mails.append(self._text())
                self._say("250 taken")
            elif word == "QUIT":
                self._say("221 bye")
                return
            elif word == "RCPT" and self.server.refuses:
                self._say("550 nobody here")
            else:
                self._say("250 fine")

    def _text(self) -> str:
        lines = []
        while (line := self.rfile.readline().decode()) != ".\r\n":
            lines.append(line)
        return "".join(lines)

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def running_mail_server() -> Iterator[MailServer]:
    """Run one for the length of a block."""
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
