"""The short way from the socket to the gateway: nobody who sends can tell it from the long one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop

from smart_api_integrations.application.platform import Platform
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.core.webhook_schema import WebhookResponse
from smart_api_integrations.receive.answer import Answer
from smart_api_integrations.server.ingest import Ingest
from smart_api_integrations.settings import Settings
from tests.github_requests import SECRET, signed_headers
from tests.serving import serving

BODY = b'{"ref": "main"}'
LIMIT = 1000


@pytest.fixture(autouse=True)
def _no_handlers() -> None:
    get_webhook_registry().clear()


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the requests that went the short way."""
    seen: list[str] = []
    answer = Ingest.answer

    def counted(self: Ingest, way: Any, **request: Any) -> Awaitable[Answer]:
        seen.append(way.path)
        return answer(self, way, **request)

    monkeypatch.setattr(Ingest, "answer", counted)
    return seen


def request(
    body: bytes = BODY,
    *,
    delivery: str = "1",
    path: str = "/webhooks/github",
    method: str = "POST",
    version: str = "1.1",
    **headers: str | None,
) -> tuple[bytes, bytes]:
    """Return a request's head and body; *headers* replace or, with None, take away."""
    named: dict[str, str | None] = {"host": "hooks.example.com", **signed_headers(body, delivery=delivery)}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in named.items() if value is not None]
    return "\r\n".join([f"{method} {path} HTTP/{version}", *lines, "", ""]).encode(), body


class Line:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *parts: bytes) -> None:
        """Write the parts, each after the server had time to read the one before."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            for _ in range(20):
                await asyncio.sleep(0)

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Read one answer."""
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        headers = dict(line.split(": ", 1) for line in lines[1:] if line)
        body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return int(lines[0].split()[1]), headers, body

    async def ask(self, *parts: bytes) -> tuple[int, dict[str, str], bytes]:
        """Send one request and read its answer."""
        await self.send(*parts)
        return await self.answer()


class Served:
    """A served platform."""

    def __init__(self, platform: Platform, address: tuple[str, int]) -> None:
        self.platform = platform
        self.address = address

    @asynccontextmanager
    async def line(self) -> AsyncIterator[Line]:
        """Connect for the length of a block."""
        reader, writer = await asyncio.open_connection(*self.address)
        try:
            yield Line(reader, writer)
        finally:
            writer.close()


def served(folder: Path, story: Callable[[Served], Awaitable[None]], *, mode: str = "queued") -> None:
    """Tell *story* with a server on a fresh journal."""
    own = folder / "providers" / "github"
    own.mkdir(parents=True)
    (own / "webhook.yaml").write_text(
        f"webhooks: {{default: {{mode: {mode}, body: {{max_bytes: {LIMIT}}}}}}}"
    )

    async def tell() -> None:
        settings = Settings(
            database_url=f"sqlite:///{folder}/webhooks.db", providers_dir=str(folder / "providers")
        )
        platform = Platform(settings, environ={"GITHUB_WEBHOOK_SECRET": SECRET})
        await platform.open()
        try:
            async with serving(platform) as address:
                await asyncio.wait_for(story(Served(platform, address)), 20)
        finally:
            await platform.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # the loop that serves: its transports
        runner.run(tell())  # raise where the standard library's only warn


def alike(answer: tuple[int, dict[str, str], bytes]) -> tuple[int, dict[str, str], bytes]:
    """Return an answer without what is different each time, or says that a body was not read to its end."""
    status, headers, body = answer
    if status == 413:
        headers = {name: value for name, value in headers.items() if name != "connection"}
    return status, {**headers, "date": ""}, re.sub(rb"evt_\w{26}", b"evt_", body)


@pytest.mark.parametrize(
    ("body", "changes", "status"),
    [
        (BODY, {}, 200),
        (BODY, {"connection": "close"}, 200),
        (BODY, {"path": "/webhooks/github/"}, 200),
        (BODY, {"path": "/webhooks/github/default"}, 200),
        (b"{" + b" " * LIMIT + b"}", {}, 413),
        (BODY, {"x_hub_signature_256": "sha256=" + "0" * 64}, 401),
        (BODY, {"x_hub_signature_256": None}, 401),
        (b"no json", {}, 400),
    ],
)
def test_an_answer_is_the_same_whether_the_request_came_at_once_or_in_pieces(
    tmp_path: Path, short: list[str], body: bytes, changes: dict[str, Any], status: int
) -> None:
    head, content = request(body, **changes)
    answers = []

    async def at_once(server: Served) -> None:
        async with server.line() as line:
            answers.append(await line.ask(head + content))

    async def in_pieces(server: Served) -> None:
        async with server.line() as line:
            answers.append(await line.ask(head[:30], head[30:] + content[:3], content[3:]))

    for number, story in enumerate((at_once, in_pieces)):
        folder = tmp_path / str(number)
        folder.mkdir()
        served(folder, story)

    assert answers[0][0] == status
    assert alike(answers[0]) == alike(answers[1])
    assert len(short) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"path": "/webhooks/github?again=1"},
        {"path": "/webhooks/%67ithub"},
        {"version": "1.0"},
        {"expect": "100-continue"},
    ],
    ids=str,
)
def test_a_request_that_is_not_simple_is_answered_the_long_way(
    tmp_path: Path, short: list[str], changes: dict[str, Any]
) -> None:
    async def story(server: Served) -> None:
        async with server.line() as line:
            answer = await line.ask(b"".join(request(**changes)))
            if answer[0] == 100:
                answer = await line.answer()

        assert (answer[0], short) == (200, [])

    served(tmp_path, story)


def test_a_connection_serves_request_after_request_on_either_way(tmp_path: Path, short: list[str]) -> None:
    async def story(server: Served) -> None:
        async with server.line() as line:
            for number in range(6):
                head, body = request(delivery=str(number))
                status, _, answer = await line.ask(*([head + body] if number % 2 else [head, body]))
                assert (status, b'"event_id":"%d"' % number in answer) == (200, True)

        assert len(short) == 3

    served(tmp_path, story)


def test_pipelined_requests_are_answered_in_order(tmp_path: Path) -> None:
    async def story(server: Served) -> None:
        health = b"GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
        hooks = [b"".join(request(delivery=str(number))) for number in range(3)]
        async with server.line() as line:
            await line.send(b"".join([hooks[0], hooks[1], health, hooks[2]]))
            answers = [await line.answer() for _ in range(4)]

        assert [b'"event_id":"%d"' % n in answers[place][2] for n, place in ((0, 0), (1, 1), (2, 3))] == [
            True
        ] * 3
        assert b"event_id" not in answers[2][2]

    served(tmp_path, story)


def test_who_wants_the_connection_closed_gets_it_closed(tmp_path: Path, short: list[str]) -> None:
    async def story(server: Served) -> None:
        async with server.line() as line:
            _, headers, _ = await line.ask(b"".join(request(connection="close")))
            assert headers["connection"] == "close"
            assert await line.reader.read() == b""

    served(tmp_path, story)
    assert len(short) == 1


def held_up(server: Served, monkeypatch: pytest.MonkeyPatch) -> tuple[asyncio.Event, asyncio.Event]:
    """Make the gateway wait; return what says that a request is there, and what lets it go on."""
    arrived, go_on = asyncio.Event(), asyncio.Event()
    accept = server.platform.gateway.accept_whole

    async def slow(*arguments: Any, **keywords: Any) -> Answer:
        arrived.set()
        await go_on.wait()
        return await accept(*arguments, **keywords)

    monkeypatch.setattr(server.platform.gateway, "accept_whole", slow)
    return arrived, go_on


def test_a_sender_that_hangs_up_before_its_answer_harms_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(server: Served) -> None:
        arrived, go_on = held_up(server, monkeypatch)
        async with server.line() as line:
            await line.send(b"".join(request(delivery="1")))
            await arrived.wait()
            line.writer.transport.abort()
        for _ in range(20):
            await asyncio.sleep(0)
        go_on.set()

        async with server.line() as line:
            assert (await line.ask(b"".join(request(delivery="2"))))[0] == 200
            assert b'"duplicate":true' in (await line.ask(b"".join(request(delivery="1"))))[2]

    served(tmp_path, story)
    assert [
        record.getMessage() for record in caplog.records if record.levelname in {"WARNING", "ERROR"}
    ] == []


def test_a_server_that_stops_answers_what_it_has_and_closes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    async def story(server: Served) -> None:
        arrived, go_on = held_up(server, monkeypatch)
        reader, writer = await asyncio.open_connection(*server.address)
        line = Line(reader, writer)
        await line.send(b"".join(request()))
        await arrived.wait()

        async def answered() -> None:
            async with asyncio.timeout(10):
                seen.append(await line.answer())
                seen.append(await reader.read())
            writer.close()

        tasks.append(asyncio.create_task(answered()))
        asyncio.get_running_loop().call_later(0.3, go_on.set)  # the server is told to stop before

    tasks: list[asyncio.Task[None]] = []
    served(tmp_path, story)

    status, headers, _ = seen[0]
    assert (status, headers["connection"], seen[1]) == (200, "close", b"")


def test_a_fault_of_ours_is_a_500_and_a_closed_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fault(*_: Any, **__: Any) -> Answer:
        message = "a fault"
        raise LookupError(message)

    async def story(server: Served) -> None:
        monkeypatch.setattr(server.platform.gateway, "accept_whole", fault)
        async with server.line() as line:
            status, headers, _ = await line.ask(b"".join(request()))
            assert (status, headers["connection"], await line.reader.read()) == (500, "close", b"")

    served(tmp_path, story)
    assert "a fault" in caplog.text


def test_bytes_that_are_no_http_end_the_connection_with_a_400(tmp_path: Path, short: list[str]) -> None:
    async def story(server: Served) -> None:
        head, _ = request(transfer_encoding="chunked", content_length=None)
        async with server.line() as line:
            answer = await line.ask(head + b"zz\r\n")
            assert (answer[0], await line.reader.read(), short) == (400, b"", [])

    served(tmp_path, story)


def test_a_chunked_body_that_came_at_once_is_put_together(tmp_path: Path, short: list[str]) -> None:
    async def story(server: Served) -> None:
        head, body = request(transfer_encoding="chunked", content_length=None)
        chunks = b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (3, body[:3], len(body) - 3, body[3:])
        async with server.line() as line:
            assert (await line.ask(head + chunks))[0] == 200

    served(tmp_path, story)
    assert len(short) == 1


UNSENDABLE: dict[str, Callable[[dict[str, str]], WebhookResponse]] = {
    "another header in a value": lambda sent: WebhookResponse(headers={"X-Ref": sent["ref"]}),
    "another header in a name": lambda sent: WebhookResponse(headers={sent["ref"]: "1"}),
    "no Latin-1": lambda _: WebhookResponse(headers={"X-Price": "5 €"}),
    "the length is the server's": lambda _: WebhookResponse(headers={"Content-Length": "1"}),
    "no such status": lambda _: WebhookResponse(status_code=700),
    "an interim status": lambda _: WebhookResponse(status_code=99),
}


@pytest.mark.parametrize("way", ["at once", "in pieces"])
@pytest.mark.parametrize("how", UNSENDABLE)
def test_a_handlers_answer_that_cannot_be_sent_is_a_500_and_never_two_answers(
    tmp_path: Path, short: list[str], caplog: pytest.LogCaptureFixture, how: str, way: str
) -> None:
    processor = get_webhook_registry().create_processor("github")
    processor.on("push", name="answers")(lambda event: UNSENDABLE[how](event.payload))
    head, body = request(b'{"ref": "a\\r\\nSet-Cookie: evil=1"}')
    parts = [head + body] if way == "at once" else [head, body]

    async def story(server: Served) -> None:
        async with server.line() as line:
            status, headers, said = await line.ask(*parts)
            assert (status, "set-cookie" in {name.lower() for name in headers}) == (500, False)
            assert b"cannot be sent" in said
            assert (await line.ask(b"".join(request(b"{}", delivery="2", x_github_event="ping"))))[0] == 200

    served(tmp_path, story, mode="inline")
    (record,) = [each for each in caplog.records if "cannot be sent" in each.getMessage()]
    assert record.__dict__["handler"] == "github:default:answers"
    assert "evil" not in record.getMessage()
    assert len(short) == (2 if way == "at once" else 1)


def test_an_answer_without_a_body_leaves_the_connection_in_step(tmp_path: Path) -> None:
    processor = get_webhook_registry().create_processor("github")
    processor.on("push")(lambda _: WebhookResponse(status_code=204))

    async def story(server: Served) -> None:
        async with server.line() as line:
            for delivery in ("1", "2"):
                parts = request(b'{"n": %s}' % delivery.encode(), delivery=delivery)
                status, headers, _ = await line.ask(b"".join(parts))
                assert (status, "content-length" in headers) == (204, False)

    served(tmp_path, story, mode="inline")


def test_an_answer_that_cannot_be_written_is_a_500_and_a_closed_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def odd(*_: Any, **__: Any) -> Answer:
        return Answer(status=200, body=b"", headers=(("x-price", "5 €"),))

    async def story(server: Served) -> None:
        monkeypatch.setattr(server.platform.gateway, "accept_whole", odd)
        async with server.line() as line:
            status, headers, _ = await line.ask(b"".join(request()))
            assert (status, headers["connection"], await line.reader.read()) == (500, "close", b"")

    served(tmp_path, story)
    assert "An answer cannot be written" in caplog.text
