"""Promises about handshakes: which request is one, and what follows."""

from __future__ import annotations

import hmac
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.allowed_hosts import host_patterns
from smart_api_integrations.core.conditions import Condition, compile_condition
from smart_api_integrations.core.handshakes import (
    Capture,
    Computation,
    Fetch,
    Handshake,
    find_greeting,
    methods_of,
)
from smart_api_integrations.core.replies import compile_reply
from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.signatures import Secret, SecretForm
from smart_api_integrations.core.templates import compile_template
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import HandshakeRefused, MalformedRequest, SecretMissing

KEY = b"sample-secret-0123456789"
SECRETS = (Secret(name="NEW", text=KEY.decode(), key=KEY), Secret(name="OLD", text="old", key=b"old"))


def view(body: bytes = b"{}", *, method: str = "POST", query: str = "", headers=()) -> RequestView:
    return RequestView(RawRequest(method=method, headers=Headers(headers), body=body, query=query))


def when(**lines) -> Condition:
    return compile_condition({f"{{{name}}}": value for name, value in lines.items()}, resolves=True)


def greets(handshake: Handshake, request: RequestView, **environ: str) -> bool:
    return handshake.resolved(environ).is_met(request)


def test_the_value_of_a_variable_is_met_and_its_old_one_during_a_rotation():
    token = Handshake(when=when(**{"query:token": {"env": "TOKEN"}}))

    assert greets(token, view(query="token=new"), TOKEN="new", TOKEN_OLD="old")
    assert greets(token, view(query="token=old"), TOKEN="new", TOKEN_OLD="old")
    for query in ("token=NEW", "token=", "token=%C3%BC%FF", "other=new"):
        assert not greets(token, view(query=query), TOKEN="new", TOKEN_OLD="old")


def test_a_variable_that_is_not_set_is_never_met():
    token = Handshake(when=when(**{"query:token": {"env": "TOKEN"}}))

    for query in ("token=TOKEN", "token="):
        assert not token.is_met(view(query=query))
        assert not greets(token, view(query=query))


def test_a_blank_variable_is_told_at_start():
    with pytest.raises(SecretMissing, match="TOKEN"):
        Handshake(when=when(**{"query:token": {"env": "TOKEN"}})).resolved({"TOKEN": "  "})


def test_a_list_in_a_variable_is_met_by_one_of_it_or_by_anything_where_it_says_so():
    origin = Handshake(when=when(**{"header:Origin": {"env_list": "ORIGINS"}}))
    from_b, from_c = (view(headers=[("Origin", f"{name}.example")]) for name in "bc")

    assert greets(origin, from_b, ORIGINS="a.example, b.example,")
    assert not greets(origin, from_c, ORIGINS="a.example, b.example,")
    assert greets(origin, from_c, ORIGINS="*")
    assert not greets(origin, view(), ORIGINS="*")
    assert not greets(origin, from_b)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[" * 100_000, b"NaN", b'{"type":"ping","type":"ping"}']
)
def test_what_cannot_be_read_meets_nothing(body):
    assert not Handshake(when=when(**{"json:type": "ping"})).is_met(view(body))


def test_a_value_that_is_there_twice_meets_nothing():
    assert not Handshake(when=when(**{"query:token": "a"})).is_met(view(query="token=a&token=b"))


@given(
    st.binary(max_size=300), st.text(max_size=50), st.sampled_from(["POST", "GET", "HEAD", "OPTIONS", "PUT"])
)
def test_whatever_comes_in_a_greeting_comes_out_or_one_of_the_two_refusals(body, query, method):
    handshake = Handshake(
        method="GET",
        when=when(**{"query:c": "present", "json:a|header:b?": ["", "x"]}),
        verify=False,
        respond=compile_reply({"body": "{query:c}"}),
    )
    try:
        find_greeting([handshake], view(body, query=query, method=method), verified=False, secrets=SECRETS)
    except (MalformedRequest, HandshakeRefused):
        assert method == "GET"


def test_only_handshakes_of_the_same_method_and_standing_are_looked_at_and_the_first_answers():
    def handshake(text: str, **more) -> Handshake:
        return Handshake(respond=compile_reply({"body": text}), **more)

    handshakes = [
        handshake("verified"),
        handshake("get", method="GET", verify=False),
        handshake("first", verify=False, when=when(**{"json:a": "present"})),
        handshake("second", verify=False),
    ]

    def answer(seen: RequestView, *, verified: bool) -> bytes | None:
        greeting = find_greeting(handshakes, seen, verified=verified, secrets=())
        return None if greeting is None else greeting.reply.body

    assert answer(view(), verified=True) == b"verified"
    assert answer(view(b'{"a":1}'), verified=False) == b"first"
    assert answer(view(), verified=False) == b"second"
    assert answer(view(method="GET"), verified=False) == b"get"
    assert answer(view(method="GET"), verified=True) is None
    assert answer(view(method="HEAD"), verified=False) is None


def test_all_conditions_must_be_met():
    both = Handshake(when=when(**{"json:a": "1", "json:b": "2"}))

    assert both.is_met(view(b'{"a":1,"b":2}'))
    assert not both.is_met(view(b'{"a":1,"b":3}'))


def test_zooms_token_is_signed_with_the_newest_secret():
    handshake = Handshake(
        compute=(Computation(name="digest", algorithm="sha256", of=compile_template("{json:t}")),),
        respond=compile_reply({"body": "{digest}"}, ("digest",)),
    )

    greeting = handshake.greet(view(b'{"t":"abc"}'), SECRETS)

    assert greeting.reply.body == hmac.digest(KEY, b"abc", "sha256").hex().encode()


def test_twitters_token_is_signed_in_base64_with_a_prefix_under_a_secret_of_its_own():
    computation = Computation(
        name="d",
        algorithm="sha256",
        of=compile_template("{query:crc_token}"),
        encoding="base64",
        prefix="sha256=",
        secret_form=SecretForm(names=("CONSUMER",)),
    )
    handshake = Handshake(compute=(computation,), respond=compile_reply({"body": "{d}"}, ("d",)))
    seen = view(query="crc_token=abc")

    greeting = handshake.resolved({"CONSUMER": "other"}).greet(seen, SECRETS)

    assert greeting.reply.body == b"sha256=" + b64encode(hmac.digest(b"other", b"abc", "sha256"))
    assert handshake.resolved({}).variables == ("CONSUMER",)
    with pytest.raises(HandshakeRefused):
        handshake.resolved({}).greet(seen, SECRETS)


@pytest.mark.parametrize(
    ("body", "secrets"), [(b"{}", SECRETS), (b'{"t":""}', SECRETS), (b'{"t":"abc"}', ())]
)
def test_nothing_is_signed_without_a_token_or_a_key(body, secrets):
    handshake = Handshake(
        compute=(Computation(name="d", algorithm="sha256", of=compile_template("{json:t}")),)
    )

    with pytest.raises(HandshakeRefused):
        handshake.greet(view(body), secrets)


def test_a_captured_token_is_handed_on_and_shown_in_no_representation():
    handshake = Handshake(
        capture=Capture(name="NOTION_TOKEN", value=compile_template("{json:verification_token}"))
    )

    greeting = handshake.greet(view(b'{"verification_token":"secret_abc"}'), ())

    assert greeting.captured == ("NOTION_TOKEN", "secret_abc")
    assert "secret_abc" not in repr(greeting)


@pytest.mark.parametrize("token", ["", "a\\nb", "\\u001b[2J", "ü", "a" * 513])
def test_a_token_that_could_not_be_a_secret_is_not_captured(token):
    handshake = Handshake(capture=Capture(name="T", value=compile_template("{json:t}")))

    with pytest.raises(MalformedRequest, match="token for T"):
        handshake.greet(view(f'{{"t":"{token}"}}'.encode()), ())


def test_a_url_is_handed_on_where_its_host_is_allowed_and_refused_otherwise():
    fetch = Fetch(url=compile_template("{json:SubscribeURL}"), allow_hosts=host_patterns(["a.example.com"]))
    handshake = Handshake(fetch=fetch)

    greeting = handshake.greet(view(b'{"SubscribeURL":"https://a.example.com/x"}'), ())

    assert greeting.fetch == "https://a.example.com/x"
    for wrong in (b'{"SubscribeURL":"https://b.example.com/x"}', b'{"SubscribeURL":""}', b"{}"):
        with pytest.raises(HandshakeRefused, match="allow_hosts"):
            handshake.greet(view(wrong), ())


def test_an_unset_variable_is_told_and_a_set_one_is_not():
    handshake = Handshake(when=when(**{"query:t": {"env": "TOKEN"}, "query:c": "present"}))

    assert handshake.resolved({}).variables == ("TOKEN",)
    assert handshake.resolved({"TOKEN": "x"}).variables == ()


def test_a_webhook_takes_the_methods_of_its_handshakes_besides_post():
    assert methods_of(()) == ("POST",)
    assert methods_of([Handshake(method="OPTIONS"), Handshake(method="GET"), Handshake()]) == (
        "POST",
        "GET",
        "OPTIONS",
    )
