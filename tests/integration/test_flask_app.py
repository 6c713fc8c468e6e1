"""Flask beyond its routes: commands, blueprints, the application's own parsers, contexts, forks."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, current_app, request

from smart_api_integrations import Webhooks
from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.frameworks.flask import get_webhook_routes, register_webhook_routes
from smart_api_integrations.webhooks import generate_webhook_handler, webhook_handler
from tests.github_requests import SECRET, signed_headers

FORM = b"payload=%7B%22ref%22%3A+%22main%22%7D"


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_WEBHOOK_SECRET", SECRET)
    get_webhook_registry().clear()
    yield
    get_webhook_registry().clear()


def post(app: Flask, body: bytes = b'{"ref": "main"}', **headers: str) -> Any:
    return app.test_client().post("/webhooks/github", data=body, headers=signed_headers(body) | headers)


def test_the_third_guides_blueprint() -> None:
    handlers = generate_webhook_handler("github", events=["push", "pull_request"])

    class MyGitHubHandler(handlers):  # type: ignore[misc, valid-type]
        def on_push(self, event):
            return self.success_response({"processed": True, "ref": event.payload["ref"]})

    app = Flask("host")
    app.register_blueprint(get_webhook_routes("flask", {"github": MyGitHubHandler()}))

    assert post(app).get_json()["processed"] is True
    assert app.test_client().post("/webhooks/stripe").status_code == 404


@pytest.mark.parametrize(
    "parse", [lambda: request.get_data(cache=True), lambda: request.get_json(silent=True)]
)
def test_a_body_that_was_read_and_kept_is_whole(parse: Any) -> None:
    app = Flask("host")
    app.before_request(lambda: parse() and None)
    register_webhook_routes(app)

    assert post(app).status_code == 200


def test_a_form_that_was_parsed_before_is_named_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    app = Flask("host")
    app.before_request(lambda: request.form and None)
    register_webhook_routes(app)
    form = {"content-type": "application/x-www-form-urlencoded"}

    assert post(app, FORM, **form).status_code == 503
    assert "read the request's body" in caplog.text


def test_the_applications_own_limit_is_413() -> None:
    app = Flask("host")
    app.config["MAX_CONTENT_LENGTH"] = 5
    register_webhook_routes(app)

    assert post(app).status_code == 413


def test_a_workers_handler_has_the_application_context(tmp_path: Path) -> None:
    names: list[str] = []
    ran = threading.Event()

    @webhook_handler("github", "push")
    def handle(_: Any) -> None:
        names.append(current_app.name)
        ran.set()

    app = Flask("host")
    webhooks = Webhooks(database_url=f"sqlite:///{tmp_path}/webhooks.db")
    webhooks.init_app(app)
    try:
        assert post(app).status_code == 200
        assert ran.wait(20)
        assert names == ["host"]
    finally:
        webhooks.stop()


def test_any_request_begins_the_work_that_waits(tmp_path: Path) -> None:
    app = Flask("host")
    webhooks = Webhooks(database_url=f"sqlite:///{tmp_path}/webhooks.db")
    webhooks.init_app(app)
    try:
        app.test_client().get("/")
        for starting in [each for each in threading.enumerate() if each.name == "webhooks-start"]:
            starting.join(20)
        assert webhooks.is_running
    finally:
        webhooks.stop()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_process_that_is_forked_off_starts_what_is_its_own(tmp_path: Path) -> None:
    """As under a server that loads the application first, and has even started it there."""
    app = Flask("host")
    webhooks = Webhooks(database_url=f"sqlite:///{tmp_path}/webhooks.db")
    webhooks.init_app(app)
    webhooks.open()
    child = os.fork()
    if child == 0:
        ended = 1
        try:
            answered = post(app, b'{"by": "child"}').status_code == 200
            ended = 0 if answered and webhooks.is_running else 2
            webhooks.stop()
        finally:
            os._exit(ended)

    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    (kept,) = webhooks.call(webhooks.platform.journal.events.summaries())
    assert kept.provider == "github"
    webhooks.stop()


def test_the_commands(tmp_path: Path) -> None:
    webhook_handler("github", "push", name="announce")(lambda event: {"ref": event.payload["ref"]})
    app = Flask("host")
    register_webhook_routes(app)
    runner = app.test_cli_runner()
    (tmp_path / "payload.json").write_text('{"ref": "from a file"}', "utf-8")

    listed = runner.invoke(args=["webhooks", "list"])
    tried = runner.invoke(args=["webhooks", "test", "github", "push", "--payload", "payload.json"])
    unknown = runner.invoke(args=["webhooks", "test", "githup", "push"])
    worker = runner.invoke(args=["webhooks", "worker"])

    assert "/webhooks/github\n  push  github:default:announce\n" in listed.output
    assert (tried.exit_code, '"ref": "from a file"' in tried.output) == (0, True)
    assert (unknown.exit_code, "github" in unknown.output) == (1, True)
    assert (worker.exit_code, "database_url" in worker.output) == (1, True)
