"""``events``, ``deliveries``, ``dead-letters`` and ``endpoints`` on a database."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from smart_api_integrations.cli.records import _ago, _harmless
from smart_api_integrations.errors import Dead
from smart_api_integrations.webhooks import webhook_handler
from tests.sink import SECRET, running_sink
from tests.unit.cli.conftest import GITHUB_SECRET
from webhook_system import WebhookManager


@pytest.fixture
def journal(tmp_path: Path, cli, monkeypatch) -> str:
    """Fill a journal with one event of each kind, a dead letter and a delivery; return its URL."""
    import asyncio  # noqa: PLC0415 - of this fixture alone

    from smart_api_integrations import Webhooks  # noqa: PLC0415 - needs the server extra
    from smart_api_integrations.testing.signed_webhooks import SignedWebhooks  # noqa: PLC0415 - likewise

    url = f"sqlite:///{tmp_path}/webhooks.db"
    monkeypatch.setenv("WEBHOOKS_DATABASE_URL", url)
    monkeypatch.setenv("WEBHOOKS_ALLOWED_NETWORKS", "127.0.0.0/8")

    @webhook_handler("github", "issues")
    def give_up(event: object) -> None:
        raise Dead("=HYPERLINK() is what nobody should click")  # noqa: EM101, TRY003 - a handler's words

    make = SignedWebhooks()
    with running_sink() as sink, Webhooks(database_url=url) as webhooks:
        webhooks.call(webhooks.platform.endpoints.register(sink.url, ["order.*"], secret=SECRET))
        for hook in (make.github("push"), make.github("issues.opened"), make.stripe("invoice.paid")):
            taken = webhooks.platform.gateway.accept_whole(
                hook.request, hook.provider, "default", received=tuple(hook.headers.items())
            )
            assert webhooks.call(taken).status == 200
        webhooks.publish("order.created", {"order_id": "ORD-1"})
        assert sink.wait_for(1)

        async def settled() -> None:
            while not await webhooks.platform.journal.work.dead_letters():  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(0)

        webhooks.call(settled())
    return url


class TestEvents:
    def test_the_newest_come_first(self, cli, journal):
        listed = cli("events", "list", "--json").objects

        assert [event["event_type"] for event in listed] == ["invoice.paid", "issues", "push"]

    def test_people_get_a_table(self, cli, journal):
        lines = cli("events", "list").lines

        assert lines[0].split()[:4] == ["ID", "RECEIVED_AT", "PROVIDER", "EVENT_TYPE"]
        assert len(lines) == 4

    @pytest.mark.parametrize(
        ("options", "types"),
        [
            (("--provider", "stripe"), ["invoice.paid"]),
            (("--event-type", "push"), ["push"]),
            (("-n", "2"), ["invoice.paid", "issues"]),
            (("--provider", "nobody"), []),
        ],
    )
    def test_they_can_be_narrowed(self, cli, journal, options, types):
        assert [event["event_type"] for event in cli("events", "list", "--json", *options).objects] == types

    def test_one_is_shown_whole_with_its_signature_masked(self, cli, journal):
        (event,) = cli("events", "list", "--json", "--event-type", "push").objects
        shown = cli("events", "show", event["id"], "--json").json

        assert json.loads(shown["body"])["ref"]
        headers = dict(shown["headers"])
        assert "…" in headers["X-Hub-Signature-256"]
        assert GITHUB_SECRET not in json.dumps(shown)

    def test_an_id_that_is_unknown_is_not_found(self, cli, journal):
        ended = cli("events", "show", "evt_unknown")

        assert ended.code == 3
        assert "evt_unknown" in ended.err

    def test_an_export_has_them_all_as_lines(self, cli, journal):
        assert len(cli("events", "export").objects) == 3

    def test_an_export_as_csv_can_be_read_again(self, cli, journal):
        rows = list(csv.DictReader(io.StringIO(cli("events", "export", "--format", "csv").out)))

        assert [row["event_type"] for row in rows] == ["invoice.paid", "issues", "push"]
        assert set(rows[0]) == set(cli("events", "list", "--json").objects[0])


class TestWork:
    def test_a_delivery_is_listed_and_shown_with_its_attempts(self, cli, journal):
        (delivery,) = cli("deliveries", "list", "--json").objects
        shown = cli("deliveries", "show", delivery["id"], "--json").json

        assert delivery["status"] == "delivered"
        assert [attempt["response_code"] for attempt in shown["attempts"]] == [204]
        assert len(cli("deliveries", "export").objects) == 1
        assert len(cli("deliveries", "list", "--endpoint", "none", "--json").objects) == 0

    def test_a_dead_letter_is_listed_and_made_due_again(self, cli, journal):
        (dead,) = cli("dead-letters", "list", "--json", "--kind", "handling").objects
        assert dead["target"].startswith("github:default:")
        assert cli("dead-letters", "list", "--json", "--kind", "delivery").objects == []

        assert cli("dead-letters", "replay", dead["id"], "--dry-run").code == 0
        assert len(cli("dead-letters", "list", "--json").objects) == 1
        replayed = cli("dead-letters", "replay", dead["id"])

        assert replayed.code == 0, replayed.err
        assert cli("dead-letters", "export").objects == []
        assert cli("dead-letters", "replay", dead["id"]).code == 2  # it waits already

    def test_endpoints_show_no_secret(self, cli, journal):
        (endpoint,) = cli("endpoints", "list", "--json").objects
        shown = cli("endpoints", "show", endpoint["id"], "--json").json

        assert shown["statistics"]["successful"] == 1
        for output in (
            cli("endpoints", "list"),
            cli("endpoints", "export"),
            cli("endpoints", "show", endpoint["id"]),
        ):
            assert output.code == 0
            assert SECRET.removeprefix("whsec_") not in output.out


class TestWhere:
    def test_a_secret_is_rotated_and_printed_once(self, cli, journal):
        (before,) = cli("endpoints", "list", "--json").objects

        rotated = cli("endpoints", "rotate", before["id"], "--grace-hours", "1")
        shown = json.loads(cli("endpoints", "show", before["id"]).out)

        assert rotated.out.startswith("whsec_")
        assert shown["secret"] == "whsec_…" + rotated.out.strip()[-4:]
        assert [old["secret"] for old in shown["old_secrets"]] == [before["secret"]]
        assert before["secret"] in rotated.err

    def test_a_filter_and_a_transformation_are_tried_without_sending(self, cli, journal, tmp_path):
        (tmp_path / "order.json").write_text('{"total": 120}', "utf-8")
        data = ("--data", "order.json", "--filter", "data.total > 100")

        changed = cli("preview", *data, "--transformation", "{'text': event}", "--event", "order.paid")
        other = cli("preview", "--filter", "data.total > 100")
        faulty = cli("preview", "--data", "order.json", "--filter", "data.total > 'x'")

        assert json.loads(changed.out) == {"text": "order.paid"}
        assert other.out == "not wanted\n"
        assert (faulty.code, "cannot be computed" in faulty.err) == (1, True)

    def test_event_types_are_put_listed_and_archived(self, cli, journal, tmp_path):
        (tmp_path / "order.json").write_text('{"type": "object"}', "utf-8")

        cli("event-types", "put", "order.created", "--description", "placed", "--schema", "order.json")
        cli("event-types", "put", "order.created", "--archive")
        shown = cli("event-types", "show", "order.created").json

        assert cli("event-types", "list", "--json").out == ""
        assert cli("event-types", "list", "--archived", "--json").json["name"] == "order.created"
        assert (shown["description"], shown["schema"]) == ("placed", {"type": "object"})

    def test_forward_rules_are_added_listed_and_deleted(self, cli, journal):
        added = cli(
            "forward-rules", "add", "--source", "github:*", "--event", "push", "--event", "issues"
        ).json
        listed = cli("forward-rules", "list")
        deleted = cli("forward-rules", "delete", added["id"])

        assert (added["events"], added["message_type"]) == (["push", "issues"], "{provider}.{type}")
        assert added["id"] in listed.out
        assert (deleted.code, cli("forward-rules", "list", "--json").out) == (0, "")

    def test_a_database_that_is_not_there_is_not_made(self, cli, tmp_path):
        ended = cli("events", "list", "--database-url", "sqlite:///misspelt.db")

        assert ended.code == 3
        assert "There is no database at misspelt.db" in ended.err
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("options", "code"),
        [
            (("--url", "http://127.0.0.1:9"), 7),
            (("--url", "127.0.0.1:8000"), 2),
            (("--url", "http://127.0.0.1:9", "--db", "sqlite:///x.db"), 2),
            (("--db", "mysql://root@localhost/x"), 78),
            (("--db", "nonsense"), 78),
        ],
    )
    def test_what_cannot_be_asked_is_told(self, cli, options, code):
        ended = cli("events", "list", *options)

        assert (ended.code, ended.out) == (code, "")
        assert ended.err.startswith("error: ")


def test_a_cell_that_a_spreadsheet_would_run_is_text():
    assert [_harmless(value) for value in ("=1+1", "+1", "-1", "@x", "a=1")] == [
        "'=1+1",
        "'+1",
        "'-1",
        "'@x",
        "a=1",
    ]
    assert [_harmless(value) for value in (None, -1, ["=1"], True)] == ["", "-1", '["=1"]', "true"]


@pytest.mark.parametrize(
    ("passed", "told"),
    [
        (timedelta(), "now"), (timedelta(seconds=30), "30 s"), (timedelta(minutes=5), "5 min"),
        (timedelta(hours=3), "3 h"), (timedelta(days=2), "2 d"),
        (-timedelta(minutes=5, seconds=1), "in 5 min"),
    ],
)  # fmt: skip
def test_times_are_told_from_now(passed, told):
    assert _ago(datetime.now(UTC) - passed) == told


def test_the_facade_of_the_third_guide_writes_the_same_journal(cli, tmp_path):
    with WebhookManager(db_path=str(tmp_path / "webhooks.db")) as manager:
        manager.register_webhook(url="https://hooks.example.com/orders", events=["order.*"])

    assert cli("endpoints", "list", "--json").objects[0]["events"] == ["order.*"]
