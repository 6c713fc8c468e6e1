"""The files in ``deploy/`` say what is there, and the programs that read them accept them.

As far as those are here: no image is built and no container run, which needs a registry and a daemon.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from smart_api_integrations.cli.program import build
from smart_api_integrations.settings import Settings, read_settings
from tests.docs.pages import ROOT

DEPLOY = ROOT / "deploy"
COMPOSE = ["compose.yaml", "compose.full.yaml"]


def instructions() -> list[tuple[str, str]]:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


def values(word: str) -> list[str]:
    return [rest for instruction, rest in instructions() if instruction == word]


def check_command(words: list[str]) -> dict[str, Any]:
    """Return the options that a command line gives, if the program understands it."""
    command: Any = build()
    name, *rest = words
    return dict(command.commands[name].make_context(name, rest).params)


def compose(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text("utf-8"))
    return document


class TestDockerfile:
    def test_what_it_copies_is_there(self):
        for rest in values("COPY"):
            words = [word for word in rest.split() if not word.startswith("--")]
            if "--from" not in rest:
                assert all((ROOT / word).exists() for word in words[:-1]), rest

    def test_it_runs_as_nobody_in_particular(self):
        assert values("USER") == ["webhooks"]
        order = [instruction for instruction, _ in instructions()]
        assert order.index("USER") < order.index("ENTRYPOINT")
        assert "--uid 10001" in " ".join(values("RUN"))

    def test_what_it_runs_is_a_command_with_settings_that_there_are(self):
        (entry,), (command,) = values("ENTRYPOINT"), values("CMD")
        assert json.loads(entry) == ["webhooks"]
        check_command(json.loads(command))
        given = dict(word.split("=", 1) for word in shlex.split(values("ENV")[-1]))
        settings = read_settings(environ=given)
        assert (settings.host, settings.log_format) == ("0.0.0.0", "json")  # noqa: S104 - of a container

    def test_it_is_healthy_when_it_is_ready(self):
        (rest,) = values("HEALTHCHECK")
        python, flag, program = json.loads(rest.partition("CMD ")[2])
        assert (python, flag) == ("python", "-c")
        compile(program, "HEALTHCHECK", "exec")
        assert "'/readyz'" in program
        assert str(Settings().port) in program

    def test_the_extras_exist_and_versions_are_pinned(self):
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
            "optional-dependencies"
        ]
        named = re.findall(r"\.\[([\w,]+)\]", " ".join(values("RUN")))
        assert named
        assert set(named[0].split(",")) <= set(extras)
        assert "--require-hashes" in " ".join(values("RUN"))
        assert not any(
            image.split()[0].endswith(":latest") or ":" not in image.split()[0] for image in values("FROM")
        )


@pytest.mark.parametrize("name", COMPOSE)
class TestCompose:
    def test_services_are_whole_and_refer_to_what_is_there(self, name):
        document = compose(name)
        services = document["services"]
        for service in services.values():
            assert ("build" in service) != ("image" in service)
            assert set(service.get("depends_on", {})) <= set(services)
            for volume in service.get("volumes", []):
                assert volume.partition(":")[0] in document["volumes"]
            if "image" in service:
                assert ":" in service["image"]
                assert not service["image"].endswith(":latest")
            else:
                assert (
                    (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"])
                    .resolve()
                    .is_file()
                )

    def test_ours_can_write_nowhere_and_do_nothing_special(self, name):
        for service in compose(name)["services"].values():
            if "build" in service:
                assert service["read_only"] is True
                assert service["cap_drop"] == ["ALL"]
                assert service["security_opt"] == ["no-new-privileges:true"]
                seconds = int(service["stop_grace_period"].rstrip("s"))
                assert seconds > Settings().shutdown_seconds + Settings().drain_seconds

    def test_commands_and_variables_are_understood(self, name):
        for service in compose(name)["services"].values():
            if "build" not in service:
                continue
            options = check_command(service["command"])
            given = {
                key: option
                for key, option in options.items()
                if option is not None and key in Settings.model_fields
            }
            environ = {
                key: re.sub(r"\$\{[^}]*\}", "x", value)
                for key, value in service.get("environment", {}).items()
            }
            assert read_settings(given=given, environ=environ).roles

    def test_ports_are_this_machines_alone(self, name):
        ports = [port for service in compose(name)["services"].values() for port in service.get("ports", [])]

        assert ports
        assert all(port.startswith("127.0.0.1:") for port in ports)


class TestService:
    def unit(self) -> str:
        return (DEPLOY / "webhooks.service").read_text("utf-8")

    def setting(self, name: str) -> str:
        (found,) = re.findall(rf"^{name}=(.*)$", self.unit(), re.MULTILINE)
        return str(found)

    def test_what_it_runs_is_understood(self):
        program, *words = shlex.split(self.setting("ExecStart"))
        assert program.endswith("/webhooks")
        assert check_command(words)["processes"] == 2
        assert self.setting("ExecReload") == "/bin/kill -HUP $MAINPID"
        assert self.setting("Type") == "notify"
        assert float(self.setting("TimeoutStopSec")) > Settings().shutdown_seconds + 5

    @pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
    def test_systemd_finds_no_fault_and_little_exposure(self, tmp_path):
        unit = tmp_path / "webhooks.service"
        unit.write_text(self.unit().replace("/opt/webhooks/bin/webhooks", "/bin/true"), "utf-8")

        verified = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
        )
        secured = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)],
            capture_output=True,
            text=True,
            check=False,
        )

        assert [line for line in verified.stderr.splitlines() if "webhooks.service" in line] == []
        assert secured.returncode == 0, secured.stdout[-600:]


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not here")
def test_nginx_accepts_its_configuration(tmp_path):
    certificate(tmp_path)
    text = (DEPLOY / "nginx.conf").read_text("utf-8").replace("/etc/ssl/webhooks", str(tmp_path))
    (tmp_path / "webhooks.conf").write_text(text, "utf-8")
    whole = tmp_path / "nginx.conf"
    whole.write_text(
        f"pid {tmp_path}/nginx.pid; error_log {tmp_path}/error.log; events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {tmp_path}/body; proxy_temp_path {tmp_path}/proxy;\n"
        f" include {tmp_path}/webhooks.conf; }}\n",
        "utf-8",
    )

    tested = subprocess.run(["nginx", "-t", "-c", str(whole)], capture_output=True, text=True, check=False)

    assert tested.returncode == 0, tested.stderr
    assert "warn" not in tested.stderr


def certificate(folder: Path) -> None:
    """Write a certificate and its key as nginx wants them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks.example.com")])
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "privkey.pem").write_bytes(pem)
