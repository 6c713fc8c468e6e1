"""``webhooks keys`` on a database: made once, listed without the key, rotated, revoked."""

import pytest

ROLES = {"viewer": 1, "operator": 5, "admin": 6}


@pytest.mark.parametrize("role", ROLES)
def test_a_key_of_a_role_is_made(cli, role):
    made = cli("keys", "create", "ci", "--role", role, "--json").json

    assert made["key"].startswith("whk_")
    assert (made["name"], made["role"], made["state"]) == ("ci", role, "active")
    assert len(made["scopes"]) == ROLES[role]


def test_the_key_alone_is_data(cli):
    ended = cli("keys", "create")

    assert ended.lines[0].startswith("whk_")
    assert len(ended.lines) == 1
    assert "viewer" in ended.err
    assert "not shown again" in ended.err
    assert ended.lines[0] not in ended.err


def test_scopes_stand_instead_of_a_role(cli):
    ended = cli("keys", "create", "shop", "--scope", "send:events", "--scope", "read:events", "--days", "9")
    (listed,) = cli("keys", "list", "--json").objects

    assert ended.code == 0
    assert (listed["role"], listed["scopes"]) == (None, ["read:events", "send:events"])
    assert listed["expires_at"] > listed["created_at"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--scope", "everything"), "scopes"),
        (("--role", "viewer", "--scope", "replay"), "role"),
        (("--days", "0"), "expires_in_days"),
        (("--role", "owner"), "owner"),
    ],
)
def test_what_cannot_be_made_is_told(cli, options, said):
    ended = cli("keys", "create", "ci", *options)

    assert ended.code == 2
    assert ended.out == ""
    assert said in ended.err


def test_a_list_shows_no_key(cli):
    made = cli("keys", "create", "ci", "--json").json

    listed = cli("keys", "list")

    assert made["id"] in listed.out
    assert made["prefix"] in listed.out
    assert made["key"] not in listed.out


def test_a_rotated_key_is_followed_by_another(cli):
    first = cli("keys", "create", "ci", "--role", "operator", "--json").json
    second = cli("keys", "rotate", first["id"], "--overlap-hours", "2", "--json").json
    again = cli("keys", "rotate", first["id"])
    newer, older = cli("keys", "list", "--json").objects

    assert second["key"] != first["key"]
    assert (newer["id"], newer["role"], newer["name"]) == (second["id"], "operator", "ci")
    assert (older["replaced_by"], older["state"]) == (second["id"], "active")
    assert older["expires_at"] is not None
    assert again.code == 2
    assert "replaced already" in again.err


def test_a_revoked_key_stays_in_the_list(cli):
    made = cli("keys", "create", "ci", "--json").json

    ended = cli("keys", "revoke", made["id"])
    as_json = cli("keys", "revoke", made["id"], "--json")

    assert (ended.code, as_json.json) == (0, {"id": made["id"], "state": "revoked"})
    assert [key["state"] for key in cli("keys", "list", "--json").objects] == ["revoked"]


def test_an_unknown_key_is_told(cli):
    cli("keys", "create", "ci")
    for words in (("rotate", "key_unknown"), ("revoke", "key_unknown")):
        ended = cli("keys", *words)

        assert ended.code != 0
        assert "API key" in ended.err


def test_nothing_is_listed_of_a_database_that_is_not_there(cli):
    ended = cli("keys", "list")

    assert ended.code != 0
    assert "no database" in ended.err
