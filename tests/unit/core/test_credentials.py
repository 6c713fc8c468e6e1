"""Credentials: read, taken out of a URL, shown without what is secret."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.credentials import Credentials, read_credentials, taken_out
from smart_api_integrations.errors import InvalidInput

BASIC = {"type": "basic", "username": "shop", "password": "hush-hush"}
BEARER = {"type": "bearer", "token": "hush-hush"}
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=50)


@given(username=TEXT.filter(lambda name: name and ":" not in name), password=TEXT)
def test_basic_is_what_a_receiver_splits_again(username: str, password: str) -> None:
    made = read_credentials({"type": "basic", "username": username, "password": password})

    assert made is not None
    scheme, _, content = made.authorization.partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(content).decode().partition(":")[::2] == (username, password)


def test_bearer_is_the_token_itself() -> None:
    made = read_credentials(BEARER)

    assert made == Credentials(kind="bearer", secret="hush-hush")
    assert made.authorization == "Bearer hush-hush"


@pytest.mark.parametrize("given", [BASIC, BEARER])
def test_what_is_shown_has_no_secret_and_what_is_kept_is_read_again(given: dict[str, str]) -> None:
    made = read_credentials(given)

    assert made is not None
    assert "hush" not in repr(made) + repr(made.shown())
    assert read_credentials(made.kept()) == made


@pytest.mark.parametrize(
    "given",
    [
        "Bearer x",
        {},
        {"type": "digest"},
        {"type": ["basic"]},
        {"type": "basic", "username": "shop"},
        BASIC | {"token": "x"},
        {"type": "basic", "username": "sh:op", "password": "x"},
        {"type": "basic", "username": "", "password": "x"},
        {"type": "basic", "username": "shop", "password": "a\r\nX-Evil: 1"},
        {"type": "bearer", "token": "two words"},
        {"type": "bearer", "token": ""},
        {"type": "bearer", "token": "\u2022" * 4},
        {"type": "bearer", "token": "x" * 2000},
        {"type": "bearer", "token": 5},
    ],
)
def test_what_cannot_be_used_is_refused_without_being_repeated(given: Any) -> None:
    with pytest.raises(InvalidInput, match=r"^auth") as refused:
        read_credentials(given)

    assert "Evil" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "left", "user", "password"),
    [
        ("https://shop:p%40ss@example.com/hook?x=1", "https://example.com/hook?x=1", "shop", "p@ss"),
        ("https://shop@example.com", "https://example.com", "shop", ""),
        ("https://shop:a:b@example.com:8443/", "https://example.com:8443/", "shop", "a:b"),
    ],
)
def test_credentials_are_taken_out_of_a_url(url: str, left: str, user: str, password: str) -> None:
    assert taken_out(url) == (left, Credentials(kind="basic", username=user, secret=password))


@pytest.mark.parametrize("url", ["https://example.com/a@b", "https://example.com/?mail=a@b", "", None, 5])
def test_a_url_without_them_stays_as_it_is(url: Any) -> None:
    assert taken_out(url) == (url, None)


@pytest.mark.parametrize("url", ["https://:x@example.com/", "https://@example.com/", "https://a@b@c/"])
def test_a_user_that_has_two_readings_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        taken_out(url)
