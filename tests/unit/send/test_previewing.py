"""Previews: what an endpoint would get, and why it would get nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from smart_api_integrations.core.outbound_message import message_body
from smart_api_integrations.errors import InvalidInput
from smart_api_integrations.send.previewing import Preview, preview

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
BODY = message_body(id="msg_1", event="order.paid", timestamp=NOON, data={"total": 120})


def test_without_expressions_it_is_the_message() -> None:
    shown = preview(BODY)

    assert (shown.wanted, shown.size, shown.fault) == (True, len(BODY), None)
    assert shown.body["data"] == {"total": 120}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (
            {"filter": "data.total > 100", "transformation": "data"},
            Preview(wanted=True, body={"total": 120}, size=13),
        ),
        ({"filter": "data.total > 200", "transformation": "data"}, Preview(wanted=False)),
        ({"filter": "data.nothing > 200"}, Preview(wanted=False)),
    ],
)
def test_an_endpoint_gets_what_its_expressions_say(given: dict[str, Any], shown: Preview) -> None:
    assert preview(BODY, **given) == shown


@pytest.mark.parametrize(
    ("given", "wanted"),
    [({"filter": "data.total > 'a'"}, None), ({"transformation": "data.nothing"}, True)],
)
def test_a_fault_is_told_instead_of_raised(given: dict[str, Any], wanted: bool | None) -> None:
    shown = preview(BODY, **given)

    assert (shown.wanted, shown.body) == (wanted, None)
    assert shown.fault


@pytest.mark.parametrize("given", [{"filter": "data."}, {"transformation": "nobody.knows"}])
def test_a_mistake_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(given))):
        preview(BODY, **given)
