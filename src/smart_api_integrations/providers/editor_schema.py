"""The JSON Schema of a ``webhook.yaml``, by which editors complete and check it. Floor 3.

It is packaged as ``webhook.schema.json``, written by ``scripts/generate_reference.py`` from the models that
read the files, so that the two cannot differ.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from smart_api_integrations.providers.webhook_yaml import ProviderFile

SCHEMA_FILE = Path(__file__).with_name("webhook.schema.json")


def editor_schema() -> str:
    """Return the schema as the text of ``webhook.schema.json``."""
    schema = _plain(ProviderFile.model_json_schema())
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "webhook.yaml"}
    return json.dumps({**schema, **head}, indent=1, ensure_ascii=False) + "\n"


def _plain(value: Any, *, names: bool = False) -> Any:
    """Return *value* without what only repeats names; *names*: its keys are keys of the file."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _summary(inner)
        if key == "description" and not names
        else _plain(inner, names=key in ("properties", "$defs") and not names)
        for key, inner in value.items()
        if names or not (key == "title" or (key == "default" and inner is None))
    }


def _summary(text: str) -> str:
    """Return the first sentence of a docstring, in plain text."""
    return text.partition("\n\n")[0].replace("``", "").replace("\n", " ")
