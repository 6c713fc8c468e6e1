"""Who may do what: the table of roles, and the life of a key."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from smart_api_integrations.core.access import (
    LOCAL,
    ROLES,
    SCOPES,
    ApiKey,
    Principal,
    Role,
    Scope,
    digest,
    granted,
    settings_key_id,
)
from smart_api_integrations.errors import InvalidInput

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def key(**changes):
    given: dict[str, Any] = {
        "id": "key_1", "name": "shop", "prefix": "whk_abcdefgh", "digest": digest("whk_abcdefghij"),
        "scopes": frozenset({Scope.REPLAY}), "created_at": NOW, "created_by": "local",
    }  # fmt: skip
    return ApiKey(**given | changes)


def test_every_role_and_every_scope_is_in_its_table():
    assert set(ROLES) == set(Role)
    assert set(SCOPES) == set(Scope)


def test_roles_grow():
    assert ROLES[Role.VIEWER] < ROLES[Role.OPERATOR] < ROLES[Role.ADMIN]


def test_a_viewer_changes_nothing_and_sees_no_payload():
    assert ROLES[Role.VIEWER] == {Scope.READ_EVENTS}


@pytest.mark.parametrize("scope", Scope)
def test_admin_may_everything(scope):
    assert Principal(id="key_1", name="", scopes=frozenset({Scope.ADMIN})).may(scope)
    assert LOCAL.may(scope)


@pytest.mark.parametrize("scope", Scope)
def test_one_scope_allows_itself_alone(scope):
    held = Principal(id="key_1", name="", scopes=frozenset({Scope.REPLAY}))

    assert held.may(scope) == (scope is Scope.REPLAY)


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "active"),
        ({"expires_at": NOW + timedelta(seconds=1)}, "active"),
        ({"expires_at": NOW}, "expired"),
        ({"revoked_at": NOW, "expires_at": NOW}, "revoked"),
    ],
)
def test_a_key_ends(changes, state):
    assert key(**changes).state(now=NOW) == state


def test_no_digest_is_shown():
    assert "digest" not in repr(key())


def test_a_key_of_the_settings_has_an_id_that_does_not_tell_it():
    assert settings_key_id(digest("a")) == "settings:ca978112ca1b"


class TestGranted:
    def test_a_role_is_its_scopes(self):
        assert granted("operator", []) == (Role.OPERATOR, ROLES[Role.OPERATOR])

    def test_scopes_stand_for_themselves(self):
        assert granted(None, ["replay", "read:events"]) == (
            None,
            frozenset({Scope.REPLAY, Scope.READ_EVENTS}),
        )

    @pytest.mark.parametrize(
        ("role", "scopes", "said"),
        [
            (None, [], "neither"),
            ("viewer", ["replay"], "both"),
            ("owner", [], "one of viewer, operator, admin"),
            (None, ["write"], "one of read:events"),
        ],
    )
    def test_what_is_asked_for_wrongly_is_named(self, role, scopes, said):
        with pytest.raises(InvalidInput, match=said):
            granted(role, scopes)
