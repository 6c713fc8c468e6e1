"""Promises about patterns of event types."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.event_types import EventType, matches, method_name, specificity


@pytest.mark.parametrize(
    ("pattern", "event_type", "action"),
    [
        ("*", "push", None),
        ("*", None, None),
        ("push", "push", None),
        ("pull_request", "pull_request", "opened"),
        ("pull_request.opened", "pull_request", "opened"),
        ("pull_request.*", "pull_request", "opened"),
        ("payment_intent.succeeded", "payment_intent.succeeded", None),
        ("order.*", "order.created", None),
        ("order.*", "order.line.created", None),
        ("orders/*", "orders/create", None),
        ("*.created", "order.created", None),
        ("a*b*c", "a-b-c", None),
        ("pull_*", "pull_request", "opened"),
    ],
)
def test_a_pattern_matches(pattern, event_type, action):
    assert matches(pattern, event_type, action)


@pytest.mark.parametrize(
    ("pattern", "event_type", "action"),
    [
        ("push", "pushed", None),
        ("push", None, None),
        ("push", "", None),
        ("order.*", "order", None),
        ("order.*", "orders.created", None),
        ("pull_request.opened", "pull_request", "closed"),
        ("pull_request.opened", "pull_request", None),
        ("pull_request.*", "pull_request", None),
        ("a*b*c", "a-c-b", None),
        ("ab*ba", "aba", None),
        ("push", "PUSH", None),
        ("", "push", None),
        ("orderXcreated", "order.created", None),
    ],
)
def test_a_pattern_does_not_match(pattern, event_type, action):
    assert not matches(pattern, event_type, action)


@given(st.text(alphabet="ab.*", max_size=12), st.text(alphabet="ab.", min_size=1, max_size=12))
def test_a_pattern_with_stars_means_what_the_regular_expression_means(pattern, event_type):
    expression = ".*".join(re.escape(piece) for piece in pattern.split("*"))

    assert matches(pattern, event_type) is (re.fullmatch(expression, event_type) is not None)


def test_a_pattern_of_many_stars_is_matched_in_no_time():
    assert not matches("*a" * 1000 + "b", "a" * 10_000)


def test_the_most_specific_pattern_sorts_last():
    patterns = ["pull_request.opened", "*", "pull_request", "pull_*", "pull_request.*"]
    in_order = ["*", "pull_*", "pull_request.*", "pull_request", "pull_request.opened"]

    assert sorted(patterns, key=specificity) == in_order


@pytest.mark.parametrize(
    ("event_type", "name"),
    [
        ("push", "push"),
        ("payment_intent.succeeded", "payment_intent_succeeded"),
        ("orders/create", "orders_create"),
        ("user.login-failed", "user_login_failed"),
        ("größe", "gr__e"),
        ("CustomSubject", "CustomSubject"),
    ],
)
def test_a_method_is_named_by_its_type_with_underscores(event_type, name):
    assert method_name(event_type) == name


def test_every_predefined_type_is_in_one_of_the_guides_groups():
    groups = {event.category for event in EventType}

    assert groups == {"system", "data", "process", "monitoring"}
    assert [str(event) for event in EventType if event.category == "monitoring"] == [
        *("health.check", "alert.triggered", "metric.threshold")
    ]
