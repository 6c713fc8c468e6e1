"""What the documentation shows works: its Python runs, its commands exist, its YAML is accepted."""

import os
import re
import shlex
import subprocess
import sys

import pytest
import yaml

from tests.docs.pages import PAGES, ROOT, Snippet, name, runnable, snippets

TARGETS = set(re.findall(r"^([a-z-]+):.*?## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))

NO_NAMES = """\
import socket


def getaddrinfo(host, *_, **__):
    raise socket.gaierror(f"{host}: the tests look no names up")


socket.getaddrinfo = getaddrinfo
"""
"""What a snippet's interpreter loads first: nothing is resolved, so nothing beyond loopback is called."""


def command_lines() -> list[tuple[str, str]]:
    """Return every line of every shell snippet that is ours, with its page."""
    return [
        (name(page), line.strip())
        for page in PAGES
        for snippet in snippets(page.read_text("utf-8"))
        if snippet.language in {"bash", "sh", "console"}
        for line in snippet.text.replace("\\\n", " ").splitlines()
        if line.strip()
    ]


@pytest.mark.parametrize("page", [page for page in PAGES if runnable(page)], ids=name)
def test_python_of_a_page_runs(page, tmp_path):
    """The page's snippets are one program, run in an empty folder like a reader's."""
    (tmp_path / "sitecustomize.py").write_text(NO_NAMES, "utf-8")
    program = tmp_path / "page.py"
    program.write_text(runnable(page), "utf-8")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT / "src")]),
    }

    ran = subprocess.run(
        [sys.executable, program.name],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ran.returncode == 0, f"{name(page)}\n{ran.stdout}{ran.stderr}"


@pytest.mark.parametrize(("page", "line"), command_lines())
def test_command_that_is_shown_exists(page, line):
    words = [word for word in shlex.split(line, comments=True) if "=" not in word or word.startswith("-")]
    if words[:1] == ["make"]:
        assert set(words[1:]) <= TARGETS
    elif words and words[0].rpartition("/")[2] in {"webhooks", "smart-api-integrations"}:
        from smart_api_integrations.cli.program import build  # noqa: PLC0415 - needs the server extra

        command = build()
        for word in words[1:]:
            if word.startswith("-") or not hasattr(command, "commands"):
                break
            command = command.commands[word]
        options = {word.partition("=")[0] for word in words[1:] if word.startswith("--")}
        known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}

        assert options <= known | {"--help", "--version"}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_yaml_that_is_shown_can_be_read(page):
    for snippet in snippets(page.read_text("utf-8")):
        if snippet.language == "yaml":
            yaml.safe_load(snippet.text)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_snippet_that_is_not_run_says_why(page):
    reasons = [snippet.reason for snippet in snippets(page.read_text("utf-8")) if snippet.reason is not None]

    assert all(len(reason.split()) >= 3 for reason in reasons)


def test_a_page_is_read_as_meant():
    text = "a\n```python\nx = 1\n```\n<!-- not run: it needs a cluster -->\n```python\ny\n```\n"

    assert list(snippets(text)) == [
        Snippet(language="python", text="x = 1\n", reason=None, line=3),
        Snippet(language="python", text="y\n", reason="it needs a cluster", line=7),
    ]
