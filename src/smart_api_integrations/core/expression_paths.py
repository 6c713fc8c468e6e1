"""Which parts of the data an expression names. Floor 1.

Reads the text of an expression, with its literals blanked, for chains of names that begin with a variable. It
may find more than CEL would (a name that a walk binds), never less; where it cannot tell what is named behind
a name (an index, a call), everything behind that name counts as named.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_LITERAL = re.compile(
    r"""
      [bB]?[rR][bB]? (?: \"{3}.*?\"{3} | '{3}.*?'{3} | "[^"\n]*" | '[^'\n]*' )
    | [bB]? (?: \"{3}(?:\\.|[^\\])*?\"{3} | '{3}(?:\\.|[^\\])*?'{3}
              | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' )
    | //[^\n]*
    """,
    re.VERBOSE | re.DOTALL,
)
_CHAIN = re.compile(r"(?<![\w.])([A-Za-z_]\w*)((?:\s*\.\s*[A-Za-z_]\w*)*)(\s*\()?")
_STEP = re.compile(r"""\s*(?:\.\s*([A-Za-z_]\w*)|\[\s*(?:(\d{1,9})|"([^"\\\n]*)"|'([^'\\\n]*)')\s*\])""")


@dataclass(frozen=True, slots=True)
class Path:
    """A place in the data: a variable and the steps from there."""

    steps: tuple[str | int, ...]

    def follow(self, data: Any) -> Any:
        """Return what is there; None where nothing is."""
        for step in self.steps:
            if isinstance(step, int):
                if not isinstance(data, (list, tuple)) or step >= len(data):
                    return None
                data = data[step]
            elif isinstance(data, Mapping):
                data = data.get(step)
            else:
                return None
        return data


def blanked(source: str) -> str:
    """Return *source* with every literal text and comment as blanks, each place where it was.

    >>> blanked("a == 'b' // c")
    'a ==         '
    """
    return _LITERAL.sub(lambda found: " " * len(found.group()), source)


def plain_path(source: str, variables: Collection[str]) -> Path | None:
    """Return the path that *source* is and nothing more, or None.

    >>> plain_path("payload.items[0].id", ("payload",))
    Path(steps=('payload', 'items', 0, 'id'))
    >>> plain_path("size(payload)", ("payload",)) is None
    True
    """
    text = source.strip()
    root = re.match(r"[A-Za-z_]\w*", text)
    if root is None or root.group() not in variables:
        return None
    steps: list[str | int] = [root.group()]
    position = root.end()
    while position < len(text):
        found = _STEP.match(text, position)
        if found is None:
            return None
        name, index, *quoted = found.groups()
        if index is not None:
            steps.append(int(index))
        else:
            steps.append(next(each for each in (name, *quoted) if each is not None))
        position = found.end()
    return Path(tuple(steps))


def named_paths(text: str, variables: Collection[str]) -> tuple[Path, ...]:
    """Return the places that an expression names, of its text without literals.

    >>> named_paths("size(payload.a.b) > payload.c.size()", ("payload",))
    (Path(steps=('payload', 'a', 'b')), Path(steps=('payload', 'c')))
    """
    found: dict[Path, None] = {}
    for root, chain, call in _CHAIN.findall(text):
        if root in variables:
            names = [name.strip() for name in chain.split(".")[1:]]
            found[Path((root, *(names[:-1] if call else names)))] = None
    return tuple(found)


def pruned(data: Mapping[str, Any], paths: Sequence[Path]) -> dict[str, Any]:
    """Return *data* without what no path leads to or through; nothing of it is copied that is kept whole."""
    return {
        str(root): _pruned(data[str(root)], [path.steps[1:] for path in paths if path.steps[0] == root])
        for root in {path.steps[0] for path in paths}
        if root in data
    }


def _pruned(value: Any, paths: Sequence[tuple[str | int, ...]]) -> Any:
    if not isinstance(value, Mapping) or not all(paths):
        return value
    return {
        step: _pruned(value[step], [path[1:] for path in paths if path[0] == step])
        for step in {path[0] for path in paths}
        if step in value
    }
