"""``tests/unit`` mirrors ``core`` path by path: a rule's tests are found without looking for them."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
CORE = ROOT / "src" / "smart_api_integrations" / "core"
UNIT = ROOT / "tests" / "unit" / "core"

MODULES = sorted(path.relative_to(CORE) for path in CORE.rglob("*.py") if path.name != "__init__.py")
TESTS = sorted(path.relative_to(UNIT) for path in UNIT.rglob("test_*.py"))


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_rule_has_its_tests_where_they_are_looked_for(module: Path):
    assert module.with_name(f"test_{module.name}") in TESTS


@pytest.mark.parametrize("test", TESTS, ids=str)
def test_tests_have_the_rule_that_they_are_named_after(test: Path):
    name = test.name.removeprefix("test_")

    assert test.with_name(name) in MODULES or (CORE / test.parent / name.removesuffix(".py")).is_dir()
