"""What an import may cost and reach, beyond what the contracts in pyproject.toml can say."""

import ast
import graphlib
import importlib
import importlib.metadata
import itertools
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

from tests import django_host

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = ROOT / "src"
PACKAGE = "smart_api_integrations"

HEAVY = (
    *("alembic", "anyio", "asyncio", "cryptography", "fastapi", "jinja2", "orjson", "psycopg", "pycurl"),
    *("pydantic", "rich", "sqlalchemy", "sqlite3", "ssl", "starlette", "typer", "uvicorn", "uvloop", "yaml"),
)
SERVER = {
    "alembic",
    "fastapi",
    "jinja2",
    "psycopg",
    "pycurl",
    "rich",
    "sqlalchemy",
    "starlette",
    "typer",
    "uvicorn",
}
EXPRESSION_AND_TOKEN_LIBRARIES = {"cel", "cryptography", "jwt"}


def loaded_after(statement: str) -> set[str]:
    """Return the top-level names of the modules that a new interpreter has after *statement*."""
    code = f"import sys; {statement}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(SOURCE)},
    )
    return set(ran.stdout.split())


def test_importing_the_package_loads_nothing_heavy():
    """The budget is a list of modules, not a time: it says the same on every machine."""
    baseline = loaded_after("pass")

    assert loaded_after(f"import {PACKAGE}") & set(HEAVY) - baseline == set()


@pytest.mark.parametrize("name", ["webhooks", "core.webhook", "core.webhook_registry", "core.webhook_schema"])
def test_handler_authors_load_no_server(name):
    assert loaded_after(f"import {PACKAGE}.{name}") & SERVER == set()


def test_core_uses_no_third_party_but_the_three_that_its_rules_need():
    graph = grimp.build_graph(PACKAGE, include_external_packages=True, cache_dir=None)
    allowed = {PACKAGE, *sys.stdlib_module_names, *EXPRESSION_AND_TOKEN_LIBRARIES}
    rules = [f"{PACKAGE}.errors", f"{PACKAGE}.core", *graph.find_descendants(f"{PACKAGE}.core")]

    used = {
        imported.partition(".")[0]
        for rule in rules
        for imported in graph.find_modules_directly_imported_by(rule)
    }

    assert used - allowed == set()


def test_what_is_imported_is_declared():
    """A library that another one happens to bring may be gone with its next version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    written = [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())]
    declared = {re.split(r"[^\w-]", requirement)[0].lower().replace("_", "-") for requirement in written}
    graph = grimp.build_graph(PACKAGE, include_external_packages=True, cache_dir=None)
    roots = {module for module in graph.modules if "." not in module} - {PACKAGE, *sys.stdlib_module_names}

    names = importlib.metadata.packages_distributions()
    used = {root: {name.lower().replace("_", "-") for name in names.get(root, [root])} for root in roots}

    assert {root for root, distributions in used.items() if not distributions & declared} == set()


def test_no_module_stands_in_a_circle():
    """Not even by an import inside a function or under TYPE_CHECKING."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}

    graphlib.TopologicalSorter(imports).prepare()


def test_nothing_opens_urls_beside_the_transport():
    users = [
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom) and "urllib.request" in ast.unparse(node)
    ]

    assert users == []


MODULES = sorted(
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
    for path in SOURCE.rglob("*.py")
    if path.name != "__main__.py" and "migrations" not in path.parts
)


@pytest.mark.parametrize("name", MODULES)
def test_module_can_be_imported(name):
    django_host.set_up()
    importlib.import_module(name)


def test_every_folder_with_code_is_a_package():
    """A folder without ``__init__.py`` is imported, but the tools that walk packages pass it by."""
    files = (SOURCE / PACKAGE).rglob("*.py")
    folders = {path.parent for path in files if "migrations" not in path.parts}

    assert [folder.name for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []
