"""Alerts and statistics where people look: the API, the command line, the dashboard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from smart_api_integrations.core.alerts import Alert, News, Severity
from smart_api_integrations.core.journal import NewHandling
from smart_api_integrations.server.application import create_app
from tests.asgi_call import call
from tests.journal_scenes import new_id, open_platform, received, rejected

NOW = datetime.now(UTC)


async def ingest(scope, receive, send):
    raise AssertionError


@pytest.fixture
async def platform(tmp_path):
    async with open_platform(tmp_path, alerts_slack_url="https://hooks.slack.invalid/x") as opened:
        yield opened


@pytest.fixture
def app(platform):
    return create_app(platform, ingest=ingest)


def alert(**values: Any) -> Alert:
    given: dict[str, Any] = {
        "id": new_id("alr_"),
        "rule": "error_rate",
        "subject": "github",
        "severity": Severity.CRITICAL,
        "title": "github: 50% of handlings fail <script>",
        "message": "5 of 10 failed.",
        "opened_at": NOW - timedelta(hours=2),
        "seen_at": NOW,
    } | values
    return Alert(**given)


async def fill(platform: Any) -> list[Alert]:
    """Keep an alert that is open and one that is over, and let some events fare differently."""
    over = alert(
        severity=Severity.WARNING,
        title="Work waits for 7 minutes",
        resolved_at=NOW - timedelta(hours=1),
        notified_at=NOW,
        told={"opened:slack": "ok", "recovered:slack": "response: it answered 500"},
    )
    kept = [over, alert(untold=News.OPENED)]
    await platform.journal.watch.save_alerts(kept)
    handling = NewHandling(handler="github:default:shop.on_push", max_attempts=1)
    for number in range(3):
        keys = (f"key-{number}-of-the-event".encode(),)
        await platform.journal.events.accept(received(dedupe_keys=keys), [handling])
    await platform.journal.events.log_rejections([rejected(sampled=4)])
    return kept


async def test_api_lists_alerts_newest_first_in_pages(platform, app):
    over, open_ = await fill(platform)
    first = await call(app, "GET", "/api/alerts?limit=1")
    rest = await call(app, "GET", f"/api/alerts?before={open_.id}")

    (shown,) = first.json()
    assert (shown["id"], shown["state"], shown["severity"]) == (open_.id, "open", "critical")
    assert 'rel="next"' in first.headers["link"]
    (shown,) = rest.json()
    assert (shown["id"], shown["state"], shown["told"]["opened:slack"]) == (over.id, "resolved", "ok")


async def test_api_counts_each_providers_events_by_status(platform, app):
    await fill(platform)
    statistics = (await call(app, "GET", "/api/received/stats?hours=1")).json()
    other = (await call(app, "GET", "/api/received/stats?provider=stripe")).json()
    refused = await call(app, "GET", "/api/received/stats?hours=0")

    assert statistics == {
        "github": {
            "received": {"count": 3, "avg_processing_time": None},
            "verification_failed": {"count": 4, "avg_processing_time": None},
        }
    }
    assert other == {}
    assert refused.status == 422


async def test_api_tries_the_channels_and_says_what_each_answered(app):
    answer = await call(app, "POST", "/api/alerts/test", json_body={})

    assert answer.status == 200
    assert "could not be resolved" in answer.json()["channels"]["slack"]


async def test_page_shows_history_channels_and_statistics_escaped(platform, app):
    await fill(platform)
    page = (await call(app, "GET", "/alerts")).body.decode()

    assert "50% of handlings fail &lt;script&gt;" in page.replace("<wbr>", "")
    assert "<script>" not in page.split("<main", 1)[1]
    assert "Recovered" in page
    assert "slack was told: opened" in page.replace("<wbr>", "")
    assert "slack was not told: recovered (response: it answered 500)" in page.replace("<wbr>", "")
    assert "Send a test" in page
    assert "By source, last 24 hours" in page


async def test_page_of_nothing_says_how_to_begin(tmp_path: Path):
    async with open_platform(tmp_path) as platform:
        page = (await call(create_app(platform, ingest=ingest), "GET", "/alerts")).body.decode()

    assert "WEBHOOKS_ALERTS_SLACK_URL" in page
    assert "nothing was alarming" in page


async def test_button_of_the_page_sends_a_test_and_shows_the_answer(app):
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await call(app, "POST", "/alerts/test", headers=headers, body=b"")

    assert answer.status == 200
    assert "slack did not:" in answer.body.decode().replace("<wbr>", "")
