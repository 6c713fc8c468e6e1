"""Records: cheap to make, equal by value, closed to what they do not declare."""

import pytest

from smart_api_integrations.core.records import record


@record
class Point:
    x: int
    y: int = 0


def test_records_are_equal_and_hash_by_their_values() -> None:
    assert Point(x=1) == Point(x=1, y=0) != Point(x=2)
    assert len({Point(x=1), Point(x=1), Point(x=2)}) == 2


def test_fields_are_given_by_name() -> None:
    with pytest.raises(TypeError):
        Point(1)  # type: ignore[call-arg]


def test_a_record_has_no_room_for_what_it_does_not_declare() -> None:
    with pytest.raises(AttributeError):
        Point(x=1).z = 3  # type: ignore[attr-defined]


def test_the_checker_refuses_what_the_interpreter_lets_pass() -> None:
    point = Point(x=1)

    point.x = 2  # type: ignore[misc] # mypy's unused-ignore makes this line a test of frozen_default

    assert point.x == 2
