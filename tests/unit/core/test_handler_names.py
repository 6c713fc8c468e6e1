"""Names of functions, and when a registration is the same one."""

from __future__ import annotations

import functools
import runpy
from typing import Any

import pytest

from smart_api_integrations.core.handler_names import is_same_registration, numbered, place_of, qualified_name


def handle(event: Any) -> Any:
    return event


class Greeter:
    def __call__(self, event: Any) -> Any:
        return event

    def method(self, event: Any) -> Any:
        return event


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (handle, "handle"),
        (functools.partial(functools.partial(handle), 1), "handle"),
        (Greeter(), "Greeter"),
        (Greeter().method, "Greeter.method"),
    ],
)
def test_a_name_says_module_and_function(function, name):
    assert qualified_name(function) == f"{__name__}.{name}"


def test_two_lambdas_on_one_line_have_two_places():
    first, second = lambda event: event, lambda event: event

    assert place_of(first) != place_of(second)
    assert not is_same_registration(first, second)


def test_a_module_that_is_loaded_again_registers_the_same_functions(tmp_path):
    (tmp_path / "shop.py").write_text("def handle(event):\n    return event\n")
    first, second = (runpy.run_path(str(tmp_path / "shop.py")) for _ in range(2))

    assert first["handle"] != second["handle"]
    assert is_same_registration(first["handle"], second["handle"])


def test_methods_of_two_instances_are_one_place_and_objects_are_none():
    assert is_same_registration(Greeter().method, Greeter().method)
    assert not is_same_registration(Greeter(), Greeter())
    assert place_of(functools.partial(handle)) is None


def test_numbers_begin_at_two():
    assert [numbered("a", taken) for taken in range(3)] == ["a", "a#2", "a#3"]
