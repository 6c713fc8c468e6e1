"""Endpoint secrets at rest."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.storage.secret_cipher import SecretCipher, key_file_beside, keys_from_text

OLD, NEW = b"o" * 32, b"n" * 32


def test_a_secret_comes_back_and_is_not_in_the_ciphertext() -> None:
    cipher = SecretCipher([NEW])

    stored = cipher.encrypt("whsec_☃", row_id="ep_1")

    assert cipher.decrypt(stored, row_id="ep_1") == "whsec_☃"
    assert "whsec" not in stored
    assert stored != cipher.encrypt("whsec_☃", row_id="ep_1")


def test_an_older_key_still_opens_and_the_newest_seals() -> None:
    stored = SecretCipher([OLD]).encrypt("secret", row_id="ep_1")
    rotated = SecretCipher([NEW, OLD])

    assert rotated.decrypt(stored, row_id="ep_1") == "secret"
    sealed = rotated.encrypt("secret", row_id="ep_1")
    assert SecretCipher([NEW]).decrypt(sealed, row_id="ep_1") == "secret"


def test_a_key_that_is_gone_is_named_as_a_setting() -> None:
    stored = SecretCipher([OLD]).encrypt("secret", row_id="ep_1")

    with pytest.raises(ConfigurationError, match="WEBHOOKS_ENCRYPTION_KEYS"):
        SecretCipher([NEW]).decrypt(stored, row_id="ep_1")


@pytest.mark.parametrize("change", ["row", "byte", "garbage", "short", "plain"])
def test_what_was_changed_does_not_open(change: str) -> None:
    cipher = SecretCipher([NEW])
    stored = cipher.encrypt("secret", row_id="ep_1")
    changed = {
        "row": (stored, "ep_2"),
        "byte": (stored[:-6] + ("A" if stored[-6] != "A" else "B") + stored[-5:], "ep_1"),
        "garbage": (stored + "\N{SNOWMAN}", "ep_1"),
        "short": (stored[:14], "ep_1"),
        "plain": ("a secret in the clear", "ep_1"),
    }

    text, row_id = changed[change]
    with pytest.raises(ConfigurationError, match="WEBHOOKS_ENCRYPTION_KEYS"):
        cipher.decrypt(text, row_id=row_id)


def test_keys_are_read_in_every_common_form() -> None:
    key = bytes(range(224, 256))
    forms = [
        key.hex(),
        key.hex().upper(),
        base64.b64encode(key).decode(),
        base64.urlsafe_b64encode(key).decode(),
        base64.urlsafe_b64encode(key).decode().rstrip("="),
    ]

    assert keys_from_text(" , ".join(forms)) == [key] * len(forms)


def test_a_phrase_is_stretched_always_to_the_same_key() -> None:
    first, again, other = keys_from_text(
        "a phrase of some length,a phrase of some length,another long phrase"
    )

    assert first == again != other
    assert len(first) == 32


@pytest.mark.parametrize("text", ["", " , ", "too short", "a phrase of some length,short"])
def test_a_weak_or_missing_key_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ConfigurationError, match="WEBHOOKS_ENCRYPTION_KEYS") as caught:
        keys_from_text(text)

    assert "short," not in str(caught.value)


def test_a_cipher_needs_whole_keys() -> None:
    for keys in ([], [b"short"]):
        with pytest.raises(ConfigurationError):
            SecretCipher(keys)


def test_a_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    database = tmp_path / "webhooks.db"

    made = key_file_beside(database)

    (file,) = tmp_path.iterdir()
    assert file.name == "webhooks.db.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert key_file_beside(database) == made
    assert len(made[0]) == 32


def test_a_key_file_that_cannot_be_used_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "empty.db.key").write_text("")
    (tmp_path / "binary.db.key").write_bytes(b"\xff" * 40)

    for database in ("empty.db", "binary.db", "no/such/folder.db"):
        with pytest.raises(ConfigurationError, match="WEBHOOKS_ENCRYPTION_KEYS"):
            key_file_beside(tmp_path / database)
