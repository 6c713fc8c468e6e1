"""Payload schemas as TypedDicts in source text. Floor 4.

datamodel-code-generator writes them (``docs/decisions/0002-dependencies.md``). All events' schemas go in as
one, so that what they share (GitHub's ``repository``) is one type.
"""

from __future__ import annotations

import ast
import json
import re
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from smart_api_integrations.errors import InvalidInput
from smart_api_integrations.typed_handlers.payload_schema import Schema, embedded

_WHOLE = "EveryPayloadOfThisFile"


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadTypes:
    """The types as source text.

    Attributes:
        imports: What they import, by module.
        text: The classes, one after another, two blank lines between them.
        names: The names that *text* defines.
        of: The type of each payload: its own, or that of another payload which is the same.
    """

    imports: Mapping[str, frozenset[str]]
    text: str
    names: frozenset[str]
    of: Mapping[str, str]


def payload_types(schemas: Mapping[str, Schema], *, origins: Mapping[str, str]) -> PayloadTypes:
    """Return a type for each of *schemas*, under its name, with the types that it needs.

    *origins* says for each name where its schema comes from, for messages.

    Raises:
        InvalidInput: A schema cannot be read, or refers to another document.
    """
    if not schemas:
        return PayloadTypes(imports={}, text="", names=frozenset(), of={})
    inside = {
        name: embedded(schema, f"#/$defs/{name}", origin=origins[name]) for name, schema in schemas.items()
    }
    whole = {
        "title": _WHOLE,
        "type": "object",
        "properties": {name: {"$ref": f"#/$defs/{name}"} for name in inside},
        "required": list(inside),
        "$defs": inside,
    }
    try:
        source = _generate(json.dumps(whole))
        tree = ast.parse(source)
    except Exception as error:
        message = f"No types can be made of {', '.join(sorted(set(origins.values())))}: {error}"
        raise InvalidInput(message) from error
    return _parts(source, tree)


def _generate(schema: str) -> str:
    from datamodel_code_generator import generate  # noqa: PLC0415 - 0.3 s
    from datamodel_code_generator.enums import DataModelType, InputFileType  # noqa: PLC0415 - likewise
    from datamodel_code_generator.format import PythonVersion  # noqa: PLC0415 - likewise

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the generator's own coming defaults
        output = Path(folder) / "payloads.py"
        generate(
            schema,
            input_file_type=InputFileType.JsonSchema,
            output=output,
            output_model_type=DataModelType.TypingTypedDict,
            target_python_version=PythonVersion.PY_311,
            disable_timestamp=True,
            reuse_model=True,
            collapse_reuse_models=True,
            use_standard_collections=True,
            use_union_operator=True,
            strict_refs=True,
            formatters=[],
        )
        return output.read_text("utf-8")


def _parts(source: str, tree: ast.Module) -> PayloadTypes:
    imports: dict[str, frozenset[str]] = {}
    texts: list[str] = []
    names: set[str] = set()
    of: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module not in {None, "__future__"}:
            module = node.module or ""
            imports[module] = imports.get(module, frozenset()) | {each.name for each in node.names}
            continue
        name = _defined(node)
        if name == _WHOLE and isinstance(node, ast.ClassDef):
            of = {
                field.target.id: ast.unparse(field.annotation)
                for field in node.body
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
            }
        elif name is not None:
            names.add(name)
            texts.append(re.sub(r"\n{2,}", "\n", ast.get_source_segment(source, node) or ""))
    return PayloadTypes(imports=imports, text="\n\n\n".join(texts), names=frozenset(names), of=of)


def _defined(node: ast.stmt) -> str | None:
    if isinstance(node, ast.ClassDef):
        return node.name
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    return target.id if isinstance(target, ast.Name) else None
