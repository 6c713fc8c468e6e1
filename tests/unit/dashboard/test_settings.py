from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from smart_api_integrations.application.configuration import sources_of
from smart_api_integrations.core.access import ApiKey, AuditEntry, Role, Scope
from smart_api_integrations.dashboard.views.settings import audit_row, key_row, setting_rows
from smart_api_integrations.settings import Settings

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SETTINGS = Settings(
    database_url="postgresql://mira:very-secret@db.example/hooks",
    api_keys=(SecretStr("whk_one"), SecretStr("whk_two")),
    public_url="https://hooks.example",
)


def row(name):
    return next(row for row in setting_rows(SETTINGS, {"public_url": "webhooks.toml"}) if row.name == name)


def key(**values):
    given: dict[str, Any] = {
        "id": "key_1", "name": "ci", "prefix": "whk_abcd", "digest": b"", "role": Role.VIEWER,
        "scopes": frozenset({Scope.READ_EVENTS}), "created_at": NOW, "created_by": "local",
    } | values  # fmt: skip
    return ApiKey(**given)


def test_no_secret_of_a_setting_is_shown():
    shown = " ".join(row.value for row in setting_rows(SETTINGS, {}))

    assert "very-secret" not in shown
    assert "whk_" not in shown
    assert row("api_keys").value == "••••, ••••"


def test_every_setting_says_what_sets_it_and_what_did():
    assert row("public_url").source == "webhooks.toml"
    assert row("port").source == "default"
    assert row("public_url").variable == "WEBHOOKS_PUBLIC_URL"
    assert {row.name for row in setting_rows(SETTINGS, {})} == set(Settings.model_fields)


def test_where_a_setting_comes_from_is_looked_up(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "webhooks.toml").write_text('public_url = "https://hooks.example"\n')

    found = sources_of(SETTINGS, {"WEBHOOKS_DATABASE_URL": "postgresql://"})

    assert found == {
        "database_url": "WEBHOOKS_DATABASE_URL",
        "public_url": "webhooks.toml",
        "api_keys": "command line",
    }


def test_a_file_that_cannot_be_read_is_no_reason_to_fail(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "webhooks.toml").write_text("not toml at all [")

    assert sources_of(SETTINGS, {})["public_url"] == "command line"


def test_a_key_says_what_it_may_and_until_when():
    active = key_row(key(expires_at=NOW + timedelta(days=2)), now=NOW)
    assert (active.badge.word, active.granted, active.is_active) == ("Active", "viewer", True)
    assert active.expires is not None

    over = key_row(key(revoked_at=NOW, role=None), now=NOW)
    assert (over.badge.word, over.granted, over.is_active) == ("Revoked", "read:events", False)
    assert key_row(key(expires_at=NOW), now=NOW).badge.word == "Expired"


def test_a_line_of_the_audit_log_is_shown_with_hidden_characters_seen():
    entry = AuditEntry(
        id="aud_1", at=NOW, actor_id="key_1", actor_name="ci\u202e", action="endpoint.update",
        target="ep_1", details={"rate": 5},
    )  # fmt: skip

    found = audit_row(entry, now=NOW)

    assert (found.who, found.sender, found.details) == ("ci\\u202e", "—", "rate: 5")
