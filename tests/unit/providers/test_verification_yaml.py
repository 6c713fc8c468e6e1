"""Promises about the words of ``verification``: what is documented is taken, and faults are named."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.providers.webhook_yaml import ProviderFile, read_provider_file

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/how-to/describe-a-signature.md").read_text("utf-8")
SNIPPETS = [text.split("```")[0] for text in PAGE.split("```yaml\n")[1:]]


def read(tmp_path, text: str):
    path = tmp_path / "webhook.yaml"
    path.write_text("webhooks: {default: {verification: {" + text + "}}}")
    return read_provider_file(path)


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_what_the_page_shows_is_taken(snippet):
    assert ProviderFile.model_validate(yaml.safe_load(snippet)).webhooks["default"].verification


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("algorithm: ed25520", ["verification.algorithm: ", "did you mean 'ed25519'"]),
        ("algorithm: {from: '{header:A}', allow: [md5]}", ["algorithm.allow.0", "sha256"]),
        ("algorithm: {from: '{header:A}'}", ["algorithm.allow", "required"]),
        ("signed: [{when: {type: x}, template: '{body}'}]", ["signed.0.when", "method, content_type"]),
        ("signed: [{template: '{body}', wen: {}}]", ["signed.0.wen", "did you mean 'when'"]),
        ("any_of: [{scheme: hmac}]", ["any_of", "at least 2"]),
        ("any_of: [{scheme: hmac}, {scheme: tokn}]", ["any_of.1.scheme", "did you mean 'token'"]),
        ("url_variants: [with_prt]", ["url_variants.0", "did you mean 'with_port'"]),
        ("key: {env: A, encoding: pam}", ["key.encoding", "did you mean 'pem'"]),
        ("secret: {env: [A, 'B C']}", ["secret.env.1"]),
        ("from: ['{header:A}', '{hedder:B}']", ["from.1", "did you mean 'header'"]),
        ("require: {}", ["require"]),
    ],
)
def test_a_fault_is_named_once(tmp_path, text, words):
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, text)

    assert str(caught.value).count("\n") == 1
    for word in words:
        assert word in str(caught.value)
