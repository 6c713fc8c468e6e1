"""``webhooks replays``, and doing one thing again, on a database with dead work in it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from smart_api_integrations.cli.replays import progress
from tests.journal_scenes import Scene, open_platform


@pytest.fixture
def url(tmp_path: Path, cli, monkeypatch) -> str:
    """Fill a journal with two dead deliveries and a dead handling."""

    async def fill() -> None:
        async with open_platform(tmp_path) as platform:
            scene = Scene(platform=platform)
            await scene.endpoint("https://one.example.com/")
            await scene.event("shop.on_push")
            for event in ("order.created", "order.paid"):
                await scene.message(event)
            for one in await scene.claims():
                await scene.die(one)

    asyncio.run(fill())
    made = f"sqlite:///{tmp_path}/webhooks.db"
    monkeypatch.setenv("WEBHOOKS_DATABASE_URL", made)
    return made


def test_a_dry_run_says_what_would_be_done(cli, url):
    shown = cli("replays", "create", "--kind", "delivery", "--event-type", "order.*", "--dry-run")
    told = cli("replays", "create", "--kind", "delivery", "--since", "1h", "--dry-run", "--json").json

    assert shown.lines[0] == "This would do 2 deliveries again."
    assert "1  of type order.created" in shown.out
    assert told["total"] == 2
    assert cli("replays", "list", "--json").objects == []


def test_nothing_begins_that_nobody_said_yes_to(cli, url):
    asked = cli("replays", "create", "--kind", "delivery")
    nothing = cli("replays", "create", "--kind", "delivery", "--event-type", "user.*")

    assert (asked.code, asked.out) == (2, "")
    assert "--yes" in asked.err
    assert nothing.code == 3
    assert cli("replays", "list", "--json").objects == []


@pytest.mark.parametrize(("answer", "code", "jobs"), [("y\n", 0, 1), ("n\n", 1, 0)])
def test_a_person_is_asked(cli, url, monkeypatch, answer, code, jobs):
    class Person:
        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return answer

    monkeypatch.setattr(sys, "stdin", Person())
    monkeypatch.setattr("builtins.input", lambda _="": answer.strip())

    assert cli("replays", "create", "--kind", "delivery", "--no-wait").code == code
    assert len(cli("replays", "list", "--json").objects) == jobs


def test_a_job_is_started_shown_and_moved(cli, url):
    job = cli("replays", "create", "--handler", "github:default", "--yes", "--note", "DNS", "--json").json

    assert (job["kind"], job["target"], job["total"], job["note"]) == ("handling", "github:default", 1, "DNS")
    assert cli("replays", "pause", job["id"]).out.startswith(f"{job['id']} is paused: 0 of 1")
    assert cli("replays", "resume", job["id"], "--json").json["state"] == "running"
    assert cli("replays", "cancel", job["id"]).code == 0
    assert cli("replays", "resume", job["id"]).code == 2
    assert cli("replays", "show", job["id"], "--wait", "--json").json["outcomes"]["open"] == 0
    assert "cancelled" in cli("replays", "list").out
    assert cli("replays", "show", "rpl_none").code == 3


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--endpoint", "ep_1", "--handler", "a:b"),
        ("--kind", "handling", "--endpoint", "ep_1"),
        ("--kind", "delivery", "--since", "yesterday"),
        ("--kind", "delivery", "--rate", "0", "--yes"),
        ("--kind", "delivery", "--status", "delivered"),
    ],
)
def test_what_makes_no_sense_is_refused(cli, url, words):
    ended = cli("replays", "create", *words)

    assert ended.code == 2
    assert ended.err.startswith("error: ")


def test_one_thing_is_done_again(cli, url):
    delivery = cli("dead-letters", "list", "--kind", "delivery", "--json").objects[0]["id"]
    event = cli("events", "list", "--json").objects[0]["id"]

    assert cli("deliveries", "resend", delivery, "--json").json["status"] == "pending"
    assert cli("deliveries", "resend", delivery).code == 2
    assert cli("events", "replay", event).out.endswith("is due: github:default:shop.on_push\n")
    assert cli("events", "replay", "evt_none").code == 3


def test_a_bar_says_how_far_a_job_is():
    job: dict[str, Any] = {
        "state": "running", "done": 5, "skipped": 1, "total": 12, "total_is_exact": False,
        "outcomes": {"done": 3, "failed": 1, "open": 1, "other": 0},
    }  # fmt: skip

    assert progress(job) == ("[############............] 6 of 12+, 3 done, 1 failed, 1 under way; running")
    job |= {"state": "completed", "total": 0}
    assert progress(job).startswith("[########################] 6 of 6+")
