"""Forward rules: what they take, what they make, what can be one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from smart_api_integrations.core.forwarding import ForwardRule, check_rule, rule_of
from smart_api_integrations.errors import ExpressionError, InvalidInput

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SEEN = {"payload": {"ref": "main", "size": 3}, "event": {"type": "push"}, "headers": {}}


def rule(**values: Any) -> ForwardRule:
    return ForwardRule(id="fwd_1", created_at=NOON, updated_at=NOON, **values)


@pytest.mark.parametrize(
    ("values", "taken"),
    [
        ({}, True),
        ({"source": "github:default"}, True),
        ({"source": "github:*"}, True),
        ({"source": "gitlab:*"}, False),
        ({"source": "github"}, False),
        ({"events": ("push",)}, True),
        ({"events": ("issues", "push.*")}, True),
        ({"events": ("push.closed",)}, False),
        ({"active": False}, False),
    ],
)
def test_it_takes_what_its_patterns_name(values: Any, taken: bool) -> None:
    assert rule(**values).takes(source="github:default", event_type="push", action="opened") is taken


def test_an_event_without_a_type_is_taken_by_everything_alone() -> None:
    assert rule().takes(source="a:b", event_type=None, action=None)
    assert not rule(events=("x*",)).takes(source="a:b", event_type=None, action=None)
    assert rule().type_of(provider="a", event_type=None, action=None) == "a.event"


@pytest.mark.parametrize(
    ("message_type", "name"),
    [
        ("{provider}.{type}", "github.push"),
        ("{type}.{action}", "push"),
        ("code.pushed", "code.pushed"),
    ],
)
def test_its_message_has_the_type_that_it_says(message_type: str, name: str) -> None:
    assert rule(message_type=message_type).type_of(provider="github", event_type="push", action=None) == name


def test_its_data_is_the_payload_or_what_is_computed() -> None:
    assert rule().data_of(SEEN) == SEEN["payload"]
    assert rule(transformation="{'branch': payload.ref}").data_of(SEEN) == {"branch": "main"}
    assert rule(filter="payload.size > 2").wants(SEEN)
    assert not rule(filter="payload.size > 3").wants(SEEN)
    with pytest.raises(ExpressionError):
        rule(filter="payload.size > 'x'").wants(SEEN)


def test_its_handling_is_found_again_by_its_name() -> None:
    assert rule_of(rule().target_of("github:default")) == "fwd_1"
    assert rule_of("github:default:module.function") is None
    assert rule_of("ep_1") is None


def test_what_is_given_is_checked_and_returned() -> None:
    given = {"source": "github:*", "events": ["push", "push"], "filter": "", "active": False}

    assert check_rule(given) == {"source": "github:*", "events": ("push",), "filter": None, "active": False}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"source": ""}, "source"),
        ({"events": []}, "events"),
        ({"events": "push"}, "events"),
        ({"events": ["a"] * 101}, "events"),
        ({"filter": "payload."}, "filter"),
        ({"filter": 5}, "filter"),
        ({"transformation": "data.id"}, "transformation"),
        ({"message_type": "a\nb"}, "message_type"),
        ({"endpoint_id": 5}, "endpoint_id"),
        ({"description": "x" * 2000}, "description"),
        ({"active": "yes"}, "active"),
        ({"id": "x"}, "id"),
    ],
)
def test_what_can_be_no_rule_is_refused_by_field(given: Any, field: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{field}"):
        check_rule(given)
