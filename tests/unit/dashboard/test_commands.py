"""The calls that a page can be copied as: exact, quoted, without secrets."""

import shlex
from datetime import UTC, datetime

import pytest

from smart_api_integrations.dashboard.views.commands import read_curl, replay_curl, request_curl
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
