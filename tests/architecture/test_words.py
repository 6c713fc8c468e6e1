"""Words that must not stand in the repository: machine paths, registries, providers in code, secrets."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = ROOT / "src"
PROVIDERS = SOURCE / "smart_api_integrations" / "providers"

# Written in pieces, so that this file does not hold what it looks for.
REGISTRIES = "|".join(("py" + "pi", "python" + "hosted", "npm" + "js", "deb" + "ian"))
FORBIDDEN = {
    "a path of somebody's machine": re.compile(
        r"(?<![\w.])/(?:wor[k]|hom[e]/\w+|Use[r]s/\w+|roo[t]|far[m])/"
    ),
    "a registry's host": re.compile(
        rf"(?:https?://|@)[a-z0-9.-]*(?:{REGISTRIES})[a-z0-9.-]*|\b(?:{REGISTRIES})\.(?:org|com)"
    ),
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"),
    "a live key": re.compile(r"\b(?:sk_live_|rk_live_|ghp_|github_pat_|xox[bap]-|AKIA)[A-Za-z0-9_-]{16,}"),
}


def tracked_texts() -> list[Path]:
    """Return the repository's text files: those that git has, or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:1024]]


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in tracked_texts()}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what, texts):
    found = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        if FORBIDDEN[what].search(line)
    ]

    assert found == []


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("a path of somebody's machine", "see /" + "work/main/src"),
        ("a registry's host", "https://files.python" + "hosted.org/x"),
        ("a registry's host", "registry.npm" + "js.org"),
        ("a private key", "-----BEGIN RSA " + "PRIVATE KEY-----"),
        ("a live key", "ghp_" + "a" * 36),
    ],
)
def test_the_search_finds(what, line):
    assert FORBIDDEN[what].search(line)


def test_lock_files_name_hashes_and_no_addresses():
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text("utf-8")
        pinned = [line for line in text.splitlines() if "==" in line]

        assert "://" not in text
        assert "--index" not in text
        assert "--find-links" not in text
        assert pinned
        assert all(line.endswith("\\") for line in pinned), "a package without a hash"


def compared_words(tree: ast.Module) -> set[str]:
    """Return every string that the code compares something with, ``match`` included."""
    parts = [
        part
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare | ast.MatchValue)
        for part in ast.walk(node)
    ]
    return {part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)}


def test_no_code_asks_which_provider_it_has():
    """A provider is one YAML file; whatever differs between two stands there."""
    names = {path.parent.name for path in PROVIDERS.glob("*/webhook.yaml")}
    inside = SOURCE / "smart_api_integrations"
    found = [
        f"{path.relative_to(SOURCE)}: {word}"
        for path in inside.rglob("*.py")
        if PROVIDERS not in path.parents
        for word in compared_words(ast.parse(path.read_text("utf-8"))) & names
    ]

    assert names
    assert found == []


def test_asking_for_a_provider_is_found():
    assert compared_words(ast.parse("if provider == 'github': pass")) == {"github"}
    assert compared_words(ast.parse("if provider in ('github',): pass")) == {"github"}
