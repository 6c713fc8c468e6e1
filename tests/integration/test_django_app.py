"""Django's application in a project: migrations, discovery, checks, transactions, commands."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent.parent / "src"
SECRET = "a secret of more than sixteen characters"

PROJECT = """
import hashlib, hmac, json, sys
import django
from django.conf import settings

STORE = {store}
settings.configure(
    DATABASES={{"default": {{
        "ENGINE": "django.db.backends.sqlite3", "NAME": "project.sqlite3", "ATOMIC_REQUESTS": True,
    }}}},
    INSTALLED_APPS=[
        "django.contrib.contenttypes", "django.contrib.auth", "shop",
        "smart_api_integrations.frameworks.django",
    ],
    MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"],
    ALLOWED_HOSTS=["*"], ROOT_URLCONF="project_urls", SECRET_KEY="for tests", USE_TZ=True,
    SMART_API_INTEGRATIONS={{"database": "default"}} if STORE else {{}},
)
django.setup()
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from shop.webhooks import committed

call_command("migrate", verbosity=0)


def post(payload):
    body = json.dumps(payload).encode()
    return Client(enforce_csrf_checks=True).post(
        reverse("smart_api_integrations:webhook-default", kwargs={{"provider": "forge"}}),
        data=body,
        content_type="application/json",
        HTTP_X_WEBHOOK_SIGNATURE=hmac.new({secret!r}.encode(), body, hashlib.sha256).hexdigest(),
    )
"""
HANDLERS = """
from django.contrib.auth.models import Group
from django.db import transaction

from smart_api_integrations.webhooks import webhook_handler

committed = []


@webhook_handler("forge", "user.created")
def created(event):
    group = Group.objects.create(name=event.payload.get("name", "sample"))
    transaction.on_commit(lambda: committed.append(group.name))
    if event.payload.get("fail"):
        raise ValueError("fails")
    return {"processed": True, "count": Group.objects.count()}
"""
YAML = """
webhooks:
  default:
    path: /api/webhooks/forge/
    verify_signature: true
    signing_secret_env: FORGE_WEBHOOK_SECRET
"""
URLS = """
from django.urls import include, path

urlpatterns = [path("", include("smart_api_integrations.frameworks.django.urls"))]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in {
        "shop/__init__.py": "",
        "shop/webhooks.py": HANDLERS,
        "project_urls.py": URLS,
        "providers/forge/webhook.yaml": YAML,
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return tmp_path


def run(project: Path, story: str, *, store: bool = False, secret: str = SECRET) -> str:
    """Run *story* in a process of its own, after the project is set up; return what it printed."""
    program = PROJECT.format(store=store, secret=SECRET) + textwrap.dedent(story)
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=project,
        env={"PYTHONPATH": f"{project}:{SOURCE}", "FORGE_WEBHOOK_SECRET": secret},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_the_first_guides_view_test_passes_with_csrf_checks_on(project: Path) -> None:
    run(
        project,
        """
        response = post({"id": "evt_1", "type": "user.created", "name": "a"})
        assert response.status_code == 200
        assert response.json()["success"] is True
        assert (response.json()["count"], committed) == (1, ["a"])
        """,
    )


def test_a_failed_handler_rolls_its_request_back(project: Path) -> None:
    run(
        project,
        """
        response = post({"id": "evt_1", "type": "user.created", "name": "a", "fail": True})
        assert response.status_code == 500
        assert (Group.objects.count(), committed) == (0, [])
        """,
    )


def test_migrate_makes_the_tables_and_a_worker_handles_what_is_kept(project: Path) -> None:
    run(
        project,
        """
        import time
        from smart_api_integrations.frameworks.django.models import Event, Work

        assert (Event.objects.count(), Work.objects.count()) == (0, 0)
        response = post({"id": "evt_1", "type": "user.created", "name": "a"})
        assert (response.status_code, response.json()["duplicate"]) == (200, False)
        deadline = time.monotonic() + 20
        while Work.objects.get().state != "completed":
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert (Group.objects.get().name, committed) == ("a", ["a"])
        assert str(Event.objects.get()).startswith("forge/default user.created evt_")
        """,
        store=True,
    )


def test_django_sees_no_change_of_models_to_migrate(project: Path) -> None:
    assert "No changes" in run(project, 'call_command("makemigrations", "--check", "--dry-run")')


def test_the_command_lists_samples_and_runs(project: Path) -> None:
    told = run(
        project,
        """
        call_command("test_webhook", "forge", "user.created", "--list-handlers")
        call_command("test_webhook", "forge", "user.created", "--sample-payload")
        call_command("test_webhook", "forge", "user.created")
        call_command("test_webhook", "forge", "user.created", "--payload", '{"name": "from the text"}')
        open("payload.json", "w").write('{"name": "from a file"}')
        call_command("test_webhook", "forge", "user.created", "--payload-file", "payload.json")
        print(*Group.objects.order_by("id").values_list("name", flat=True), sep="|")
        """,
    )

    assert "user.created  forge:default:shop.webhooks.created" in told
    assert '"type": "user.created"' in told
    assert told.count('200 {"processed": true') == 3
    assert told.rstrip().endswith("sample|from the text|from a file")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["forgee", "user.created"], "'forgee' is unknown; known are forge"),
        (["forge", "user.created", "--payload", "{"], "cannot be read as JSON"),
        (["forge", "user.created", "--payload-file", "no.json"], "no.json cannot be read"),
        (["forge", "user.created", "--payload", "{}", "--payload-file", "x"], "leave one out"),
        (["forge", "user.created", "--payload", '{"fail": true}'], "500"),
    ],
)
def test_the_command_says_what_is_wrong(project: Path, arguments: list[str], complaint: str) -> None:
    told = run(
        project,
        f"""
        from django.core.management.base import CommandError
        try:
            call_command("test_webhook", *{arguments!r})
        except CommandError as error:
            print(error)
        """,
    )

    assert complaint in told


def test_checks_name_what_cannot_be_used_and_handlers_out_of_reach(project: Path) -> None:
    (project / "shop" / "webhooks.py").write_text(
        HANDLERS + '\nwebhook_handler("stripe", "*")(print)\nwebhook_handler("nobody", "*")(print)\n', "utf-8"
    )
    told = run(
        project,
        """
        from smart_api_integrations.frameworks.django import checks, installed
        for message in checks.check_providers() + checks.check_handlers():
            print(message.id, message.msg)
        open("providers/forge/webhook.yaml", "a").write("  second: {verification: {scheme: hmec}}\\n")
        installed.forget()
        for message in checks.check_providers() + checks.check_handlers():
            print(message.id, message.msg)
        """,
    )

    assert "W002 The handlers of stripe/default are never called: STRIPE_WEBHOOK_SECRET is not set." in told
    assert "W002 The handlers of nobody/default are never called: no such webhook is known." in told
    assert "E001" in told
    assert "hmec" in told


def test_publishing_waits_for_the_commit(project: Path) -> None:
    run(
        project,
        """
        from django.db import transaction
        from smart_api_integrations.frameworks.django import publish_on_commit
        from smart_api_integrations.frameworks.django.installed import reception

        with reception().webhooks as webhooks:
            try:
                with transaction.atomic():
                    publish_on_commit("order.lost", {})
                    raise ValueError
            except ValueError:
                pass
            with transaction.atomic():
                publish_on_commit("order.paid", {"id": 7})
            kept = webhooks.call(webhooks.platform.journal.messages.messages())
            assert [message.event for message in kept] == ["order.paid"]
        """,
        store=True,
    )


def test_publishing_in_a_transaction_of_djangos_is_part_of_it(project: Path) -> None:
    run(
        project,
        """
        import time
        from django.db import connection, connections, transaction
        from smart_api_integrations.frameworks.django.installed import reception

        with reception().webhooks as webhooks:
            try:
                with transaction.atomic():
                    Group.objects.create(name="lost")
                    webhooks.publish("order.lost", {}, connection=connection)
                    raise ValueError
            except ValueError:
                pass
            with transaction.atomic():
                Group.objects.create(name="kept")
                kept = webhooks.publish("order.paid", {"id": 7}, connection=connections["default"])
            deadline = time.monotonic() + 20
            while not (messages := webhooks.call(webhooks.platform.journal.messages.messages())):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            assert [message.id for message in messages] == [kept]
            assert [group.name for group in Group.objects.all()] == ["kept"]
        """,
        store=True,
    )
