"""The calls that a page can be copied as: exact, quoted, without secrets."""

import shlex
from datetime import UTC, datetime

import pytest

from smart_api_integrations.dashboard.views.commands import (
    read_command,
    read_curl,
    replay_curl,
    request_curl,
    request_python,
)
from tests.journal_scenes import SIGNATURE, received


def words(command):
    return shlex.split(command.replace("\\\n", " "))


def test_a_request_is_sent_again_with_its_headers_and_exact_bytes():
    body = b"""{"note":"it's $HOME `id` \\"quoted\\" \xc3\xa4"}"""
    given = words(request_curl(received(body=body, received_at=datetime.now(UTC))))

    assert given[:4] == ["curl", "-X", "POST", "$URL/webhooks/github"]
    assert "X-GitHub-Event: push" in given
    assert given[-1] == body.decode()


def test_a_signature_becomes_a_variable():
    command = request_curl(received())

    assert SIGNATURE not in command
    assert SIGNATURE[10:30] not in command
    assert '"$X_HUB_SIGNATURE_256"' in command


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b"a\x00b", b"@/etc/passwd", b"x" * 20_000, "a\u202eb".encode()]
)
def test_a_body_that_a_shell_cannot_hold_is_a_file(body):
    event = received(body=body)

    assert words(request_curl(event))[-1] == f"@{event.id}.body"


def test_a_header_cannot_end_its_word():
    event = received(headers=(("X-Note", "a'; rm -rf / #\n"),))

    assert "X-Note: a'; rm -rf / #" in words(request_curl(event))


def test_what_curl_sets_itself_is_left_out():
    event = received(headers=(("Host", "a"), ("Content-Length", "2"), ("Connection", "close"), ("X-A", "1")))

    assert "X-A: 1" in words(request_curl(event))
    assert "Host" not in request_curl(event)


def test_the_query_is_part_of_the_address():
    assert "'/webhooks/github?a=1&b=2'" in request_curl(received(query="a=1&b=2"))


def test_the_api_is_called_with_a_key_where_one_is_needed():
    assert "$KEY" in replay_curl("dlv_1", with_key=True)
    assert "$KEY" not in read_curl("/api/received/evt_1", with_key=False)
    assert "/api/dead-letters/dlv_1/replay" in replay_curl("dlv_1", with_key=False)


def test_a_secret_in_the_query_becomes_a_variable():
    event = received(query="topic=a b&code=hunter2&k=other&page=2")
    command = request_curl(event, secret={"k"})

    assert "hunter2" not in command
    assert "other" not in command
    assert """"$URL"'/webhooks/github?topic=a%20b&code='"$CODE"'&k='"$K"'&page=2'""" in command


def test_a_parameter_whose_name_is_no_variable_gets_one_that_is():
    command = request_curl(received(query="1%3B%24(id)_token=x"))

    assert '"$_1_ID_TOKEN"' in command
    assert words(command)[3].startswith("$URL/webhooks/github?1%3B%24(id)_token=")


class TestPython:
    def ran(self, event, environ, **options):
        """Run the program with a stand-in for the network and return what it sent."""
        sent = []

        class Answer:
            status = 200

            def __enter__(self):
                return self

            def __exit__(self, *_):
                return None

            def read(self):
                return b"ok"

        class Network:
            Request = staticmethod(lambda *args, **options: (args, options))

            @staticmethod
            def urlopen(request):
                sent.append(request)
                return Answer()

        program = request_python(event, **options).replace("import os, urllib.request", "")
        os = type("Os", (), {"environ": {"URL": "http://127.0.0.1:8000"} | environ})
        exec(compile(program, "program", "exec"), {"os": os, "urllib": type("U", (), {"request": Network})})  # noqa: S102 - the program is what is tested
        return sent[0]

    def test_the_program_sends_the_request_with_its_exact_bytes(self):
        event = received(body=b'{"a": "\xff\x00\'"}', query="x=1&y=%20")

        (url, body, headers), options = self.ran(event, {"X_HUB_SIGNATURE_256": "sha256=1"})

        assert url == "http://127.0.0.1:8000/webhooks/github?x=1&y=%20"
        assert body == event.body
        assert headers["X-Hub-Signature-256"] == "sha256=1"
        assert headers["X-GitHub-Event"] == "push"
        assert options == {"method": "POST"}

    def test_no_secret_stands_in_it(self):
        event = received(query="token=abc&x=1")

        program = request_python(event, secret={"token"})

        assert SIGNATURE not in program
        assert "abc" not in program
        assert 'os.environ["TOKEN"]' in program

    def test_a_value_cannot_end_its_text(self):
        event = received(headers=(("X-Note", '"); import os; os.remove("x") #'),), path="/webhooks/a'b")

        (url, _, headers), _ = self.ran(event, {})

        assert headers == {"X-Note": '"); import os; os.remove("x") #'}
        assert url == "http://127.0.0.1:8000/webhooks/a'b"

    def test_a_large_body_is_a_file(self):
        event = received(body=b"x" * 20_000)

        assert f'open("{event.id}.body", "rb")' in request_python(event)


def test_an_event_is_shown_in_a_terminal():
    assert read_command("evt_1") == "webhooks events show evt_1"
