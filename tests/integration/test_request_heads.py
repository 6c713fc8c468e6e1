"""A request's head has a largest size and a time to arrive, on whatever path."""

from __future__ import annotations

from pathlib import Path

import pytest

from smart_api_integrations.server import ingest_protocol
from tests.integration.test_ingest_protocol import Served, request, served

HUGE = "x" * (ingest_protocol.HEAD_BYTES + 1)


@pytest.mark.parametrize("path", ["/webhooks/github", "/livez"])
def test_a_head_that_is_too_large_is_refused_before_it_ends(path: str, tmp_path: Path) -> None:
    async def story(there: Served) -> None:
        async with there.line() as line:
            status, headers, _ = await line.ask(f"POST {path} HTTP/1.1\r\nx-long: {HUGE}".encode())

            assert (status, headers["connection"]) == (400, "close")
            assert await line.reader.read() == b""

    served(tmp_path, story)


def test_a_whole_head_that_is_too_large_is_refused(tmp_path: Path) -> None:
    async def story(there: Served) -> None:
        async with there.line() as line:
            status, *_ = await line.ask(b"".join(request(x_long=HUGE)))

            assert status == 400

    served(tmp_path, story)


def test_a_head_that_does_not_arrive_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest_protocol, "HEAD_SECONDS", 0.01)

    async def story(there: Served) -> None:
        async with there.line() as line:
            status, _, body = await line.ask(b"POST /webhooks/github HTTP/1.1\r\nhost: a")

            assert status == 400
            assert body == b"The request's head did not arrive in time."

    served(tmp_path, story)


def test_a_large_body_with_a_usual_head_is_not_refused(tmp_path: Path) -> None:
    async def story(there: Served) -> None:
        async with there.line() as line:
            status, *_ = await line.ask(b"".join(request(HUGE.encode(), path="/livez")))

            assert status != 400

    served(tmp_path, story)
