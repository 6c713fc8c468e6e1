"""The services that the suite needs are there: skipped by name where not, a fault where ``CI=true``."""

import socket
from urllib.parse import urlsplit

import pytest

from tests import conftest


def exchange(url: str, sent: bytes) -> bytes:
    """Return the first bytes that the service answers to *sent*."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=5) as connection:
        connection.sendall(sent)
        return connection.recv(64)


@pytest.mark.postgres
def test_postgresql_answers():
    ssl_request = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")

    assert exchange(conftest.POSTGRES_URL, ssl_request) in {b"S", b"N"}


@pytest.mark.redis
def test_redis_answers():
    assert exchange(conftest.REDIS_URL, b"PING\r\n").startswith((b"+PONG", b"-NOAUTH"))


@pytest.mark.rabbitmq
def test_rabbitmq_answers():
    assert exchange(conftest.RABBITMQ_URL, b"AMQP\x00\x00\x09\x01").startswith(b"\x01")


@pytest.mark.payload_examples
def test_payload_examples_are_complete(payload_examples):
    assert (payload_examples / "api.github.com" / "index.json").stat().st_size > 1_000_000


def test_every_need_is_a_registered_mark(pytestconfig):
    marks = {line.partition(":")[0] for line in pytestconfig.getini("markers")}

    assert conftest.NEEDS.keys() <= marks
