"""Endpoints as rows: what is secret in them is sealed to its row, and moves without being opened."""

from __future__ import annotations

import json
from collections import namedtuple
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from smart_api_integrations.core.credentials import Credentials
from smart_api_integrations.core.endpoint import Endpoint, OldSecret
from smart_api_integrations.storage.endpoint_rows import endpoint_from, endpoint_row, old_secret_rows
from smart_api_integrations.storage.secret_cipher import SecretCipher

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CIPHER = SecretCipher([b"k" * 32])
ANOTHER = SecretCipher([b"x" * 32])
ENDPOINT = Endpoint(
    id="ep_1",
    url="https://example.com/",
    events=("*",),
    secret="hush-new",
    old_secrets=(OldSecret(secret="hush-old", expires_at=NOON + timedelta(hours=1)),),
    auth=Credentials(kind="bearer", secret="hush-token"),
    created_at=NOON,
    updated_at=NOON,
)


def row(**changes: Any) -> Any:
    """Return the row of an endpoint as a database gives it back."""
    values = endpoint_row(ENDPOINT, CIPHER) | changes
    return namedtuple("Row", values)(**values)  # noqa: PYI024 - as SQLAlchemy's


def test_nothing_secret_is_in_a_row_and_all_of_it_comes_back() -> None:
    assert "hush" not in json.dumps(endpoint_row(ENDPOINT, CIPHER), default=str)
    assert endpoint_from(row(), CIPHER) == ENDPOINT


@pytest.mark.parametrize("column", ["secret", "auth"])
def test_a_ciphertext_of_another_row_or_column_does_not_open(column: str) -> None:
    other = endpoint_row(ENDPOINT, CIPHER)
    swapped = {"secret": other["auth"], "auth": other["secret"]}

    opened = endpoint_from(row(**{column: swapped[column]}), CIPHER)

    assert opened.secret == "", "nothing is sent then"


def test_a_row_of_another_endpoint_does_not_open() -> None:
    opened = endpoint_from(row(id="ep_2"), CIPHER)

    assert (opened.secret, opened.auth) == ("", None)


def test_a_key_that_is_gone_leaves_the_rest_readable() -> None:
    opened = endpoint_from(row(), ANOTHER)

    assert (opened.secret, opened.auth, opened.url) == ("", None, ENDPOINT.url)
    assert opened.secrets_at(NOON) == ("",)


def test_a_rotation_moves_ciphertexts_as_they_are_and_drops_what_is_over() -> None:
    before = row()

    during = old_secret_rows(before, now=NOON, grace=timedelta(hours=2))
    later = old_secret_rows(before, now=NOON + timedelta(hours=1), grace=timedelta(hours=2))

    assert [old["secret"] for old in during] == [before.secret, before.old_secrets[0]["secret"]]
    assert [old["secret"] for old in later] == [before.secret]
    assert during[0]["expires_at"] == (NOON + timedelta(hours=2)).isoformat()
    assert old_secret_rows(before, now=NOON, grace=timedelta()) == []


def test_a_row_of_before_rotations_has_none() -> None:
    assert endpoint_from(row(old_secrets=None, auth=None), CIPHER).old_secrets == ()
    assert old_secret_rows(row(old_secrets=None), now=NOON, grace=timedelta(hours=1))[1:] == []
