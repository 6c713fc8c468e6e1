"""A shell completes commands, their own commands, and options, in the way that its script asks for."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("typed", "place", "expected"),
    [
        ("webhooks do", 1, {"doctor"}),
        ("webhooks ", 1, {"serve", "doctor", "events"}),
        ("webhooks events ", 2, {"list", "show", "export"}),
        ("webhooks serve --pro", 2, {"--processes", "--providers"}),
        ("webhooks completion ", 2, {"bash", "zsh", "fish"}),
    ],
)
def test_what_fits_is_offered(cli, monkeypatch, typed, place, expected):
    monkeypatch.setenv("_WEBHOOKS_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(place))

    offered = set(cli().lines)

    assert expected <= offered
    assert all(word.startswith(typed.split(" ")[-1]) for word in offered)


@pytest.mark.parametrize(
    ("shell", "word"), [("bash", "complete -o"), ("zsh", "#compdef"), ("fish", "complete")]
)
def test_every_shell_has_its_script(cli, shell, word):
    ended = cli("completion", shell, "--name", "smart-api-integrations")

    assert ended.code == 0
    assert word in ended.out
    assert "_SMART_API_INTEGRATIONS_COMPLETE" in ended.out


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here")
def test_bash_takes_the_script_and_completes_by_it(tmp_path):
    program = tmp_path / "webhooks"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path[:0] = {sys.path!r}\n"
        "from smart_api_integrations.cli import main\nmain()\n"
    )
    program.chmod(0o755)
    script = (
        f"export PATH={tmp_path}:$PATH; source <(webhooks completion bash);"
        " COMP_WORDS=(webhooks doc); COMP_CWORD=1; _webhooks_completion webhooks; echo ${COMPREPLY[@]}"
    )

    ran = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=60)

    assert ran.stdout.split() == ["doctor"]
