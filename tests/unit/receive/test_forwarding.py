"""Which events get a forwarding, beside what publishes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from smart_api_integrations.core.forwarding import ForwardRule
from smart_api_integrations.core.journal import NewHandling
from smart_api_integrations.receive.forwarding import forwarding_too, is_forwarding
from tests.journal_scenes import received

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PUBLISHED = NewHandling(handler="github:default:<publish>", max_attempts=4)


def rules(**given: Mapping[str, Any]) -> dict[str, ForwardRule]:
    return {
        name: ForwardRule(id=name, created_at=NOON, updated_at=NOON, **values)
        for name, values in given.items()
    }


def taken(known: dict[str, ForwardRule], *, expects: bool = True, **event: Any) -> Sequence[str]:
    webhook: Any = SimpleNamespace(expects=lambda *_: expects)
    handlings = forwarding_too(lambda *_: (PUBLISHED,), lambda: known)(received(**event), webhook)
    return [each.handler for each in handlings]


def test_without_rules_it_is_what_it_was() -> None:
    assert taken({}) == [PUBLISHED.handler]


def test_every_rule_that_takes_it_gets_a_handling_of_its_own() -> None:
    known = rules(one={"events": ("push",)}, two={"source": "github:*"}, three={"events": ("issues",)})

    assert taken(known) == [
        PUBLISHED.handler,
        "github:default:<forward one>",
        "github:default:<forward two>",
    ]


@pytest.mark.parametrize(
    "event",
    [{"webhook_name": "second"}, {"provider": "gitlab"}, {"event_type": "issues"}, {"event_type": None}],
)
def test_another_source_or_type_is_left_alone(event: dict[str, Any]) -> None:
    assert taken(rules(one={"source": "github:default", "events": ("push",)}), **event) == [PUBLISHED.handler]


def test_a_type_that_its_webhook_does_not_expect_is_forwarded_by_no_rule() -> None:
    assert taken(rules(one={}), expects=False) == [PUBLISHED.handler]


@pytest.mark.parametrize(
    ("target", "forwards"),
    [("github:default:<forward fwd_1>", True), ("github:default:<publish>", False), ("ep_1", False)],
)
def test_a_forwarding_is_known_by_its_name(target: str, forwards: bool) -> None:
    claim: Any = SimpleNamespace(work=SimpleNamespace(target=target))

    assert is_forwarding(claim) is forwards
