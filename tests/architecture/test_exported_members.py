"""A package's ``__init__`` says in a sorted ``__all__`` what it offers, and offers it."""

import importlib
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent.parent / "src"
FOLDERS = sorted(path.parent.relative_to(SOURCE) for path in SOURCE.rglob("__init__.py"))
PACKAGES = [".".join(folder.parts) for folder in FOLDERS if "migrations" not in folder.parts]


@pytest.mark.parametrize("name", PACKAGES)
def test_all_is_sorted_complete_and_importable(name):
    package = importlib.import_module(name)
    offered = getattr(package, "__all__", [])
    imported = {
        member
        for member, value in vars(package).items()
        if not member.startswith("_") and getattr(value, "__module__", "").startswith(f"{name}.")
    }

    assert list(offered) == sorted(offered)
    assert [member for member in offered if not hasattr(package, member)] == []
    assert imported - set(offered) == set(), "imported, but not in __all__"
