"""Promises about the faults of a webhook.yaml: each is named with file, key, and the nearest word."""

from __future__ import annotations

import pytest

from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.providers.webhook_yaml import read_provider_file


def read(tmp_path, text: str):
    path = tmp_path / "webhook.yaml"
    path.write_text(text)
    return read_provider_file(path)


def webhook(text: str) -> str:
    return f"webhooks: {{default: {{{text}}}}}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            webhook("replay_tolerence: 1"),
            ["webhooks.default.replay_tolerence", "did you mean 'replay_tolerance'"],
        ),
        (webhook("verification: {scheme: hmca}"), ["verification.scheme", "did you mean 'hmac'"]),
        (webhook("verification: {algorithm: md5}"), ["algorithm", "sha256"]),
        (webhook("verification: {signature: {form: x}}"), ["signature.form", "did you mean"]),
        (webhook("verification: {signature: {encoding: b64}}"), ["encoding", "base64"]),
        (webhook("verification: {timestamp: {unit: hours}}"), ["unit", "rfc3339"]),
        (webhook("verification: {signed: '{bdy}'}"), ["signed", "did you mean 'body'"]),
        (webhook("verification: {timestamp: {tolerance: -1}}"), ["tolerance", "greater than or equal to 0"]),
        (webhook("verification: {secret: {env: 'A B'}}"), ["secret.env"]),
        (webhook("path: webhooks"), ["webhooks.default.path"]),
        (webhook("path: '/a/../b?c'"), ["webhooks.default.path"]),
        (webhook("mode: later"), ["mode", "inline"]),
        (webhook("signature_header: X_Sig"), ["signature_header"]),
        (webhook("events: push"), ["events", "list"]),
        ("webhooks: {Default: {}}", ["Default"]),
        ("webhoks: {}", ["webhoks", "did you mean 'webhooks'"]),
        ("ip_whitelist: [10.0.0.1/8]", ["ip_whitelist.0", "host bits"]),
        ("[1]", ["expected keys", "list"]),
        ("", ["expected keys", "NoneType"]),
    ],
)
def test_a_fault_is_named(tmp_path, text, words):
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, text)

    for word in ("webhook.yaml", *words):
        assert word in str(caught.value)


def test_all_faults_are_told_at_once(tmp_path):
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, "webhooks: {default: {path: x, mode: y, evnts: []}}")

    assert str(caught.value).count("\n") == 3


def test_every_fault_names_its_line(tmp_path):
    text = """\
title: Mine
webhooks:
  default:
    evnts: [push]
    verification:
      signed:
        - template: "{body}"
        - {template: "{bdy}"}
  other:
    path: x
examples: [{expect: 1, secret: s}]
"""

    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, text)

    lines = str(caught.value).splitlines()[1:]
    assert [line.partition(": ")[0].strip() for line in lines] == [
        "line 4, webhooks.default.evnts",
        "line 8, webhooks.default.verification.signed.1.template",
        "line 10, webhooks.other.path",
        "line 11, examples.0.expect",
    ]
    assert "did you mean 'events'" in lines[0]


def test_times_of_examples_are_aware(tmp_path):
    file = read(
        tmp_path,
        "examples: [{expect: x, secret: s, now: 2026-01-01T00:00:00}, {expect: x, secret: s, now: 17}]",
    )

    assert all(example.now is not None and example.now.tzinfo for example in file.examples)
