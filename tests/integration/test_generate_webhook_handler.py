"""``webhooks generate-webhook-handler``, in every spelling; what it writes passes ``mypy --strict``."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from smart_api_integrations.cli.program import run

SOURCE = Path(__file__).resolve().parent.parent.parent / "src"

USE = """
from generated import GitHubHandler, PushEvent
from smart_api_integrations.webhooks import WebhookResponse


class Mine(GitHubHandler):
    def on_push(self, event: PushEvent) -> WebhookResponse:
        name: str = event.payload["repository"]["name"]
        return self.success_response({"name": name, "commits": len(event.payload["commits"])})
"""
MISUSE = """
from generated import PushEvent


def misspelt(event: PushEvent) -> None:
    event.payload["repository"]["nmae"]
"""


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


Printed = pytest.CaptureFixture[str]


@pytest.fixture
def generate(capsys: Printed) -> Callable[..., str]:
    """Run the command; return what it printed."""

    def command(*arguments: str) -> str:
        assert run(["generate-webhook-handler", *arguments]) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    return command


@pytest.mark.parametrize(
    "events",
    [
        ["--events", "push", "pull_request"],
        ["--events", "push,pull_request"],
        ["--events", "push", "--events", "pull_request"],
        ["--events=push", "pull_request"],
        ["push", "pull_request"],
    ],
)
def test_events_are_given_in_any_spelling(events, generate):
    assert generate("github", *events, "--output-file", "handlers/github.py") == ""

    text = Path("handlers/github.py").read_text("utf-8")
    assert text == generate("github", "--events", "push", "pull_request")
    assert [line.split("(")[0].strip() for line in text.splitlines() if "def on_" in line] == [
        "def on_push",
        "def on_pull_request",
    ]


def test_a_file_that_is_there_is_not_written_over_unless_forced(generate, capsys):
    Path("github.py").write_text("mine", "utf-8")

    code = run(["generate-webhook-handler", "github", "--events", "push", "--output-file", "github.py"])
    assert code != 0
    assert "github.py is there already; --force" in capsys.readouterr().err
    assert Path("github.py").read_text("utf-8") == "mine"

    generate("github", "--events", "push", "--output-file", "github.py", "--force")
    assert "class GitHubHandler" in Path("github.py").read_text("utf-8")


def test_an_event_without_a_sample_is_noted_and_a_schema_types_it(generate, capsys):
    assert run(["generate-webhook-handler", "github", "--events", "star"]) == 0
    noted = capsys.readouterr().err
    Path("star.json").write_text(json.dumps({"type": "object", "properties": {"n": {"type": "integer"}}}))

    assert "no sample of star" in noted
    assert "n: NotRequired[int]" in generate("github", "--schema", "star=star.json", "--events", "star")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["gihtub"], "github"),
        (["github", "--schema", "push"], "expected EVENT=FILE"),
        (["github", "--schema", "push=gone.json"], "gone.json cannot be read"),
        (["github", "--schema", "push=list.json"], "expected an object"),
        (["github", "--output-file", "list.json/github.py"], "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_told(arguments, complaint, capsys):
    Path("list.json").write_text("[]")

    assert run(["generate-webhook-handler", *arguments]) != 0
    assert complaint in capsys.readouterr().err


@pytest.mark.slow
def test_what_is_written_passes_mypy_strict_and_a_misspelt_key_does_not(generate):
    generate("github", "--output-file", "generated.py")
    generate("stripe", "--output-file", "generated_stripe.py")
    Path("use.py").write_text(USE, "utf-8")
    Path("misuse.py").write_text(MISUSE, "utf-8")

    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "generated.py", "generated_stripe.py",
         "use.py", "misuse.py"],
        env={"MYPYPATH": str(SOURCE), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip

    faults = ran.stdout.splitlines()
    assert len(faults) == 2, ran.stdout + ran.stderr
    assert 'misuse.py:6: error: TypedDict "Repository" has no key "nmae"' in faults[0]
