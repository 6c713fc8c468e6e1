"""Promises about conditions: every line must hold, and nothing equals what is absent."""

from __future__ import annotations

import hashlib

import pytest

from smart_api_integrations.core.conditions import ALWAYS, compile_condition
from smart_api_integrations.core.request_view import RequestView
from smart_api_integrations.core.webhook_schema import Headers, RawRequest
from smart_api_integrations.errors import ConfigurationError, MalformedRequest

BODY = (
    b'{"type":"ping","live":true,"n":1.50,"value":[{"state":"s"},{"state":"s"}],"mixed":[{"state":"s"},{}]}'
)


def holds(condition, *, method="POST", headers=None, query="", body=BODY, **variables):
    request = RawRequest(method=method, headers=Headers(headers or {}), query=query, body=body)
    return compile_condition(condition).holds(RequestView(request, variables=variables))


@pytest.mark.parametrize(
    "condition",
    [
        {"{json:type}": "ping"},
        {"{json:type}": ["pong", "ping"]},
        {"{json:live}": True},
        {"{json:n}": "1.50"},
        {"method": "POST", "{json:type}": "present"},
        {"{json:absent}": "absent"},
        {"{json:value.*.state}": "s"},
        {"{json:type}": {"env": "WORD"}},
        {"{json:type}": "{env:WORD}"},
        {"{query:hash}": "{body_sha256}"},
        {"content_type": "application/json"},
        {"{query:empty}": ""},
        {"{json:type}": ["", "ping"]},
    ],
)
def test_a_condition_that_holds(condition):
    assert holds(
        condition,
        headers={"Content-Type": "Application/JSON; charset=utf-8"},
        query=f"hash={hashlib.sha256(BODY).hexdigest()}&empty=",
        WORD="ping",
    )


@pytest.mark.parametrize(
    "condition",
    [
        {"{json:type}": "pong"},
        {"{json:type}": ["pong", "pang"]},
        {"{json:type}": "ping", "method": "GET"},
        {"{json:type}": "absent"},
        {"{json:absent}": "present"},
        {"{json:absent}": ""},
        {"{json:absent}": {"env": "UNSET"}},
        {"{json:type}": {"env": "UNSET"}},
        {"{json:mixed.*.state}": "s"},
        {"{json:mixed.*.state}": "present"},
        {"{json:nothing.*.state}": "s"},
        {"content_type": "text/plain"},
        {"{json:type}": ""},
        {"{query:empty}": "present"},
        {"{query:empty}": {"env": "UNSET"}},
    ],
)
def test_a_condition_that_does_not_hold(condition):
    assert not holds(condition, headers={"Content-Type": "application/json"}, query="empty=")


def test_without_lines_it_always_holds():
    assert ALWAYS.holds(RequestView(RawRequest(headers=Headers(), body=b"{")))


def test_an_empty_header_does_not_equal_an_empty_variable():
    assert not holds({"{header:T}": {"env": "T"}}, headers={"T": ""}, T="")


def test_what_looks_like_json_is_no_form_whatever_the_content_type_says():
    assert not holds(
        {"content_type": "application/x-www-form-urlencoded"},
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert holds(
        {"content_type": "application/x-www-form-urlencoded"},
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=b"a=1",
    )


def test_a_body_that_cannot_be_parsed_is_told():
    with pytest.raises(MalformedRequest):
        holds({"{json:type}": "ping"}, body=b"{")


@pytest.mark.parametrize("key", ["type", "header:X", "{bdy}"])
def test_a_key_that_is_no_place_is_refused(key):
    with pytest.raises(ConfigurationError):
        compile_condition({key: "x"})


def test_it_names_the_variables_that_it_cannot_hold_without():
    condition = compile_condition({"{json:a}": {"env": "A"}, "{json:b}": ["{env:B}", "x"]})

    assert condition.variables == ("A",)


def test_a_variable_that_it_can_do_without_holds_once_it_is_resolved():
    condition = compile_condition({"{json:type}": {"env": "WORD"}, "method": "POST"}, resolves=True)
    view = RequestView(RawRequest(headers=Headers(), body=BODY))

    assert (condition.unresolved, condition.holds(view)) == (("WORD",), False)
    resolved = condition.resolved(
        lambda name, is_list: [b"ping"] if (name, is_list) == ("WORD", False) else []
    )
    assert (resolved.unresolved, resolved.holds(view)) == ((), True)


def test_what_a_resolved_variable_holds_is_shown_in_no_representation():
    condition = compile_condition({"{json:type}": {"env": "WORD"}}, resolves=True)

    assert "hush" not in repr(condition.resolved(lambda *_: [b"hush"]))


def test_an_empty_variable_is_met_by_nothing():
    condition = compile_condition({"{query:a}": {"env": "A"}}, resolves=True).resolved(lambda *_: [])

    assert not condition.holds(RequestView(RawRequest(headers=Headers(), body=b"", query="a=")))
