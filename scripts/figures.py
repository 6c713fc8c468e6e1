"""The shape of the code in figures, each with its bar: ``make check`` fails where one is not reached.

Long files, long or branched functions, undocumented names and silenced checks are where a code base
begins to rot; a bar that a machine holds is not argued about. A file may be longer than the bar only
by name and with a reason, in ``LONG_FILES``.
"""

from __future__ import annotations

import ast
import re
import statistics
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"
TESTS = ROOT / "tests"
SHIPPED_SUITES = SOURCE / "smart_api_integrations" / "testing"  # tests all the same, that users run too

LONG_FILES: dict[str, str] = {}
"""Files over the bar, with the reason. Empty, and meant to stay so; none may pass ``LONGEST_FILE``."""
FILE_LINES, LONGEST_FILE, FILE_MEDIAN, FILE_P90 = 400, 600, 120, 380
FUNCTION_LINES, FUNCTION_MEDIAN, FUNCTION_P90 = 60, 7, 25
BRANCHES, BRANCHES_P90 = 15, 6
DOCUMENTED = 0.95
IGNORE_MARKS_PER_1000 = 2.0
TESTS_PER_LINE = 0.8
DEPENDENCIES = 4
SOUP = frozenset({"utils", "util", "helpers", "common", "misc", "base", "manager", "managers", "tools"})

_IGNORE_MARK = re.compile(r"#\s*(?:noqa|type:\s*ignore|pyright:\s*ignore)")
_FORKS = (
    *(ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.Assert),
    *(ast.comprehension, ast.match_case),
)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One function, file or name, and what was counted in it."""

    where: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the report.

    Attributes:
        faults: What does not reach the bar, by name.
    """

    name: str
    value: str
    bar: str
    faults: tuple[str, ...] = ()


def figures() -> list[Figure]:
    """Measure the source and its tests."""
    trees = {_name(path): ast.parse(path.read_text("utf-8")) for path in _python(SOURCE)}
    lengths = [Measured(where=_name(path), count=len(_lines(path))) for path in _python(SOURCE)]
    functions = [(f"{name}:{node.name}", node) for name, tree in trees.items() for node in _functions(tree)]
    names = [pair for name, tree in trees.items() for pair in _public(tree.body, name)]
    bare_modules = tuple(name for name, tree in trees.items() if tree.body and not ast.get_docstring(tree))
    code, suites = _code_lines(SOURCE), _code_lines(SHIPPED_SUITES)
    tests = _code_lines(TESTS) + suites
    return [
        _longest(lengths),
        _spread("file lines, median/p90", lengths, (FILE_MEDIAN, FILE_P90)),
        *_of_functions(functions),
        _share("documented public names", names),
        Figure(name="modules without docstring", value=str(len(bare_modules)), bar="0", faults=bare_modules),
        _at_most("ignore marks per 1,000 lines", 1000 * _ignore_marks() / code, IGNORE_MARKS_PER_1000),
        _at_least("test lines per line", tests / (code - suites), TESTS_PER_LINE),
        _at_most("required dependencies", len(_dependencies()), DEPENDENCIES),
        _soup(trees),
    ]


def _of_functions(functions: Sequence[tuple[str, _Function]]) -> Iterator[Figure]:
    lines = [Measured(where=where, count=_own_lines(node)) for where, node in functions]
    branches = [Measured(where=where, count=_branches(node)) for where, node in functions]
    yield _maximum("longest function", lines, FUNCTION_LINES)
    yield _spread("function lines, median/p90", lines, (FUNCTION_MEDIAN, FUNCTION_P90))
    yield _maximum("most branches", branches, BRANCHES)
    p90 = _p90([each.count for each in branches])
    yield _at_most("branches, p90", p90, BRANCHES_P90)


def _longest(lengths: Sequence[Measured]) -> Figure:
    faults = [
        f"{each.where}: {each.count} lines"
        for each in lengths
        if each.count > (LONGEST_FILE if each.where in LONG_FILES else FILE_LINES)
    ]
    value = str(max(each.count for each in lengths))
    return Figure(name="longest file", value=value, bar=f"≤{FILE_LINES}", faults=tuple(faults))


def _maximum(name: str, measured: Sequence[Measured], bar: int) -> Figure:
    faults = tuple(f"{each.where}: {each.count}" for each in measured if each.count > bar)
    return Figure(name=name, value=str(max(each.count for each in measured)), bar=f"≤{bar}", faults=faults)


def _spread(name: str, measured: Sequence[Measured], bars: tuple[int, int]) -> Figure:
    counts = [each.count for each in measured]
    found = (round(statistics.median(counts)), _p90(counts))
    faults = tuple(f"{is_} is over {bar}" for is_, bar in zip(found, bars, strict=True) if is_ > bar)
    return Figure(name=name, value=f"{found[0]}/{found[1]}", bar=f"≤{bars[0]}/{bars[1]}", faults=faults)


def _share(name: str, documented: Sequence[tuple[str, bool]]) -> Figure:
    bare = tuple(where for where, has_docstring in documented if not has_docstring)
    share = 1 - len(bare) / len(documented)
    faults = bare if share < DOCUMENTED else ()
    return Figure(name=name, value=f"{share:.0%}", bar=f"≥{DOCUMENTED:.0%}", faults=faults)


def _at_most(name: str, value: float, bar: float) -> Figure:
    faults = (f"{value:.2f} is over {bar:g}",) if value > bar else ()
    return Figure(name=name, value=f"{value:.3g}", bar=f"≤{bar:g}", faults=faults)


def _at_least(name: str, value: float, bar: float) -> Figure:
    faults = (f"{value:.2f} is under {bar:g}",) if value < bar else ()
    return Figure(name=name, value=f"{value:.2f}", bar=f"≥{bar:g}", faults=faults)


def _soup(trees: dict[str, ast.Module]) -> Figure:
    soup = tuple(name for name in trees if set(Path(name).with_suffix("").parts) & SOUP)
    return Figure(name="modules that name no idea", value=str(len(soup)), bar="0", faults=soup)


def _python(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def _name(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def _code_lines(folder: Path) -> int:
    """Count the lines that hold more than space or a comment; at least one, to divide by."""
    written = (line.strip() for path in _python(folder) for line in _lines(path))
    return max(1, sum(bool(line) and not line.startswith("#") for line in written))


def _ignore_marks() -> int:
    return sum(len(_IGNORE_MARK.findall(path.read_text("utf-8"))) for path in _python(SOURCE))


def _dependencies() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return list(project["dependencies"])


def _functions(tree: ast.Module) -> Iterator[_Function]:
    """Yield the functions that do something: not a Protocol's, not an overload's."""
    for node in ast.walk(tree):
        if isinstance(node, _Function) and not all(_is_nothing(each) for each in node.body):
            yield node


def _is_nothing(statement: ast.stmt) -> bool:
    is_constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_constant or isinstance(statement, ast.Pass)


def _own_lines(node: _Function) -> int:
    whole = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node) is None:
        return whole
    return whole - ((first.end_lineno or first.lineno) - first.lineno + 1)


def _branches(node: _Function) -> int:
    """Count the ways through *node* (McCabe's number); functions inside it count for themselves."""
    ways, rest = 1, list(ast.iter_child_nodes(node))
    while rest:
        part = rest.pop()
        if isinstance(part, _Function | ast.ClassDef):
            continue
        ways += isinstance(part, _FORKS)
        ways += len(part.values) - 1 if isinstance(part, ast.BoolOp) else 0
        rest += ast.iter_child_nodes(part)
    return ways


def _public(body: Sequence[ast.stmt], where: str) -> Iterator[tuple[str, bool]]:
    for node in body:
        if not isinstance(node, _Function | ast.ClassDef) or node.name.startswith("_"):
            continue
        if any(ast.unparse(mark).endswith((".setter", "overload")) for mark in node.decorator_list):
            continue
        if node.name.startswith("test_"):  # in a shipped suite: its name is its promise
            continue
        name = f"{where}:{node.name}"
        yield name, ast.get_docstring(node) is not None
        if isinstance(node, ast.ClassDef):
            yield from _public(node.body, name)


def _p90(counts: Sequence[int]) -> int:
    ordered = sorted(counts)
    return ordered[round(0.9 * (len(ordered) - 1))]


def main() -> int:
    """Print the figures and what does not reach its bar; return 1 where something does not."""
    measured = figures()
    for figure in measured:
        print(f"{'x' if figure.faults else ' '} {figure.name:30} {figure.value:>8}  {figure.bar}")
        for fault in figure.faults:
            print(f"      {fault}")
    return int(any(figure.faults for figure in measured))


if __name__ == "__main__":
    sys.exit(main())
