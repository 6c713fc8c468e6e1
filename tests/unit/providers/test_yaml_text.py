"""Promises about YAML text from outside."""

from __future__ import annotations

import pytest

from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.providers.yaml_text import MOST_BYTES, read_yaml


def read(tmp_path, text: str | bytes):
    path = tmp_path / "webhook.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_yaml(path)


def test_anchors_and_merges_work(tmp_path):
    assert read(tmp_path, "a: &a {x: 1, y: 1}\nb: {<<: *a, y: 2}\n") == {
        "a": {"x": 1, "y": 1},
        "b": {"x": 1, "y": 2},
    }


def test_an_empty_file_is_nothing(tmp_path):
    assert read(tmp_path, "# only a comment\n") is None


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3: the key 'a' is there twice"),
        ("x: {a: 1, a: 1}", "twice"),
        ("a: [1", "line"),
        ("a: !!python/object/apply:os.system [ls]", "line 1"),
        (b"a: \xff", "YAML"),
        ("a: &a [*a]", "unfolds"),
        ("{[a]: 1}", "line 1"),
        ("a: 1\n---\nb: 2\n", "line"),
        ("a: " + "[" * 200_000, "nested deeper than 50 levels"),
        ("a: " + "x" * MOST_BYTES, "larger"),
    ],
)
def test_what_yaml_would_let_slip_is_refused_with_file_and_place(tmp_path, text, word):
    with pytest.raises(ConfigurationError, match=word) as caught:
        read(tmp_path, text)

    assert "webhook.yaml" in str(caught.value)


def test_nested_aliases_cannot_unfold_to_gigabytes(tmp_path):
    layers = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    layers += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]

    with pytest.raises(ConfigurationError, match="unfolds"):
        read(tmp_path, "\n".join(layers))


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_yaml(tmp_path / "absent.yaml")
