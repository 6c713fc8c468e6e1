"""Promises about a webhook's secrets."""

from __future__ import annotations

import pytest

from smart_api_integrations.core.signatures.secrets import Secret, SecretForm
from smart_api_integrations.errors import ConfigurationError, SecretMissing

FORM = SecretForm(names=("HOOK",))


def test_a_secret_never_shows_its_value():
    assert "tellnobody" not in repr(Secret(name="HOOK", text="tellnobody", key=b"tellnobody"))


@pytest.mark.parametrize("text", ["", "  ", "\n", "${HOOK}"])
def test_a_secret_that_is_blank_or_a_placeholder_is_an_error_and_never_a_key(text):
    with pytest.raises(SecretMissing, match="HOOK"):
        FORM.read({"HOOK": text})


def test_an_empty_key_cannot_be_made():
    with pytest.raises(SecretMissing):
        Secret(name="HOOK", text="x", key=b"")
    with pytest.raises(SecretMissing):
        SecretForm(names=("HOOK",), prefix="whsec_").decode("HOOK", "whsec_")


def test_the_old_secret_counts_during_a_rotation_after_the_new_one():
    found = FORM.read({"HOOK": "new", "HOOK_OLD": "old"})

    assert [(secret.name, secret.key) for secret in found] == [("HOOK", b"new"), ("HOOK_OLD", b"old")]


def test_an_old_secret_alone_is_no_secret_and_an_emptied_one_is_gone():
    assert FORM.read({"HOOK_OLD": "old"}) == ()
    assert len(FORM.read({"HOOK": "new", "HOOK_OLD": ""})) == 1


def test_several_variables_are_read_newest_first():
    form = SecretForm(names=("A", "A_OLD", "B"))

    assert [secret.name for secret in form.read({"B": "b", "A_OLD": "o", "A": "a", "B_OLD": "x"})] == [
        "A",
        "A_OLD",
        "B",
        "B_OLD",
    ]


@pytest.mark.parametrize(
    ("encoding", "text", "key"),
    [
        ("utf8", "whsec_é", "é".encode()),
        ("base64", "whsec_AAEC", b"\0\1\2"),
        ("base64", "AAECAw", b"\0\1\2\3"),
        ("hex", "00ff", b"\0\xff"),
    ],
)
def test_a_secret_is_decoded_as_its_provider_writes_it(encoding, text, key):
    form = SecretForm(names=("HOOK",), prefix="whsec_", encoding=encoding)

    assert form.read({"HOOK": f" {text}\n"})[0].key == key


@pytest.mark.parametrize(
    ("encoding", "text"), [("base64", "not base64!"), ("hex", "xyz"), ("hex", "é"), ("base64", "é")]
)
def test_a_secret_in_another_encoding_is_told_without_showing_it(encoding, text):
    with pytest.raises(ConfigurationError) as caught:
        SecretForm(names=("HOOK",), encoding=encoding).read({"HOOK": text})

    assert "HOOK" in str(caught.value)
    assert text not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("whsec_c2VjcmV0LW9mLWEtd2ViaG9vaw==", b"secret-of-a-webhook"),
        ("c2VjcmV0", b"c2VjcmV0"),
        ("t:k é", "t:k é".encode()),
    ],
)
def test_a_secret_that_may_be_of_standard_webhooks_is_base64_only_behind_its_prefix(text, key):
    assert SecretForm(names=("TOKEN",), encoding="whsec").decode("TOKEN", text).key == key
