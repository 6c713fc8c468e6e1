"""``webhooks alerts``: what was alarming, and trying who is told of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from smart_api_integrations.core.alerts import Alert, Severity
from tests.journal_scenes import open_platform
from tests.mail_server import running_mail_server


@pytest.fixture
def journal(tmp_path: Path, monkeypatch) -> str:
    """Keep one alert; return the journal's URL."""
    url = f"sqlite:///{tmp_path}/webhooks.db"
    monkeypatch.setenv("WEBHOOKS_DATABASE_URL", url)
    now = datetime.now(UTC)
    alert = Alert(
        id="alr_1",
        rule="backlog_age",
        subject="all",
        severity=Severity.WARNING,
        title="Work waits",
        message="Look.",
        opened_at=now,
        seen_at=now,
    )

    async def keep() -> None:
        async with open_platform(tmp_path) as platform:
            await platform.journal.watch.save_alerts([alert])

    asyncio.run(keep())
    return url


def test_alerts_are_listed(cli, journal):
    (listed,) = cli("alerts", "list", "--json").objects

    assert (listed["id"], listed["state"], listed["rule"]) == ("alr_1", "open", "backlog_age")
    assert "Work waits" in cli("alerts", "list").out


def test_test_mail_arrives(cli, journal, monkeypatch):
    with running_mail_server() as server:
        monkeypatch.setenv("WEBHOOKS_SMTP_URL", server.url)
        monkeypatch.setenv("WEBHOOKS_ALERTS_EMAIL_TO", "ops@example.com")
        ran = cli("alerts", "test", "--json")

    assert ran.objects == [{"email": "ok"}]
    assert "Subject: [Test] Alerts arrive here" in server.mails[0]


def test_channel_that_does_not_answer_is_told_by_the_exit_code(cli, journal, monkeypatch):
    monkeypatch.setenv("WEBHOOKS_SMTP_URL", "smtp://127.0.0.1:1")
    monkeypatch.setenv("WEBHOOKS_ALERTS_EMAIL_TO", "ops@example.com")

    ran = cli("alerts", "test")

    assert ran.code == 75
    assert "did not take it" in ran.out


def test_without_a_channel_it_says_how_to_have_one(cli, journal):
    ran = cli("alerts", "test")

    assert ran.code == 78
    assert "WEBHOOKS_ALERTS_SLACK_URL" in ran.err
