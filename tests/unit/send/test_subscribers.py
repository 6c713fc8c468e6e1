"""Functions of this process as the broker: called in turn, and what they raise comes through."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from smart_api_integrations.core.broker_event import broker_event
from smart_api_integrations.core.outbound_message import build_message
from smart_api_integrations.send.subscribers import Subscribers

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def subscribers():
    with ThreadPoolExecutor(1) as threads:
        yield Subscribers(threads)


def event():
    return broker_event(build_message("order.paid", {"id": 7}, {"a": "b"}, id="msg_1", now=NOON))


async def test_functions_of_both_colours_get_the_payload_as_others_do(subscribers):
    heard = []

    async def later(payload):
        heard.append(payload)

    subscribers.add("order.*", heard.append)
    subscribers.add("order.paid", later)
    subscribers.add("git.push", heard.append)
    await subscribers.take(event())

    assert len(heard) == 2
    assert heard[0] == heard[1]
    assert (heard[0].id, heard[0].event, heard[0].timestamp) == ("msg_1", "order.paid", NOON)
    assert (heard[0].data, heard[0].metadata) == ({"id": 7}, {"a": "b"})


async def test_what_a_function_raises_comes_through(subscribers):
    def fails(_payload):
        message = "no"
        raise ValueError(message)

    subscribers.add("*", fails)

    with pytest.raises(ValueError, match="no"):
        await subscribers.take(event())


def test_it_is_known_who_wants_what(subscribers):
    subscribers.add("order.*", print)

    assert subscribers.wants("order.paid")
    assert not subscribers.wants("git.push")
