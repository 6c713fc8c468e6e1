"""A WSGI request as ASGI, the way back through a queue, and what stands beside a prefix."""

import asyncio
import io

import pytest

from smart_api_integrations.server.embedded import Beside, _Exchange, _scope
from tests.asgi_call import call


def environ(**changes):
    given = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "/hooks",
        "PATH_INFO": "/api/webhooks",
        "QUERY_STRING": "limit=1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": "2",
        "HTTP_HOST": "example.com",
        "HTTP_X_USER": "anna",
        "REMOTE_ADDR": "192.0.2.1",
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(b"{}"),
    }
    return given | changes


class TestScope:
    def test_a_request_is_what_it_was(self):
        scope = _scope(environ())

        assert (scope["method"], scope["scheme"]) == ("POST", "https")
        assert (scope["path"], scope["root_path"]) == ("/hooks/api/webhooks", "/hooks")
        assert scope["query_string"] == b"limit=1"
        assert scope["client"] == ("192.0.2.1", 0)

    def test_headers_have_their_names_back(self):
        assert dict(_scope(environ())["headers"]) == {
            b"host": b"example.com",
            b"x-user": b"anna",
            b"content-type": b"application/json",
            b"content-length": b"2",
        }

    @pytest.mark.parametrize(
        ("path", "found"), [("", "/hooks/"), ("/", "/hooks/"), ("/caf\u00c3\u00a9", "/hooks/caf\u00e9")]
    )
    def test_a_path_is_read_as_utf_8(self, path, found):
        assert _scope(environ(PATH_INFO=path))["path"] == found

    def test_what_is_empty_is_left_out(self):
        scope = _scope(environ(CONTENT_TYPE="", CONTENT_LENGTH="", REMOTE_ADDR=""))

        assert scope["client"] is None
        assert not any(name.startswith(b"content-") for name, _ in scope["headers"])


class Running:
    """Stands for a future."""

    def __init__(self):
        self.cancelled = False

    def cancel(self):
        self.cancelled = True


async def in_pieces(scope, receive, send):
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    await send({"type": "http.response.body", "body": b"end"})


async def broken(scope, receive, send):
    raise RuntimeError


class TestExchange:
    async def test_the_body_comes_back_in_pieces(self):
        exchange, running = _Exchange(b"sent"), Running()
        await exchange.run(in_pieces, {})

        assert exchange.next()["status"] == 200
        assert list(exchange.pieces(running)) == [b"sent", b"end"]

    async def test_who_hangs_up_ends_it(self):
        exchange, running = _Exchange(b"sent"), Running()
        await exchange.run(in_pieces, {})
        exchange.next()

        pieces = exchange.pieces(running)
        next(pieces)
        pieces.close()

        assert running.cancelled

    async def test_a_failure_does_not_leave_the_caller_waiting(self):
        exchange = _Exchange(b"")
        with pytest.raises(RuntimeError):
            await exchange.run(broken, {})

        assert exchange.next()["status"] == 500

    async def test_there_is_one_body(self):
        exchange = _Exchange(b"sent")
        await exchange._receive()

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(exchange._receive(), timeout=0.01)


def answering(name):
    async def app(scope, _receive, send):
        text = f"{name} {scope['path']} {scope['root_path']}".encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": text})

    return app


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/hooks", "pages /hooks/ /hooks"),
        ("/hooks/", "pages /hooks/ /hooks"),
        ("/hooks/events", "pages /hooks/events /hooks"),
        ("/hooksx", "host /hooksx "),
        ("/", "host / "),
    ],
)
@pytest.mark.parametrize("prefix", ["/hooks", "hooks/"])
async def test_what_is_under_the_prefix_is_ours(prefix, path, answer):
    app = Beside(answering("host"), prefix, answering("pages"))

    assert (await call(app, "GET", path)).text == answer
