from dataclasses import replace

import pytest

from smart_api_integrations.application.repeating import request_to
from tests.journal_scenes import SIGNATURE, received

EVENT = received(
    headers=(
        ("Host", "hooks.example"),
        ("Content-Length", "62"),
        ("Connection", "keep-alive"),
        ("Authorization", "Bearer secret"),
        ("Cookie", "session=1"),
        ("X-Hub-Signature-256", SIGNATURE),
        ("X-Gitlab-Token", "the secret itself"),
        ("X-GitHub-Event", "push"),
        ("Content-Type", "application/json"),
    )
)


def names(request):
    return {name.lower() for name in request.headers}


def test_the_bytes_and_the_method_are_the_same():
    request = request_to("https://b.example/in", replace(EVENT, method="PUT"), signs=True)

    assert (request.url, request.method, request.body) == ("https://b.example/in", "PUT", EVENT.body)


@pytest.mark.parametrize("signs", [True, False])
def test_what_belongs_to_the_connection_or_opens_a_door_stays_here(signs):
    sent = names(request_to("https://b.example/in", EVENT, signs=signs))

    assert not {"host", "content-length", "connection", "authorization", "cookie"} & sent
    assert {"content-type", "x-github-event"} <= sent


def test_a_signature_goes_with_it_and_a_token_does_not():
    assert "x-hub-signature-256" in names(request_to("https://b.example/in", EVENT, signs=True))
    assert "x-gitlab-token" not in names(request_to("https://b.example/in", EVENT, signs=False))


def test_no_header_is_in_the_words_of_a_log():
    assert SIGNATURE not in repr(request_to("https://b.example/in", EVENT, signs=True))
