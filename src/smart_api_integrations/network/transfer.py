"""One request and its answer on one of libcurl's handles, which serves many in turn. Floor 3."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import pycurl

from smart_api_integrations.core.outbound_request import OutboundRequest
from smart_api_integrations.errors import AddressBlocked

OpenSocket = Callable[[int, int, int, str], socket.socket]
"""Makes a socket of a family, a kind and a protocol for an address; raises ``AddressBlocked``."""

MAX_LINE_BYTES = 8190
MAX_ANSWER_HEADERS = 100
MAX_HEADER_CHARACTERS = 2048
# What libcurl would add of its own accord: a delivery has the headers that it was given and no others.
_NOT_OF_ITSELF = tuple(
    (name, b"%b:" % name.encode()) for name in ("accept", "content-type", "expect", "user-agent")
)
_FORBIDDEN = ("\r", "\n", "\0")


class Transfer:
    """A handle with its settings, and what came back on it."""

    def __init__(
        self, open_socket: OpenSocket, *, options: Mapping[int, Any], read_bytes: int, keep_bytes: int
    ) -> None:
        """Set what is the same for every request; *options* are libcurl's."""
        self.curl = pycurl.Curl()
        self._open_socket = open_socket
        self._read_bytes = read_bytes
        self._keep_bytes = keep_bytes
        for option, value in options.items():
            self.curl.setopt(option, value)
        self.curl.setopt(pycurl.WRITEFUNCTION, self._take_body)
        self.curl.setopt(pycurl.HEADERFUNCTION, self._take_header)
        self.curl.setopt(pycurl.OPENSOCKETFUNCTION, self._make_socket)
        self._forget()

    def prepare(self, request: OutboundRequest, url: str, resolved: str | None) -> None:
        """Describe *request* to libcurl; *resolved* is its ``host:port:address[,address]``.

        Raises:
            ValueError: The request cannot be written as HTTP.
        """
        self._forget()
        curl = self.curl
        if request.method == "POST" or request.body:
            curl.setopt(pycurl.POST, 1)
            curl.setopt(pycurl.POSTFIELDS, request.body)
        else:
            curl.setopt(pycurl.HTTPGET, 1)
            curl.setopt(pycurl.NOBODY, request.method == "HEAD")
        curl.setopt(pycurl.CUSTOMREQUEST, _token(request.method))
        curl.setopt(pycurl.URL, url)
        curl.setopt(pycurl.HTTPHEADER, _header_lines(request.headers))
        # "+": the entry ages in libcurl's cache like any other, so that the cache does not grow for ever.
        curl.setopt(pycurl.RESOLVE, [] if resolved is None else [f"+{resolved}"])

    def _forget(self) -> None:
        self.status = 0
        self.body = bytearray()
        self.size = 0
        self.lines: list[bytes] = []
        self.head_complete = False
        self.blocked: AddressBlocked | None = None
        self.connecting = False

    @property
    def was_cut(self) -> bool:
        """True where the answer was longer than is read, and was given up for that."""
        return self.size > self._read_bytes

    @property
    def truncated(self) -> bool:
        """True where ``kept`` is not all of the answer's body."""
        return self.size > self._keep_bytes

    @property
    def kept(self) -> bytes:
        """The first bytes of the answer's body."""
        return bytes(self.body[: self._keep_bytes])

    @property
    def system_error(self) -> int:
        """The ``errno`` of the system call that failed; 0 where none did."""
        return int(self.curl.getinfo(pycurl.OS_ERRNO))

    def headers(self) -> Mapping[str, str]:
        """Return the answer's headers, names in lower case, repeated ones joined."""
        headers: dict[str, str] = {}
        for line in self.lines:
            name, _, value = line.decode("latin-1").partition(":")
            key, text = name.strip().lower(), value.strip()[:MAX_HEADER_CHARACTERS]
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
        return headers

    def phases(self, dns: float | None) -> dict[str, float]:
        """Return the milliseconds of each phase; a new connection's phases only where there was one."""
        seen = self._moment
        phases: dict[str, float] = {}
        connected = seen(pycurl.CONNECT_TIME_T)
        if self.connecting:
            if dns is not None:
                phases["dns"] = dns
            phases["tcp"] = _milliseconds(connected - seen(pycurl.NAMELOOKUP_TIME_T))
            if encrypted := seen(pycurl.APPCONNECT_TIME_T):
                phases["tls"] = _milliseconds(encrypted - connected)
        answered = seen(pycurl.STARTTRANSFER_TIME_T)
        phases["ttfb"] = _milliseconds(answered - seen(pycurl.PRETRANSFER_TIME_T))
        phases["body"] = _milliseconds(seen(pycurl.TOTAL_TIME_T) - answered)
        return phases

    @property
    def has_connected(self) -> bool:
        """True once the TCP connection stood."""
        return self._moment(pycurl.CONNECT_TIME_T) > 0 or self._moment(pycurl.PRETRANSFER_TIME_T) > 0

    @property
    def has_encrypted(self) -> bool:
        """True once the TLS connection stood."""
        return not self.connecting or self._moment(pycurl.APPCONNECT_TIME_T) > 0

    def _moment(self, which: int) -> int:
        return int(self.curl.getinfo(which))

    # What libcurl calls. Whatever is raised here would end on stderr and nowhere else.

    def _make_socket(self, _purpose: int, address: tuple[int, int, int, Any]) -> socket.socket | int:
        """Make the socket for one address, checked: the last door before a packet leaves."""
        family, kind, protocol, sockaddr = address
        self.connecting = True
        try:
            return self._open_socket(family, kind, protocol, str(sockaddr[0]))
        except AddressBlocked as error:
            self.blocked = error
        except OSError:  # no descriptor left: libcurl says that it could not connect
            pass
        return pycurl.SOCKET_BAD

    def _take_header(self, line: bytes) -> int | None:
        if self.head_complete:  # a trailer
            return None
        line = line.rstrip(b"\r\n")
        if line.startswith(b"HTTP/") and not self.lines:
            self.status = _status(line)
        elif not line:
            self.head_complete = self.status >= 200
            if not self.head_complete:  # an interim answer, 1xx: the real one follows
                self.lines.clear()
        elif len(line) > MAX_LINE_BYTES or len(self.lines) >= MAX_ANSWER_HEADERS:
            return -1
        else:
            self.lines.append(line)
        return None

    def _take_body(self, piece: bytes) -> int | None:
        self.size += len(piece)
        if len(self.body) < self._keep_bytes:
            self.body += piece
        return -1 if self.was_cut else None


def _status(line: bytes) -> int:
    """Return the status of a status line; libcurl lets no other than three digits pass."""
    number = line.split(b" ", 2)[1]
    return int(number) if number.isdigit() else 0


def _header_lines(headers: Mapping[str, str]) -> list[bytes]:
    lines = [b"%b: %b" % (_token(name), _value(name, value)) if value else b"%b;" % _token(name)
             for name, value in headers.items()]  # fmt: skip
    named = {name.lower() for name in headers}
    return lines + [line for name, line in _NOT_OF_ITSELF if name not in named]


@lru_cache(maxsize=256)  # the same names with every delivery
def _token(name: str) -> bytes:
    """Return a method or a header's name as bytes.

    Raises:
        ValueError: It is not one word of plain characters.
    """
    if not name or not name.isascii() or not name.isprintable() or any(mark in name for mark in ":; "):
        message = "not a word that HTTP allows"
        raise ValueError(message)
    return name.encode("ascii")


def _value(name: str, value: str) -> bytes:
    if not value.isprintable() and any(mark in value for mark in _FORBIDDEN):
        message = f"the header {name} holds a line end"
        raise ValueError(message)
    return value.encode()


def _milliseconds(microseconds: int) -> float:
    return round(max(microseconds, 0) / 1000, 3)


def trust(ca_file: str | None) -> dict[int, Any]:
    """Return libcurl's settings for which certificates are believed: the system's, and those of *ca_file*.

    Where the system keeps them is asked of Python's own OpenSSL, which knows (and heeds ``SSL_CERT_FILE``).
    """
    paths = ssl.get_default_verify_paths()
    folder, file = _existing(paths.capath), _existing(paths.cafile)
    settings: dict[int, Any] = {}
    if folder is not None:
        settings[pycurl.CAPATH] = str(folder)
    if ca_file is not None:
        files = [one for one in (file, Path(ca_file)) if one is not None]
        settings[pycurl.CAINFO_BLOB] = b"\n".join(one.read_bytes() for one in files)
    elif file is not None:
        settings[pycurl.CAINFO] = str(file)
    elif folder is None:  # Windows, macOS
        settings[pycurl.SSL_OPTIONS] = pycurl.SSLOPT_NATIVE_CA
    return settings


def _existing(path: str | None) -> Path | None:
    return Path(path) if path is not None and Path(path).exists() else None
