"""What a provider's event is called inside, by the maps of its YAML."""

from datetime import UTC, datetime
from typing import Any

import pytest

from smart_api_integrations.core.publish_maps import PublishMap, internal_types, variables_of
from smart_api_integrations.core.webhook_schema import WebhookEvent
from smart_api_integrations.errors import ExpressionError

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def event(**values):
    given: dict[str, Any] = {
        "type": "pull_request",
        "action": "opened",
        "provider": "github",
        "timestamp": NOON,
    } | values
    return WebhookEvent(**given)


def made(entry, **values):
    happened = event(**values)
    return entry.made_of(variables_of(happened, webhook_name="default"), event=happened)


def test_words_of_the_provider_stand_in_the_internal_type():
    entry = PublishMap(pattern="pull_request", type="pr.{action}.of.{type}")

    assert internal_types([entry, entry], "pull_request", "opened") == ("pr.opened.of.pull_request",)
    assert internal_types([entry], "push", None) == ()


def test_data_is_computed_key_by_key_and_what_is_missing_is_null():
    entry = PublishMap(
        pattern="*",
        type="x",
        data={
            "who": "payload.user.name",
            "n": "size(payload.list)",
            "at": "event.received_at",
            "h": "headers['x-a']",
        },
        key="payload.id",
    )

    internal = made(entry, payload={"list": [1, 2], "id": 7}, headers={"X-A": "b"})

    assert internal.data == {"who": None, "n": 2, "at": "2026-01-01T12:00:00Z", "h": "b"}
    assert internal.ordering_key == "7"


def test_whole_data_can_be_one_expression():
    assert made(PublishMap(pattern="*", type="x", data="payload"), payload=[1]).data == [1]


@pytest.mark.parametrize(("payload", "published"), [({"n": 2}, True), ({"n": 1}, False), ({}, False)])
def test_condition_says_whether_it_is_published(payload, published):
    entry = PublishMap(pattern="*", type="x", when="payload.n > 1")

    assert (made(entry, payload=payload) is not None) is published


def test_fault_when_computed_names_file_entry_and_key():
    entry = PublishMap(pattern="a", type="x", data={"n": "payload.n + 1"}, place=("a", 2), origin="f.yaml")

    with pytest.raises(
        ExpressionError, match=r"f\.yaml: publish\.a\.2\.data\.n: `payload\.n \+ 1` cannot be"
    ):
        made(entry, type="a", payload={"n": "text"})


def test_faults_of_expressions_are_found_without_an_event():
    entry = PublishMap(pattern="a", type="x", data={"n": "nothing.n"}, when="1 +", key="payload.id")

    assert [place for place, _ in entry.faults()] == [("data", "n"), ("when",)]
    assert [place for place, _ in PublishMap(pattern="a", type="x", data="(").faults()] == [("data",)]
