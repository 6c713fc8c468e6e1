"""Every example runs as its reader would run it: in a process of its own, with signed requests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sink import SECRET, running_sink

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
DRIVER = """
import json, sys
sys.path.insert(0, {folder!r})
from pathlib import Path
from smart_api_integrations.testing.signed_webhooks import SignedWebhooks
make = SignedWebhooks(Path({folder!r}) / "providers")
{program}
"""


@pytest.fixture
def run(tmp_path: Path):
    """Return a function that runs a program beside a copy of the examples, and reads the JSON it prints."""
    folder = tmp_path / "examples"
    shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns("__pycache__"))

    def ran(program: str) -> object:
        environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "GITHUB_WEBHOOK_SECRET": "a secret of more than sixteen characters",
            "SHOP_WEBHOOK_SECRET": "another secret of more than sixteen characters",
            "SLACK_SIGNING_SECRET": "a third secret of more than sixteen characters",
            "STRIPE_WEBHOOK_SECRET": "whsec_a_fourth_secret_of_more_than_sixteen",
            "WEBHOOKS_ALLOWED_NETWORKS": "127.0.0.0/8",
        }
        done = subprocess.run(
            [sys.executable, "-c", DRIVER.format(folder=str(folder), program=program)],
            cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return ran


def test_the_flask_application(run) -> None:
    answers = run(
        """
from flask_app import create_app
client = create_app().test_client()
def post(hook):
    answer = client.post(hook.path, data=hook.body, headers=hook.headers)
    return [answer.status_code, answer.json.get("data"), answer.json.get("message")]
push = make.github("push", repository={"full_name": "octo-org/shop"})
print(json.dumps([
    post(push),
    post(make.github("pull_request.opened", repository={"full_name": "octo-org/shop"})),
    post(make.github("push", repository={"full_name": "stranger/shop"})),
    post(make.shop("order.created")),
    post(make.shop("order.created", bad_signature=True)),
]))
"""
    )

    pushed, opened, stranger, ordered, forged = answers
    assert (pushed[0], list(pushed[1])) == (200, ["commits"])
    assert (opened[0], list(opened[1])) == (200, ["opened_by"])
    assert (stranger[0], stranger[2]) == (403, "Not a repository of ours.")
    assert ordered[:2] == [200, {"order": "A-1042"}]
    assert forged[0] == 401


def test_the_fastapi_application(run) -> None:
    kept, own, paid, published = run(
        """
import time
from fastapi.testclient import TestClient
import fastapi_app
hook = make.stripe("payment_intent.succeeded")
with TestClient(fastapi_app.app) as client:
    kept = client.post(hook.path, content=hook.body, headers=dict(hook.headers))
    other = make.stripe("payment_intent.succeeded")
    own = client.post("/my/own/stripe", content=other.body, headers=dict(other.headers))
    deadline = time.monotonic() + 20
    journal = fastapi_app.webhooks.platform.journal
    sent = []
    while time.monotonic() < deadline and not sent:
        time.sleep(0.02)  # another thread works
        sent = [each.event for each in fastapi_app.webhooks.call(journal.messages.messages())]
print(json.dumps([kept.json()["success"], own.json(), list(fastapi_app.paid.values()), sent]))
"""
    )

    assert (kept, own) == (True, {"type": "payment_intent.succeeded"})
    assert len(paid) == 1
    assert published == ["payment.completed"]


def test_the_django_project(run) -> None:
    challenged, noted, mentions = run(
        """
import django_app
from django.test import Client
client = Client()
def post(hook):
    return client.post(hook.path, data=hook.body, content_type=hook.content_type, **hook.wsgi_headers)
challenge = make.slack("url_verification", {"type": "url_verification", "challenge": "abc"})
print(json.dumps([
    post(challenge).content.decode(),
    post(make.slack("app_mention")).json()["data"],
    django_app.mentions,
]))
"""
    )

    assert "abc" in challenged
    assert noted == {"noted": True}
    assert len(mentions) == 1


@pytest.mark.parametrize(
    ("event", "payload", "state", "published"),
    [
        ("push", {"ref": "refs/heads/main", "after": "c0ffee"}, "completed", ["deployment.started"]),
        ("push", {"ref": "refs/heads/other"}, "skipped", []),
        ("issues.opened", {"action": "opened", "issue": {"title": "", "number": 7}}, "failed", []),
    ],
)
def test_the_servers_handlers(run, event, payload, state, published) -> None:
    told = run(
        f"""
import contextlib, io, os
os.chdir("server")
sys.path.insert(0, ".")
from smart_api_integrations.cli.program import run
out = io.StringIO()
with contextlib.redirect_stdout(out):
    options = ("--handlers", "handlers", "--json", "--payload", {json.dumps(payload)!r})
    run(("trigger", "github", {event!r}, *options))
print(out.getvalue().strip())
"""
    )

    (handler,) = told["handlers"]
    assert (handler["state"], handler["published"]) == (state, published)


def test_the_program_that_sends(run) -> None:
    with running_sink() as sink:
        arrived = run(
            f"""
import sending
print(json.dumps(sending.main({sink.url!r}, Path("webhooks.db"), {SECRET!r})))
"""
        )

    assert arrived == 2
    assert sorted(each["event"] for each in sink.documents.values()) == ["order.created", "order.paid"]
