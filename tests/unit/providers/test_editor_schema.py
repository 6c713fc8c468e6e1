"""Promises about the JSON Schema by which editors check a webhook.yaml."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from smart_api_integrations.providers.catalogue import PACKAGED_DIR
from smart_api_integrations.providers.editor_schema import SCHEMA_FILE, editor_schema

SCHEMA = json.loads(editor_schema())
KINDS = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "null": type(None)}
FILES = sorted(PACKAGED_DIR.glob("*/webhook.yaml"))


def test_the_packaged_schema_is_current():
    assert SCHEMA_FILE.read_text("utf-8") == editor_schema()


def fits(schema, value) -> bool:
    """Tell whether *value* fits, by the few words of JSON Schema that this one is made of."""
    if "$ref" in schema:
        return fits(SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], value)
    ways = schema.get("anyOf") or schema.get("oneOf")
    if ways:
        return any(fits(way, value) for way in ways)
    kind = schema.get("type")
    return (
        (kind is None or (isinstance(value, KINDS[kind]) and (kind != "integer" or value is not True)))
        and ("enum" not in schema or value in schema["enum"])
        and (not isinstance(value, str) or re.search(schema.get("pattern", ""), value) is not None)
        and (not isinstance(value, list) or all(fits(schema.get("items", {}), each) for each in value))
        and (not isinstance(value, dict) or all(fits_member(schema, *member) for member in value.items()))
    )


def fits_member(schema, key, value) -> bool:
    known = schema.get("properties", {})
    if key in known:
        return fits(known[key], value)
    for pattern, inner in schema.get("patternProperties", {}).items():
        if re.search(pattern, key):
            return fits(inner, value)
    others = schema.get("additionalProperties", True)
    return others if isinstance(others, bool) else fits(others, value)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_every_packaged_provider_fits_it(path):
    content = json.loads(json.dumps(yaml.safe_load(path.read_text("utf-8")), default=str))

    assert fits(SCHEMA, content)


@pytest.mark.parametrize(
    "webhook",
    [
        {"verificaton": {}},
        {"verification": {"scheme": "hmca"}},
        {"verification": {"signature": {"encoding": "b64"}}},
        {"batch": {"items": "events"}},
        {"mode": "later"},
    ],
)
def test_what_is_misspelt_does_not_fit(webhook):
    assert not fits(SCHEMA, {"webhooks": {"default": webhook}})


def test_the_words_of_a_choice_are_listed():
    (scheme, _) = SCHEMA["$defs"]["VerificationBlock"]["properties"]["scheme"]["anyOf"]

    assert {"hmac", "asymmetric", "token", "jwt", "custom", "none"} <= set(scheme["enum"])
