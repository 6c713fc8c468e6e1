"""Ids: a prefix and a ULID, sorted by time, never the same twice."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from smart_api_integrations.application.identifiers import ulids


def test_an_id_is_a_prefix_and_26_characters_of_crockfords_base_32():
    assert re.fullmatch(r"evt_[0-7][0-9A-HJKMNP-TV-Z]{25}", ulids()("evt_"))


def test_the_specifications_example_of_a_time():
    new_id = ulids(milliseconds=lambda: 1469918176385, random_bytes=bytes)
    assert new_id("").startswith("01ARYZ6S41")


def test_ids_grow_even_where_the_clock_goes_back():
    moments = iter([5, 5, 4, 6])
    new_id = ulids(milliseconds=lambda: next(moments))
    made = [new_id("") for _ in range(4)]
    assert made == sorted(set(made))


def test_threads_never_get_the_same_id():
    new_id = ulids()
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: new_id("x_"), range(5000)))
    assert len(set(made)) == 5000


def test_a_forked_process_draws_its_own_randomness(monkeypatch: pytest.MonkeyPatch) -> None:
    moments, draws = iter(range(1, 9)), iter([b"\x01" * 10_000, b"\x02" * 10_000])
    new_id = ulids(milliseconds=lambda: next(moments), random_bytes=lambda _: next(draws))
    before = new_id("")

    monkeypatch.setattr("os.getpid", lambda: -1)

    assert new_id("")[10:] != before[10:]
