"""What holds for every command: help, exit codes, errors."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from smart_api_integrations.cli import faults, program
from smart_api_integrations.cli.commands import COMMANDS, EXAMPLES, overview
from smart_api_integrations.cli.faults import EXPLAINED, CommandFailed, Exit, fault_of
from smart_api_integrations.errors import (
    AddressBlocked,
    ConfigurationError,
    DeliveryError,
    InvalidInput,
    NotFound,
    SecretMissing,
    SignatureMismatch,
    StorageUnavailable,
    WebhooksError,
)


class TestHelp:
    def test_the_help_names_every_command_once_in_its_group_within_a_screen(self, cli):
        ended = cli("--help")

        assert ended.code == 0
        named = [line.split()[0] for line in ended.lines if line.startswith("  ") and line.split()]
        assert all(named.count(name) == 1 for name in COMMANDS)
        assert len(ended.lines) <= 50
        assert all(len(line) <= 80 for line in ended.lines)

    @pytest.mark.parametrize("words", [(), ("--help",), ("-h",), ("help",)])
    def test_it_is_shown_however_it_is_asked_for(self, cli, words):
        assert cli(*words).out == overview() + "\n"

    def test_it_loads_neither_a_command_nor_the_command_line_library(self):
        probe = (
            "import sys; from smart_api_integrations.cli.program import run; run(['--help']); "
            "print(sorted(name for name in sys.modules if name.partition('.')[0] in "
            "{'typer', 'rich', 'pydantic', 'yaml', 'asyncio', 'fastapi', 'sqlalchemy'}))"
        )
        ended = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

        assert ended.stdout.splitlines()[-1] == "[]"

    @pytest.mark.parametrize("name", COMMANDS)
    def test_every_command_has_a_help_with_examples_of_itself(self, cli, name):
        ended = cli(name, "--help")

        assert ended.code == 0
        assert ended.out.startswith(f"Usage: webhooks {name} ")
        command = program.build().commands[name]
        members = getattr(command, "commands", {"": command})
        for member in members.values():
            assert "Examples:\n\n    webhooks " in member.help or "| webhooks " in member.help, member.name

    def test_every_commands_examples_are_commands_that_there_are(self):
        built = program.build()
        for command in built.commands.values():
            for member in getattr(command, "commands", {"": command}).values():
                for line in member.help.splitlines():
                    words = line.split("|")[-1].split()
                    if line.startswith("    ") and words[:1] == ["webhooks"]:
                        assert words[1] in COMMANDS, line

    def test_the_overviews_examples_are_commands_that_there_are(self):
        assert all(line.split()[1] in COMMANDS for line in EXAMPLES)

    def test_the_version_is_told(self, cli):
        assert cli("--version").out.startswith("webhooks 0.")

    def test_a_program_is_called_by_either_of_its_names(self, capsys):
        assert program.run(["--help"], name="smart-api-integrations") == 0
        assert capsys.readouterr().out.startswith("Usage: smart-api-integrations ")


class TestErrors:
    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (NotFound(), Exit.NOT_FOUND),
            (InvalidInput(), Exit.USAGE),
            (ConfigurationError(), Exit.CONFIGURATION),
            (SecretMissing(), Exit.CONFIGURATION),
            (StorageUnavailable(), Exit.TEMPORARY),
            (SignatureMismatch(), Exit.FINDINGS),
            (DeliveryError("refused", stage="connect"), Exit.UNREACHABLE),
            (DeliveryError("late", stage="connect", code="timeout"), Exit.TIMEOUT),
            (AddressBlocked(), Exit.UNREACHABLE),
            (TimeoutError(), Exit.TIMEOUT),
            (WebhooksError(), Exit.FAILURE),
            (KeyboardInterrupt(), Exit.INTERRUPTED),
            (ZeroDivisionError("a fault of ours"), Exit.FAILURE),
            (CommandFailed("no", code="x", exit_code=Exit.CONFLICT), Exit.CONFLICT),
        ],
    )
    def test_an_error_has_its_exit_code(self, error, code):
        assert fault_of(error).exit_code is code

    def test_the_exit_codes_are_those_that_scripts_rely_on(self):
        assert {code.name: int(code) for code in Exit} == {
            "OK": 0, "FAILURE": 1, "USAGE": 2, "NOT_FOUND": 3, "FORBIDDEN": 4, "CONFLICT": 5, "FINDINGS": 6,
            "UNREACHABLE": 7, "TIMEOUT": 8, "TEMPORARY": 75, "CONFIGURATION": 78, "INTERRUPTED": 130,
        }  # fmt: skip
        assert set(EXPLAINED) == set(Exit)

    def test_a_misspelt_command_gets_the_nearest_one_and_the_way_to_the_help(self, cli):
        ended = cli("triger", "github", "push")

        assert ended.code == 2
        assert ended.err.splitlines() == [
            "error: No such command 'triger'. Did you mean 'trigger'?",
            "hint: `webhooks --help` shows how it is used.",
        ]

    @pytest.mark.parametrize("words", [("trigger", "--prot", "1"), ("trigger",), ("trigger", "a", "b", "c")])
    def test_what_cannot_be_understood_is_told_in_one_line(self, cli, words):
        ended = cli(*words)

        assert (ended.code, ended.out) == (2, "")
        assert [line.partition(":")[0] for line in ended.err.splitlines()] == ["error", "hint"]

    def test_with_json_an_error_is_json_too(self, cli):
        ended = cli("trigger", "githup", "push", "--json")

        assert ended.code == 3
        assert json.loads(ended.err)["error"] == {
            "code": "not_found",
            "message": "The provider 'githup' is unknown; known are github.",
            "hint": "",
            "retryable": False,
            "exit_code": 3,
        } | {"message": json.loads(ended.err)["error"]["message"]}
        assert "'githup' is unknown" in ended.err

    def test_a_fault_of_the_program_is_told_without_a_traceback(self, cli, monkeypatch):
        def broken():
            message = "the table is gone"
            raise LookupError(message)

        monkeypatch.setattr(program, "build", broken)
        ended = cli("trigger")

        assert ended.code == 1
        assert ended.err.startswith("error: Something inside went wrong: LookupError: the table is gone")

    def test_a_fault_says_what_to_do_where_that_is_known(self):
        assert "webhooks serve" in fault_of(DeliveryError("refused")).as_text()
        assert faults.fault_of(InvalidInput("x")).as_text() == "error: x"

    def test_a_package_that_is_missing_is_named_with_the_extra_that_brings_it(self, cli, monkeypatch):
        def bare():
            message = "No module named 'uvicorn'"
            raise ModuleNotFoundError(message, name="uvicorn")

        monkeypatch.setattr(program, "build", bare)
        ended = cli("serve")

        assert (ended.code, ended.out) == (78, "")
        assert "uvicorn" in ended.err
        assert "smart-api-integrations[server]" in ended.err
        assert "report" not in ended.err
