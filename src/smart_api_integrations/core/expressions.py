"""CEL, the one expression language: compiled once, without side effects, bounded. Floor 1.

https://github.com/google/cel-spec; what is there beyond it is in ``FUNCTIONS``.

Rules:

1. Faults are told when an expression is compiled: its syntax, and every name that it does not know.
2. What is not there is None, as if it were null: ``payload.customer.id`` of a payload without a customer.
   So is what is computed from it, and a condition over it does not hold; ``has()`` and ``== null`` may ask.
   What is there and does not fit is an error.
3. Its cost is bounded before it runs: by its length, and, where it walks through lists, by how much it
   would walk through. (A list is built in time that grows with its square, and nothing can stop a run.)
4. It is given only those parts of the data that it names, so a large body costs little; a plain path is
   followed without CEL, and keeps integers of any size. In CEL an integer has 64 bits, a larger one is a
   double.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from smart_api_integrations.core.expression_paths import Path, blanked, named_paths, plain_path, pruned
from smart_api_integrations.errors import ConfigurationError, ExpressionError

LONGEST_SOURCE = 4096
MOST_STEPS = 1000
"""How many items a walk through lists may have: about 30 ms where each adds one to a list."""

_WALK = re.compile(r"\.\s*(?:map|filter|all|exists|exists_one)\s*\(")
_BOUND = re.compile(r"\.\s*(?:map|filter|all|exists|exists_one)\s*\(\s*([A-Za-z_]\w*)\s*,")
_NAMED_FUNCTION = re.compile(r"[A-Za-z]\w*")
_STANDARD = frozenset(
    {
        "bytes",
        "contains",
        "double",
        "duration",
        "dyn",
        "endsWith",
        "getDate",
        "getDayOfMonth",
        "getDayOfWeek",
        "getDayOfYear",
        "getFullYear",
        "getHours",
        "getMilliseconds",
        "getMinutes",
        "getMonth",
        "getSeconds",
        "int",
        "matches",
        "size",
        "startsWith",
        "string",
        "timestamp",
        "type",
        "uint",
    }
)
_ZERO_DECIMALS = frozenset(
    {
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "JPY",
        "KMF",
        "KRW",
        "MGA",
        "PYG",
        "RWF",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    }
)
_THREE_DECIMALS = frozenset(
    {
        "BHD",
        "JOD",
        "KWD",
        "OMR",
        "TND",
    }
)


def number(value: Any) -> float | None:
    """Return a text or a number as a double; None of None, and of what is no number.

    >>> number("12.50"), number(3), number(None), number("x")
    (12.5, 3.0, None, None)
    """
    try:
        return None if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


def major_units(amount: Any, currency: Any) -> float | None:
    """Return an amount that is in a currency's smallest unit, as payment services send it, in the currency.

    Which currencies have no cents: https://docs.stripe.com/currencies#zero-decimal

    >>> major_units(2599, "eur"), major_units(500, "jpy"), major_units(None, "eur")
    (25.99, 500.0, None)
    """
    units = number(amount)
    if units is None:
        return None
    code = str(currency).upper()
    return units / (1 if code in _ZERO_DECIMALS else 1000 if code in _THREE_DECIMALS else 100)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "number": number,
    "major_units": major_units,
    "lower": lambda text: None if text is None else str(text).lower(),
    "upper": lambda text: None if text is None else str(text).upper(),
    "either": lambda value, other: other if value is None or value == "" else value,
}
"""What expressions can call beside CEL's own."""


class Expression:
    """A compiled expression. Thread-safe; two of the same source and names are equal."""

    __slots__ = ("_paths", "_plain", "_program", "_walks", "source")

    def __init__(self, source: str, *, variables: Collection[str]) -> None:
        """Compile *source*, which may read *variables*.

        Raises:
            ExpressionError: It cannot be used; the message says why and where.
            ConfigurationError: The library is not installed.
        """
        self.source = source
        text = _checked(source)
        self._plain: Path | None = plain_path(source, variables)
        self._paths = named_paths(text, variables)
        self._walks = _walks(text)
        self._program: Any = None
        if self._plain is None:
            self._program = _compiled(source, text, variables)

    def __repr__(self) -> str:
        """Return the source, for people."""
        return f"Expression({self.source!r})"

    def __eq__(self, other: object) -> bool:
        """Tell whether *other* computes the same."""
        return isinstance(other, Expression) and self.source == other.source

    def __hash__(self) -> int:
        """Return the hash of the source."""
        return hash(self.source)

    def evaluate(self, data: Mapping[str, Any]) -> Any:
        """Return what it comes to over *data*, a value for each variable, as JSON can hold it.

        None where something that it needs is not there.

        Raises:
            ExpressionError: What is there does not fit, or there is more than may be walked through.
        """
        if self._plain is not None:
            return as_json(self._plain.follow(data))
        seen = pruned(data, self._paths)
        if self._walks:
            self._check_walk(seen)
        try:
            return as_json(self._program.execute(_context(seen)))
        except (KeyError, IndexError):
            return None
        except (ArithmeticError, RuntimeError, TypeError, ValueError) as error:
            if any(path.follow(seen) is None for path in self._paths):
                return None
            reason = str(error).partition(". ")[0].removesuffix(".")
            message = f"{_short(self.source)} cannot be computed: {reason}."
            raise ExpressionError(message) from error

    def holds(self, data: Mapping[str, Any]) -> bool:
        """Tell whether it is true of *data*; what is not there makes it false.

        Raises:
            ExpressionError: It cannot be computed, or comes to neither true nor false.
        """
        result = self.evaluate(data)
        if result is None or isinstance(result, bool):
            return bool(result)
        message = (
            f"{_short(self.source)} is a condition, so it must be true or false, "
            f"not of type {type(result).__name__}."
        )
        raise ExpressionError(message)

    def _check_walk(self, data: Any) -> None:
        lists, depth = self._walks or (1, 0)
        longest = _longest(data) * lists
        if longest**depth > MOST_STEPS:
            message = (
                f"{_short(self.source)} would walk through up to {longest} items, {depth} deep; at most "
                f"{MOST_STEPS} steps are made: name a shorter list."
            )
            raise ExpressionError(message)


def as_json(value: Any) -> Any:
    """Return what an expression comes to as JSON can hold it: times as RFC 3339, durations as seconds.

    >>> as_json(timedelta(minutes=1)), as_json(b"hi")
    (60.0, 'aGk=')
    """
    if isinstance(value, Mapping):
        return {str(key): as_json(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(each) for each in value]
    if value is None or isinstance(value, (str, int, float)):
        return value
    known = next((kind for kind in _AS_JSON if isinstance(value, kind)), None)
    return str(value) if known is None else _AS_JSON[known](value)


_AS_JSON: Mapping[type, Callable[[Any], Any]] = {
    datetime: lambda moment: moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z",
    timedelta: lambda span: span.total_seconds(),
    bytes: lambda data: base64.b64encode(data).decode(),
}


def _checked(source: str) -> str:
    """Return *source* without what its literals hold."""
    if not source.strip():
        message = "An expression is expected, such as payload.id; there is nothing."
        raise ExpressionError(message)
    if len(source) > LONGEST_SOURCE:
        message = f"An expression has at most {LONGEST_SOURCE} characters; this one has {len(source)}."
        raise ExpressionError(message)
    return blanked(source)


def _compiled(source: str, text: str, variables: Collection[str]) -> Any:
    try:
        program = _cel().compile(source)
    except ValueError as error:
        raise ExpressionError(_syntax_fault(source, str(error))) from error
    bound = frozenset(_BOUND.findall(text))
    _refuse_unknown(source, "variable", program.variables(), known={*variables, *bound}, shown=variables)
    called = (name for name in program.functions() if _NAMED_FUNCTION.fullmatch(name))
    shown = {*_STANDARD, *FUNCTIONS}
    _refuse_unknown(source, "function", called, known=shown, shown=shown)
    return program


def _syntax_fault(source: str, told: str) -> str:
    found = re.search(r"<input>:(\d+):(\d+): (?:Syntax error: )?([^\n]*)", told)
    if found is None:
        return f"{_short(source)} is not CEL."
    line, column, reason = found.groups()
    where = f"column {column}" if line == "1" else f"line {line}, column {column}"
    return f"{_short(source)} is not CEL: at {where}, {reason.partition(' expecting ')[0]}."


def _refuse_unknown(
    source: str, what: str, names: Any, *, known: Collection[str], shown: Collection[str]
) -> None:
    unknown = sorted(set(names) - set(known))
    if unknown:
        message = (
            f"{_short(source)}: the {what} {unknown[0]!r} is unknown; known: {', '.join(sorted(shown))}."
        )
        raise ExpressionError(message)


def _walks(text: str) -> tuple[int, int] | None:
    """Return how many lists may be joined into one, and how deep walks stand in walks, if there are any."""
    starts = {found.end() - 1 for found in _WALK.finditer(text)}
    if not starts:
        return None
    depth, deepest, opened = 0, 0, []
    for position, character in enumerate(text):
        if character == "(":
            opened.append(position in starts)
            depth += opened[-1]
            deepest = max(deepest, depth)
        elif character == ")" and opened:
            depth -= opened.pop()
    return 1 + text.count("+"), deepest


def _longest(value: Any) -> int:
    """Return the length of the longest list or mapping in *value*."""
    if isinstance(value, Mapping):
        return max((len(value), *(_longest(each) for each in value.values())))
    if isinstance(value, (list, tuple)):
        return max((len(value), *(_longest(each) for each in value)))
    return 1


def _context(data: Mapping[str, Any]) -> Any:
    return _cel().Context(variables=dict(data), functions=dict(FUNCTIONS))


@cache
def _cel() -> Any:
    try:
        import cel  # noqa: PLC0415 - it takes a third of a second, and few need it
    except ImportError as error:
        message = "Expressions need common-expression-language: pip install 'smart-api-integrations[server]'."
        raise ConfigurationError(message) from error
    return cel


def _short(source: str) -> str:
    text = " ".join(source.split())
    return f"`{text}`" if len(text) <= 80 else f"`{text[:77]}…`"
