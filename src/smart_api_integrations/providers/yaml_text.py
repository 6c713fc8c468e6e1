"""YAML text to plain values, refusing what YAML lets slip. Floor 3.

The safe loader; a key that is there twice is an error, not the last one's victory; text and what its
aliases unfold to are bounded (a few hundred bytes of nested aliases can mean gigabytes).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import yaml

from smart_api_integrations.errors import ConfigurationError

MOST_BYTES = 1_000_000
MOST_NODES = 100_000
DEEPEST = 50

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is not in every build


class _StrictLoader(_Loader):  # type: ignore[misc] # which of the two is known at run time only
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                message = f"the key {key.value!r} is there twice"
                raise yaml.constructor.ConstructorError(None, None, message, key.start_mark)
            if isinstance(key, yaml.ScalarNode):
                seen.add(key.value)
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return mapping


def read_yaml(path: Path) -> Any:
    """Return what the file *path* holds, as plain values.

    Raises:
        ConfigurationError: It cannot be read, is no YAML, is too large, or has a key twice; the message
            names the file and the line.
    """
    try:
        text = path.read_bytes()
        if len(text) > MOST_BYTES:
            message = f"{path} is larger than {MOST_BYTES} bytes."
            raise ConfigurationError(message)
        return _load(text)
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
        message = f"{path} cannot be read as YAML: {_where(error)}."
        raise ConfigurationError(message) from error


def line_of(path: Path, place: Sequence[Any]) -> int:
    """Return the line of the file *path*, which was read before, in which the value at *place* is.

    *place* is keys and numbers; what is none of the file's is passed over. 1 where the file is gone.
    """
    try:
        loader = _StrictLoader(path.read_bytes())
    except OSError:
        return 1
    try:
        node = loader.get_single_node()
    finally:
        loader.dispose()
    line = 0
    for step in place:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(step):
                    line, node = key.start_mark.line, value
                    break
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line
    return int(line) + 1


def _load(text: bytes) -> Any:
    _refuse_deep(text)
    loader = _StrictLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _unfolded_size(node, {})
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _refuse_deep(text: bytes) -> None:
    """Refuse before anything recurses over it: libyaml's composer overruns the stack of the process."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            message = f"it is nested deeper than {DEEPEST} levels"
            raise ValueError(message)


def _unfolded_size(node: yaml.Node, known: dict[int, int]) -> int:
    """Count the nodes under *node* as if every alias were written out."""
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = MOST_NODES + 1  # until it is counted: a node inside itself has no end
    size = 1
    if isinstance(node, yaml.MappingNode):
        size += sum(_unfolded_size(part, known) for pair in node.value for part in pair)
    elif isinstance(node, yaml.SequenceNode):
        size += sum(_unfolded_size(part, known) for part in node.value)
    if size > MOST_NODES:
        message = f"it unfolds to more than {MOST_NODES} nodes"
        raise ValueError(message)
    known[id(node)] = size
    return size


def _where(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return str(error).rstrip(".") or type(error).__name__
