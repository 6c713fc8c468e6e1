"""What goes into a caller's transaction, and that it comes out of it as it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.journal import Message
from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.storage.outbox import _message, enlisting
from smart_api_integrations.storage.outbox_protocol import Home

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOME = Home(
    engine="sqlite",
    question="WHERE AM I",
    insert="KEEP :id :envelope :body",
    identity="here",
    read=lambda rows: rows[0][0],
)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=20)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


@given(
    message=st.builds(
        Message,
        id=TEXT,
        tenant=TEXT,
        event=TEXT,
        body=st.binary(max_size=50),
        created_at=MOMENTS,
        event_id=st.none() | TEXT,
        handler=st.none() | TEXT,
        hops=st.integers(0, 3),
        deliver_at=st.none() | MOMENTS,
        expires_at=st.none() | MOMENTS,
        ordering_key=st.none() | TEXT,
        endpoint_id=st.none() | TEXT,
    )
)
def test_a_message_comes_out_as_it_went_in(message: Message) -> None:
    asking = enlisting(message, HOME)
    assert next(asking) == ("WHERE AM I", {})
    statement, values = asking.send([("here",)])

    assert statement == HOME.insert
    assert _message(SimpleNamespace(**values)) == message
    with pytest.raises(StopIteration):
        asking.send(())


def test_a_body_may_come_back_as_whatever_a_driver_makes_of_bytes() -> None:
    message = Message(id="msg_1", event="a.b", body=b"\xff{}", created_at=NOON)
    asking = enlisting(message, HOME)
    next(asking)
    _, values = asking.send([("here",)])

    assert _message(SimpleNamespace(**values | {"body": memoryview(message.body)})) == message


@pytest.mark.parametrize("elsewhere", ["there", None, ("here",)])
def test_a_connection_that_leads_elsewhere_gets_no_insert(elsewhere: Any) -> None:
    message = Message(id="msg_1", event="a.b", body=b"{}", created_at=NOON + timedelta(days=1))
    asking = enlisting(message, HOME)
    next(asking)

    with pytest.raises(ConfigurationError, match="another database"):
        asking.send([(elsewhere,)])
