"""Every figure of the code's shape reaches its bar (scripts/figures.py says which and why)."""

import ast

import pytest

from scripts import figures
from scripts.figures import Figure


@pytest.mark.parametrize("figure", figures.figures(), ids=lambda figure: figure.name)
def test_figure_reaches_its_bar(figure: Figure):
    assert not figure.faults, f"{figure.name} is {figure.value}, the bar is {figure.bar}"


@pytest.mark.parametrize(
    ("source", "ways"),
    [
        ("def f(): return 1", 1),
        ("def f(a):\n if a and a or 1: return [b for b in a if b]", 5),
        ("def f(a):\n match a:\n  case 1: pass\n  case _: pass", 3),
        ("def f(a):\n def g(b):\n  if b: pass\n if a: g(a)", 2),
    ],
)
def test_branches_are_counted_as_mccabe_does(source, ways):
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef)

    assert figures._branches(function) == ways


def test_long_files_are_named_with_a_reason():
    assert all(reason for reason in figures.LONG_FILES.values())
    assert all((figures.SOURCE / name).is_file() for name in figures.LONG_FILES)
