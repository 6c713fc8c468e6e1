"""The names that handlers' work is kept under: stable over restarts, different for each handler. Floor 1.

Rules:

1. A function is named ``module.qualname``; what is no function by its class, a partial by what it calls.
2. Several functions may have one such name: two lambdas of a module, two functions ``_``, what one
   factory made. The first keeps it, the next ones are ``…#2``, ``…#3`` in the order of their registration,
   which is the order in which they are written: it is the same in every process and after every start.
3. Where the same lines register for the same pattern once more (a module that is loaded again, an
   application factory that is called again), they replace what they registered before.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

Place = tuple[Any, ...]


def qualified_name(function: Callable[..., Any]) -> str:
    """Return ``module.qualname`` of a function, or of the class of a callable object.

    >>> qualified_name(functools.partial(inspect.cleandoc, "x"))
    'inspect.cleandoc'
    """
    while isinstance(function, functools.partial):
        function = function.func
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"


def place_of(function: Callable[..., Any]) -> Place | None:
    """Return where a function is written, down to the column; None where it has no place of its own.

    A decorated function (``functools.wraps``) has the place of the function inside.
    """
    if isinstance(function, functools.partial):
        return None  # one line makes many of them, each with its own arguments
    code = getattr(inspect.unwrap(function), "__code__", None)
    return None if code is None else (code.co_filename, code.co_firstlineno, *code.co_positions())


def is_same_registration(known: Callable[..., Any], function: Callable[..., Any]) -> bool:
    """Tell whether registering *function* means that *known* is registered anew."""
    if known == function:
        return True
    place = place_of(function)
    return place is not None and place == place_of(known)


def numbered(name: str, taken: int) -> str:
    """Return *name*, or where *taken* handlers have it already, the next one.

    >>> numbered("shop.<lambda>", 0), numbered("shop.<lambda>", 1)
    ('shop.<lambda>', 'shop.<lambda>#2')
    """
    return f"{name}#{taken + 1}" if taken else name
