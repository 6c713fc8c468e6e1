"""Durations in buckets: how far a percentile that is read out of them may be off."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_api_integrations.core.histogram import LAST, bucket_of, quantile

durations = st.floats(min_value=1, max_value=900_000, allow_nan=False)


@given(durations)
def test_a_duration_comes_back_within_a_tenth(duration):
    assert quantile({bucket_of(duration): 1}, 0.5) == pytest.approx(duration, rel=0.1)


@given(st.lists(durations, min_size=1, max_size=50), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_percentile_is_that_of_the_durations_themselves(values, part):
    buckets: dict[int, int] = {}
    for value in values:
        buckets[bucket_of(value)] = buckets.get(bucket_of(value), 0) + 1
    exact = sorted(values)[max(0, -(-len(values) * part // 1).__int__() - 1)]

    assert quantile(buckets, part) == pytest.approx(exact, rel=0.1)


@given(durations, durations)
def test_a_longer_duration_is_never_in_an_earlier_bucket(one, other):
    assert (bucket_of(one) <= bucket_of(other)) or one > other


@pytest.mark.parametrize("duration", [-1.0, 0.0, 0.5, 1.0])
def test_what_is_shorter_than_a_millisecond_counts_as_one(duration):
    assert bucket_of(duration) == 0
    assert quantile({0: 3}, 0.95) == 1.0


def test_there_is_a_last_bucket():
    assert bucket_of(10**15) == LAST


def test_nothing_has_no_percentile():
    assert quantile({}, 0.5) is None
    assert quantile({3: 0}, 0.5) is None


def test_the_order_of_the_buckets_does_not_matter():
    dice = random.Random(3)  # noqa: S311 - an order, not a secret
    buckets = {number: number for number in range(1, 40)}
    keys = list(buckets)
    dice.shuffle(keys)

    assert quantile({key: buckets[key] for key in keys}, 0.5) == quantile(buckets, 0.5)
