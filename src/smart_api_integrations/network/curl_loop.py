"""libcurl's multi interface in an event loop: many transfers, no threads. Floor 3.

libcurl says which sockets it waits for and when it wants to be called again
(https://curl.se/libcurl/c/libcurl-multi.html, "multi_socket"); the event loop watches them and tells it what
happened. One object belongs to one event loop and is used in its thread alone.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pycurl

_READS = frozenset({pycurl.POLL_IN, pycurl.POLL_INOUT})
_WRITES = frozenset({pycurl.POLL_OUT, pycurl.POLL_INOUT})


class CurlFailed(Exception):
    """A transfer ended without success: libcurl's code, and what it says of it."""

    def __init__(self, code: int, text: str) -> None:
        """Take libcurl's code and words."""
        super().__init__(text)
        self.code = code


class CurlLoop:
    """Performs transfers in the running event loop, over connections that it keeps."""

    def __init__(self, *, connections: int, connections_per_host: int) -> None:
        """Open at most *connections* at once, and *connections_per_host* to one host; 0 for no limit."""
        self._loop = asyncio.get_running_loop()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self._multi.setopt(pycurl.M_MAX_TOTAL_CONNECTIONS, connections)
        self._multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, connections_per_host)
        self._multi.setopt(pycurl.M_MAXCONNECTS, connections)
        self._timer: asyncio.Handle | None = None
        self._watched: dict[int, int] = {}
        self._waiting: dict[pycurl.Curl, asyncio.Future[None]] = {}

    async def perform(self, curl: pycurl.Curl) -> None:
        """Return when the transfer that *curl* describes is complete.

        A transfer that is cancelled is taken out at once, and its connection is closed.

        Raises:
            CurlFailed: It did not succeed.
        """
        done = self._waiting[curl] = self._loop.create_future()
        try:
            self._multi.add_handle(curl)
            await done
        finally:
            if self._waiting.pop(curl, None) is not None:
                self._multi.remove_handle(curl)

    def close(self) -> None:
        """Close every connection; a transfer that is under way ends as cancelled."""
        for curl, future in list(self._waiting.items()):
            del self._waiting[curl]
            self._multi.remove_handle(curl)
            future.cancel()
        if self._timer is not None:
            self._timer.cancel()
        self._multi.close()
        for descriptor in list(self._watched):
            self._watch(pycurl.POLL_REMOVE, descriptor)

    # What libcurl calls.

    def _watch(self, event: int, descriptor: int, *_: Any) -> None:
        """Watch *descriptor* for *event* instead of what it was watched for."""
        before = self._watched.pop(descriptor, pycurl.POLL_NONE)
        if event in _READS and before not in _READS:
            self._loop.add_reader(descriptor, self._act, descriptor, pycurl.CSELECT_IN)
        elif before in _READS and event not in _READS:
            self._loop.remove_reader(descriptor)
        if event in _WRITES and before not in _WRITES:
            self._loop.add_writer(descriptor, self._act, descriptor, pycurl.CSELECT_OUT)
        elif before in _WRITES and event not in _WRITES:
            self._loop.remove_writer(descriptor)
        if event != pycurl.POLL_REMOVE:
            self._watched[descriptor] = event

    def _set_timer(self, milliseconds: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if milliseconds == 0:
            self._timer = self._loop.call_soon(self._act, pycurl.SOCKET_TIMEOUT, 0)
        elif milliseconds > 0:
            self._timer = self._loop.call_later(milliseconds / 1000, self._act, pycurl.SOCKET_TIMEOUT, 0)

    # What the event loop calls.

    def _act(self, descriptor: int, what: int) -> None:
        self._multi.socket_action(descriptor, what)
        left = 1
        while left:
            left, succeeded, failed = self._multi.info_read()
            for curl in succeeded:
                self._end(curl, None)
            for curl, code, text in failed:
                self._end(curl, CurlFailed(code, text))

    def _end(self, curl: pycurl.Curl, failure: CurlFailed | None) -> None:
        self._multi.remove_handle(curl)
        done = self._waiting.pop(curl)
        if done.done():  # cancelled, and not yet taken out
            return
        if failure is None:
            done.set_result(None)
        else:
            done.set_exception(failure)
