"""The short way from the socket to the gateway: a protocol that leaves ASGI out where it can. Floor 9.

Theory of operation:

1. uvicorn's own protocol parses every connection and answers everything. This one only takes a request
   out of its hands that is simple: ``POST``, HTTP/1.1, to a path that is a way in to the letter, no
   ``Expect``, no upgrade, nothing before it still unanswered.
2. Such a request is held back while its head is parsed. If its body is whole when the bytes that just
   came are parsed, the gateway gets it as it is, and the answer is one write: no scope, no messages, one
   system call less. In all other cases what was held back goes the long way: it is handed to uvicorn as
   if it had just come. So slow bodies, their limits and deadlines, flow control and ``100 Continue``
   have one implementation, which is not here, and nothing can be done this way only.
3. While it is answered, the request is uvicorn's ``cycle``. By that uvicorn queues what is pipelined
   behind it, waits for it at shutdown, and asks for ``connection: close`` then.
4. A head has a largest size and a time to arrive, which uvicorn does not bound. Both cost nothing where
   the head comes whole, as it nearly always does.
5. A connection may be gone whenever an answer is ready: nothing is written to one that is closing.

It overrides the parser's callbacks of :class:`uvicorn.protocols.http.httptools_impl.HttpToolsProtocol`
and reads its attributes; ``tests/integration/test_ingest_protocol.py`` holds both ways to the same answers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from smart_api_integrations.receive.answer import Answer
from smart_api_integrations.server.ingest import Ingest, WayIn, answer_headers

logger = logging.getLogger(__name__)

HEAD_BYTES = 64 * 1024  # nginx takes 32 KiB, Apache 8 KiB a line
HEAD_SECONDS = 10.0

FAILED = Answer(status=500, body=b"Internal Server Error", content_type="text/plain; charset=utf-8")


def ingest_protocol(
    ingest: Ingest, *, ways: Mapping[bytes, WayIn] | None = None
) -> Callable[..., IngestProtocol]:
    """Return what makes a protocol for each connection, for ``uvicorn.Config(http=...)``.

    *ways* may go the short way: all of *ingest*'s unless given.
    """
    ways = ingest.exact_ways() if ways is None else ways
    heads = AnswerHeads()

    def protocol(**connection: Any) -> IngestProtocol:
        return IngestProtocol(ingest=ingest, ways=ways, heads=heads, **connection)

    return protocol


class AnswerHeads:
    """The beginning of an answer, made anew when uvicorn's own headers change (``date``, each second)."""

    def __init__(self) -> None:
        """Begin without one."""
        self._default_headers: list[tuple[bytes, bytes]] | None = None
        self._lines = b""

    def wire(self, answer: Answer, state: ServerState, *, close: bool) -> bytes:
        """Return the bytes of *answer*."""
        if state.default_headers is not self._default_headers:
            self._default_headers = state.default_headers
            self._lines = _lines(state.default_headers)
        closing = b"connection: close\r\n" if close else b""
        return b"".join(
            (
                STATUS_LINE[answer.status],
                self._lines,
                _lines(answer_headers(answer)),
                closing,
                b"\r\n",
                answer.body,
            )
        )


def _size(headers: list[tuple[bytes, bytes]]) -> int:
    return sum(len(name) + len(value) for name, value in headers)


def _lines(headers: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join([b"%b: %b\r\n" % pair for pair in headers])


class Exchange(RequestResponseCycle):
    """A request on the short way, as uvicorn sees it; one object serves a connection's requests in turn."""

    def __init__(self) -> None:
        """Have what uvicorn asks a cycle for, and nothing of what it answers with."""
        self.message_event = asyncio.Event()
        self.disconnected = False
        self.keep_alive = True
        self.response_complete = True


class IngestProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self, *, ingest: Ingest, ways: Mapping[bytes, WayIn], heads: AnswerHeads, **connection: Any
    ) -> None:
        """Serve a connection; *ways* are the paths of *ingest* that may go the short way."""
        super().__init__(**connection)
        self._ingest = ingest
        self._ways = ways
        self._heads = heads
        self._exchange = Exchange()
        self._task: asyncio.Task[None]
        self._held: WayIn | None = None
        self._pieces: list[bytes] = []
        self._in_head = False
        self._head_bytes = 0
        self._head_deadline: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Parse *data*; a request whose body is not whole after it goes the long way."""
        self._head_bytes += len(data)
        super().data_received(data)
        if self._held is not None:
            self._go_long_way()
        if self._in_head:
            self._bound_head()
        else:
            self._head_bytes = 0

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._head_came()
        super().connection_lost(exc)

    def _bound_head(self) -> None:
        """Refuse a head that is too large already; give one that is not whole a deadline."""
        if self._head_bytes > HEAD_BYTES:
            self.send_400_response("The request's head is too large.")
        elif self._head_deadline is None:
            late = "The request's head did not arrive in time."
            self._head_deadline = self.loop.call_later(HEAD_SECONDS, self.send_400_response, late)

    def _head_came(self) -> None:
        self._in_head = False
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None

    def on_message_begin(self) -> None:
        """Begin a request; its scope is made when it is known that one is needed."""
        self._in_head = True
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        """Hold the request back, or let it go the long way.

        Raises:
            ValueError: The head is too large; the parser stops and uvicorn answers 400.
        """
        self._head_came()
        if self._head_bytes > HEAD_BYTES and _size(self.headers) > HEAD_BYTES:
            raise ValueError
        self._held = self._ways.get(self.url)
        if self._held is None or not self._is_simple():
            self._go_long_way()

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body of what is held back."""
        if self._held is None:
            super().on_body(body)
        else:
            self._pieces.append(body)

    def on_message_complete(self) -> None:
        """Answer what was held back: it is whole."""
        if self._held is None:
            super().on_message_complete()
            return
        way, self._held = self._held, None
        pieces, self._pieces = self._pieces, []
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        exchange = self._exchange
        exchange.response_complete = False
        exchange.keep_alive = self.parser.should_keep_alive()
        self.cycle = exchange
        self._task = self.loop.create_task(self._answer(way, self.headers, body))
        self.tasks.add(self._task)

    def _is_simple(self) -> bool:
        """Tell whether there is nothing about the request that this protocol does not know."""
        parser, before = self.parser, self.cycle
        return (
            (before is None or before.response_complete)  # type: ignore[redundant-expr]  # None until the first
            and not self.expect_100_continue
            and parser.get_method() == b"POST"
            and parser.get_http_version() == "1.1"
            and not parser.should_upgrade()
        )

    def _go_long_way(self) -> None:
        """Give uvicorn what was held back, in the order in which it came."""
        url, headers, expect = self.url, self.headers, self.expect_100_continue
        pieces, self._pieces = self._pieces, []
        self._held = None
        super().on_message_begin()
        self.url = url
        self.headers.extend(headers)  # the scope has this very list
        self.expect_100_continue = expect
        super().on_headers_complete()
        for piece in pieces:
            super().on_body(piece)

    async def _answer(self, way: WayIn, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        answer = FAILED
        try:
            answer = await self._ingest.answer(way, headers=headers, body=body, client=self.client)
            if self.flow.write_paused:
                await self.flow.drain()
        finally:  # whatever happened, the connection is not left without an answer
            self.tasks.discard(self._task)
            del self._task  # nobody keeps it: what it raised is logged by the loop
            self._write(answer)

    def _write(self, answer: Answer) -> None:
        exchange = self._exchange
        exchange.response_complete = True
        if not self.transport.is_closing():
            wire, close = self._wire(answer, close=not exchange.keep_alive or answer is FAILED)
            self.transport.write(wire)
            if close:
                self.transport.close()
        self.on_response_complete()

    def _wire(self, answer: Answer, *, close: bool) -> tuple[bytes, bool]:
        """Return the bytes of *answer*, and whether to close behind them; of a fault's where it has none."""
        try:
            return self._heads.wire(answer, self.server_state, close=close), close
        except Exception:
            logger.exception("An answer cannot be written", extra={"action": "answer"})
            return self._heads.wire(FAILED, self.server_state, close=True), True
