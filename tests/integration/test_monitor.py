"""From what happens to who is told: checks, channels, and several processes that watch one store."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from smart_api_integrations.application.platform import Platform
from smart_api_integrations.application.watching import build_channels
from smart_api_integrations.core.alerts import Alert, News, Severity
from smart_api_integrations.core.outbound_request import Answer, OutboundRequest
from smart_api_integrations.core.rhythm import read_expected
from smart_api_integrations.errors import ConfigurationError, DeliveryError
from smart_api_integrations.network.address_guard import AddressGuard
from smart_api_integrations.network.http_transport import HttpTransport
from smart_api_integrations.settings import Settings
from smart_api_integrations.storage import open_journal
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.storage.secret_cipher import SecretCipher
from smart_api_integrations.telemetry import Telemetry
from smart_api_integrations.testing.journal_cases.scene import ManualClock
from smart_api_integrations.watch.monitor import LONGEST_TELLING, Monitor, MonitorRules
from tests.journal_scenes import new_id, received, rejected
from tests.mail_server import running_mail_server
from tests.sink import SECRET, running_sink

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Ear:
    """A channel that remembers what it was told, and can be deaf."""

    def __init__(self, name: str = "ear") -> None:
        self.name = name
        self.heard: list[tuple[str, str]] = []
        self.deaf = False

    async def tell(self, alert: Alert, news: News) -> None:
        if self.deaf:
            message = "it answered 500"
            raise DeliveryError(message, stage="response")
        self.heard.append((str(news), alert.title))


class World:
    """A store on a clock that is moved by hand, and whoever watches it."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.folder = folder
        self.numbers = count(1)
        self.journals: list[Journal] = []

    async def journal(self) -> Journal:
        journal = open_journal(
            f"sqlite:///{self.folder}/w.db",
            new_id=lambda prefix: f"{prefix}{next(self.numbers):026d}",
            cipher=SecretCipher([b"k" * 32]),
            clock=self.clock,
        )
        await journal.open()
        self.journals.append(journal)
        return journal

    def monitor(self, journal: Journal, *channels: Any, **rules: Any) -> Monitor:
        owner = f"monitor-{next(self.numbers)}"
        given = MonitorRules(owner=owner, new_id=lambda prefix: f"{prefix}{next(self.numbers):026d}")
        return Monitor(journal, channels, Telemetry(), rules=replace(given, **rules))

    async def refusals(self, journal: Journal, number: int = 12) -> None:
        await journal.events.log_rejections([rejected(sampled=number, received_at=self.clock())])


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    here = World(folder)
    try:
        yield here
    finally:
        for journal in here.journals:
            await journal.close()


async def test_alert_opens_once_and_recovers_once(tmp_path: Path):
    async with world(tmp_path) as here:
        journal, ear = await here.journal(), Ear()
        monitor = here.monitor(journal, ear)
        await monitor.check()
        await here.refusals(journal)
        for _ in range(3):
            await monitor.check()
            here.clock.advance(minutes=1)
        here.clock.advance(minutes=20)
        for _ in range(5):
            await monitor.check()
            here.clock.advance(minutes=1)
        (alert,) = await journal.watch.alerts()

    title = "github: 12 requests did not verify"
    assert ear.heard == [("opened", title), ("recovered", title)]
    assert alert.resolved_at is not None
    assert alert.told == {"opened:ear": "ok", "recovered:ear": "ok"}


async def test_of_two_processes_one_tells_and_the_other_goes_on_when_it_died(tmp_path: Path):
    async with world(tmp_path) as here:
        journal, ear = await here.journal(), Ear()
        first, second = here.monitor(journal, ear), here.monitor(await here.journal(), ear)
        await here.refusals(journal)
        await first.check()
        idle = await second.check()
        here.clock.advance(minutes=4)
        await second.check()

    assert idle == ()
    assert len(ear.heard) == 1


async def test_restart_neither_forgets_nor_repeats(tmp_path: Path):
    async with world(tmp_path) as here:
        ear = Ear()
        journal = await here.journal()
        await here.refusals(journal)
        monitor = here.monitor(journal, ear)
        monitor.start()
        await monitor.check()
        await monitor.stop()
        again = here.monitor(await here.journal(), ear)
        await again.check()

    assert len(ear.heard) == 1


async def test_channel_that_failed_is_told_later_and_the_others_not_twice(tmp_path: Path):
    async with world(tmp_path) as here:
        journal, ear, other = await here.journal(), Ear(), Ear("other")
        monitor = here.monitor(journal, ear, other)
        await here.refusals(journal)
        ear.deaf = True
        await monitor.check()
        (alert,) = await journal.watch.alerts()
        here.clock.advance(minutes=1)
        ear.deaf = False
        await monitor.check()
        await monitor.check()

    assert alert.told == {"opened:ear": "response: it answered 500", "opened:other": "ok"}
    assert (len(ear.heard), len(other.heard)) == (1, 1)


async def test_channel_that_stays_away_is_given_up(tmp_path: Path):
    async with world(tmp_path) as here:
        journal, ear = await here.journal(), Ear()
        monitor = here.monitor(journal, ear)
        await here.refusals(journal)
        ear.deaf = True
        await monitor.check()
        here.clock.advance(seconds=LONGEST_TELLING.total_seconds() + 60)
        await monitor.check()
        ear.deaf = False
        await monitor.check()

    assert ear.heard == []


async def test_missing_webhooks_are_learned_from_three_weeks(tmp_path: Path):
    """An event every 10 minutes, then none: told within hours, not before, and over with the next event."""
    async with world(tmp_path) as here:
        journal, ear = await here.journal(), Ear()
        monitor = here.monitor(journal, ear)
        for _ in range(3 * 168):
            events = [
                (
                    received(
                        id=new_id("evt_"), received_at=here.clock(), dedupe_keys=(new_id("k").encode(),)
                    ),
                    (),
                )
                for _ in range(6)
            ]
            await journal.events.accept_all(events)
            here.clock.advance(hours=1)
        await monitor.check()
        quiet = list(ear.heard)
        here.clock.advance(hours=6)
        await monitor.check()
        told = list(ear.heard)
        await journal.events.accept(received(id=new_id("evt_"), received_at=here.clock()), ())
        for _ in range(5):
            here.clock.advance(minutes=1)
            await monitor.check()

    assert quiet == []
    assert sorted(title.partition(" webhook")[0] for _, title in told) == ["No github", "No github:push"]
    assert [news for news, _ in ear.heard[2:]] == ["recovered", "recovered"]


async def test_what_is_expected_by_hand_is_missed_within_its_hours(tmp_path: Path):
    async with world(tmp_path) as here:  # the clock stands at noon, on a Thursday
        journal, ear = await here.journal(), Ear()
        expected = (read_expected("github 2/1h 9-18 mon-fri"), read_expected("stripe 1/1h 20-23"))
        monitor = here.monitor(journal, ear, expected=expected)
        await journal.events.accept(received(received_at=here.clock() - timedelta(hours=2)), ())
        await journal.events.accept(received(received_at=here.clock()), ())
        await monitor.check()

    assert ear.heard == [("opened", "github: 1 of 2 expected webhooks")]


class Recorder:
    """Stands where the guarded client does, and notes what it is to send."""

    def __init__(self) -> None:
        self.sent: list[OutboundRequest] = []

    async def send(self, request: OutboundRequest, *, timeout: float) -> Answer:  # noqa: ASYNC109
        self.sent.append(request)
        return Answer(status=204, headers={})


def alert(**values: Any) -> Alert:
    given: dict[str, Any] = {
        "id": "alr_1",
        "rule": "error_rate",
        "subject": "stripe",
        "severity": Severity.CRITICAL,
        "title": "<!channel> stripe fails\r\nBcc: a@b.c",
        "message": "50 of 100 & <more>",
        "opened_at": NOON,
        "seen_at": NOON,
    } | values
    return Alert(**given)


def channels(transport: Any, **settings: Any) -> dict[str, Any]:
    journal = open_journal("sqlite:///never.db", new_id=new_id, cipher=SecretCipher([b"k" * 32]))
    return {each.name: each for each in build_channels(Settings(**settings), journal, transport)}


async def test_slack_and_discord_get_their_own_forms_and_nothing_pings_a_channel():
    recorder = Recorder()
    named = channels(
        recorder, alerts_slack_url="https://hooks.slack.com/x", alerts_discord_url="https://discord.com/x"
    )
    for channel in named.values():
        await channel.tell(alert(), News.OPENED)
    slack, discord = (json.loads(request.body) for request in recorder.sent)

    assert "<!channel>" not in json.dumps(slack)
    assert slack["attachments"][0]["title"].startswith("[Alert] &lt;!channel&gt; stripe fails")
    assert discord["allowed_mentions"] == {"parse": []}
    assert discord["embeds"][0]["description"] == "50 of 100 & <more>"


async def test_webhook_is_signed_and_goes_through_the_guarded_client():
    with running_sink() as sink:
        transport = HttpTransport(AddressGuard((ip_network("127.0.0.0/8"),)))
        named = channels(transport, alerts_webhook_url=sink.url, alerts_webhook_secret=SECRET)
        await named["webhook"].tell(alert(), News.RECOVERED)
        await transport.close()
        guarded = HttpTransport(AddressGuard(()))
        named = channels(guarded, alerts_webhook_url=sink.url, alerts_webhook_secret=SECRET)
        with pytest.raises(DeliveryError) as refused:
            await named["webhook"].tell(alert(), News.RECOVERED)
        await guarded.close()

    assert (sink.refused, refused.value.code) == (0, "address_blocked")
    assert sink.documents["alr_1.recovered"]["event"] == "alert.recovered"
    assert sink.documents["alr_1.recovered"]["data"]["rule"] == "error_rate"


async def test_mail_is_sent_and_a_refusal_is_told():
    with running_mail_server() as server:
        named = channels(Recorder(), alerts_email_to="ops@example.com", smtp_url=server.url)
        await named["email"].tell(alert(), News.OPENED)
        server.refuses = True
        with pytest.raises(DeliveryError, match="did not take it"):
            await named["email"].tell(alert(), News.OPENED)

    (mail,) = server.mails
    assert "Subject: [Alert] <!channel> stripe fails Bcc: a@b.c" in mail
    assert "To: ops@example.com" in mail
    assert "\nBcc:" not in mail


async def test_mail_server_that_is_away_is_told_without_its_password():
    named = channels(
        Recorder(), alerts_email_to="ops@example.com", smtp_url="smtp://user:hunter2@127.0.0.1:1"
    )

    with pytest.raises(DeliveryError) as raised:
        await named["email"].tell(alert(), News.OPENED)

    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"alerts_webhook_url": "https://example.com"}, "WEBHOOKS_ALERTS_WEBHOOK_SECRET"),
        ({"alerts_email_to": "a@b.c"}, "WEBHOOKS_SMTP_URL"),
        ({"alerts_email_to": "a@b.c", "smtp_url": "http://x"}, "WEBHOOKS_SMTP_URL"),
        ({"expected_webhooks": "stripe often"}, "stripe 1/1h 9-18 mon-fri"),
        ({"alerts_timezone": "Moon/Base"}, "no time zone"),
    ],
)
def test_settings_of_alerts_that_lack_something_stop_the_start(tmp_path: Path, settings: Any, told: str):
    with pytest.raises(ConfigurationError, match=told):
        Platform(Settings(database_url=f"sqlite:///{tmp_path}/w.db", **settings))


async def test_test_tells_every_channel_and_says_what_each_answered(tmp_path: Path):
    async with world(tmp_path) as here:
        ear, deaf = Ear(), Ear("deaf")
        deaf.deaf = True
        answers = await here.monitor(await here.journal(), ear, deaf).test()

    assert answers == {"ear": "ok", "deaf": "response: it answered 500"}
    assert ear.heard == [("test", "Alerts arrive here")]
