"""What a message may hold, and the bytes that it becomes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.outbound_message import build_message, message_body
from smart_api_integrations.errors import InvalidInput

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
DAY = timedelta(hours=24)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def body(data: Any = None, metadata: Any = None) -> bytes:
    return message_body(id="msg_1", event="a.b", timestamp=NOON, data=data, metadata=metadata)


@given(data=JSON, metadata=st.dictionaries(st.text(), JSON, max_size=3))
def test_the_body_holds_what_was_published(data: Any, metadata: dict[str, Any]) -> None:
    assert json.loads(body(data, metadata)) == {
        "id": "msg_1",
        "event": "a.b",
        "timestamp": "2026-01-01T12:00:00.000Z",
        "data": data,
        "metadata": metadata,
    }


def test_the_body_is_compact_utf8_in_a_fixed_order() -> None:
    assert (
        body({"é": [1, 2]})
        == (
            '{"id":"msg_1","event":"a.b","timestamp":"2026-01-01T12:00:00.000Z","data":{"é":[1,2]},"metadata":{}}'
        ).encode()
    )


def circle() -> list[Any]:
    ring: list[Any] = []
    ring.append(ring)
    return ring


def tower() -> list[Any]:
    top: list[Any] = []
    for _ in range(200_000):
        top = [top]
    return top


@pytest.mark.parametrize(
    ("data", "where", "found"),
    [
        (float("nan"), "data", "nan"),
        ({"a": [1, float("inf")]}, r"data\.a\[1\]", "inf"),
        ({"when": NOON}, r"data\.when", "datetime"),
        ({"raw": b"x"}, r"data\.raw", "bytes"),
        ([UUID(int=1)], r"data\[0\]", "UUID"),
        ({"deep": [{"set": {1}}]}, r"data\.deep\[0\]\.set", "set"),
        ({(1, 2): 3}, "data", "key that is a tuple"),
        ({"a": "\ud800"}, r"data\.a", "surrogate"),
        ({"\ud800": 1}, "data", "surrogate"),
        (circle(), "data", "circle"),
        (tower(), "data", "circle"),
    ],
)
def test_what_json_cannot_hold_is_refused_with_its_place(data: Any, where: str, found: str) -> None:
    with pytest.raises(InvalidInput, match=rf"^{where}.*found .*{found}.*expected text"):
        body(data)


@pytest.mark.parametrize("event", ["", "  ", "a\nb", "a\x00", "a\x7f", "x" * 257, None, 5])
def test_an_event_without_a_usable_name_is_refused(event: Any) -> None:
    with pytest.raises(InvalidInput, match=r"^event: found"):
        build_message(event, {}, id="msg_1", now=NOON)


def test_a_message_larger_than_the_cap_is_refused_and_one_of_the_cap_is_not() -> None:
    size = len(build_message("a.b", "x" * 100, id="msg_1", now=NOON).body)

    assert len(build_message("a.b", "x" * 100, id="msg_1", now=NOON, max_bytes=size).body) == size
    with pytest.raises(InvalidInput, match=rf"^data: found {size} bytes.*at most {size - 1}"):
        build_message("a.b", "x" * 100, id="msg_1", now=NOON, max_bytes=size - 1)


def test_a_message_carries_its_trace() -> None:
    message = build_message(
        "a.b", {}, id="msg_1", now=NOON, tenant="acme", event_id="evt_1", handler="p:d:m.f", hops=2
    )

    assert (message.tenant, message.event_id, message.handler, message.hops, message.created_at) == (
        ("acme", "evt_1", "p:d:m.f", 2, NOON)
    )


@pytest.mark.parametrize("key", ["", "x" * 257, "a\nb", 5, b"k"])
def test_an_ordering_key_that_cannot_be_one_is_refused(key: Any) -> None:
    with pytest.raises(InvalidInput, match="ordering_key"):
        build_message("a.b", {}, id="msg_1", now=NOON, ordering_key=key)


@pytest.mark.parametrize("key", [None, "x", "order 17 ☃", "x" * 256])
def test_an_ordering_key_is_part_of_the_message_and_not_of_its_body(key: str | None) -> None:
    message = build_message("a.b", {}, id="msg_1", now=NOON, ordering_key=key)

    assert message.ordering_key == key
    assert message.body == build_message("a.b", {}, id="msg_1", now=NOON).body


LATER = NOON + timedelta(hours=1)


@pytest.mark.parametrize(
    ("options", "moment"),
    [
        ({}, None),
        ({"delay": None}, None),
        ({"delay": 0}, None),
        ({"delay": 3600}, LATER),
        ({"delay": timedelta(hours=1)}, LATER),
        ({"deliver_at": LATER}, LATER),
        ({"deliver_at": LATER.astimezone(timezone(timedelta(hours=5)))}, LATER),
    ],
)
def test_a_message_is_delivered_when_it_says(options: Any, moment: datetime | None) -> None:
    assert build_message("a.b", {}, id="msg_1", now=NOON, **options).deliver_at == moment


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"delay": -1}, "delay"),
        ({"delay": "soon"}, "delay"),
        ({"delay": True}, "delay"),
        ({"delay": float("nan")}, "delay"),
        ({"delay": 1e99}, "delay"),
        ({"delay": 5, "deliver_at": LATER}, "delay"),
        ({"deliver_at": LATER.replace(tzinfo=None)}, "deliver_at"),
        ({"deliver_at": "tomorrow"}, "deliver_at"),
        ({"deliver_at": NOON + timedelta(days=367)}, "deliver_at"),
        ({"expires_at": 5}, "expires_at"),
        ({"idempotency_key": ""}, "idempotency_key"),
    ],
)
def test_a_time_or_a_key_that_cannot_be_one_is_refused(options: Any, field: str) -> None:
    with pytest.raises(InvalidInput, match=field):
        build_message("a.b", {}, id="msg_1", now=NOON, **options)


def test_a_fingerprint_knows_the_content_and_nothing_else() -> None:
    def fingerprint(
        data: Any, *, message_id: str = "msg_1", now: datetime = NOON, key: str | None = "k"
    ) -> bytes:
        return build_message("a.b", data, id=message_id, now=now, idempotency_key=key).fingerprint

    assert fingerprint({"a": 1}) == fingerprint({"a": 1}, message_id="msg_2", now=LATER)
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})
    assert fingerprint({"a": 1}, key=None) == b""
