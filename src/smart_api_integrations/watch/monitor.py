"""The monitor: checks the platform now and then, and tells channels what is wrong. Floor 6.

Theory of operation:

1. Of all processes that have the role ``monitor`` one checks at a time, the holder of a lease in the store;
   where it dies, another one goes on within three checks.
2. A check reads kept counters and small tables only. What it found is written before anybody is told, with
   what is still to be told; who crashes in between is followed by one who tells it. So channels are told at
   least once, and ``core.alerts`` says when at all.
3. A channel that fails is tried again at the next check, up to ``LONGEST_TELLING`` after the news; the others
   are told meanwhile, each once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo

from smart_api_integrations.core.alerts import (
    WINDOW,
    Alert,
    Finding,
    Measures,
    News,
    Severity,
    Thresholds,
    findings,
    moved_on,
)
from smart_api_integrations.core.rhythm import (
    HOUR,
    WEEKS,
    Expected,
    Rhythm,
    missing_by_hand,
    missing_by_rhythm,
    rhythms,
)
from smart_api_integrations.errors import DeliveryError, StorageUnavailable
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.telemetry import StoreFailed, Telemetry
from smart_api_integrations.watch.channels import Channel

logger = logging.getLogger(__name__)

TASK = "monitor"
LEARN_AGAIN = timedelta(hours=1)
LONGEST_TELLING = timedelta(hours=6)
MOST_EXACT = 200
KEPT_COUNTS = timedelta(weeks=WEEKS + 1)
KEPT_ALERTS = timedelta(days=90)
TAKEN = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorRules:
    """What the monitor is told from outside.

    Attributes:
        owner: This process, different for every start.
        every: How often it checks.
        cooldown: How long nobody is told that an alert opened again.
        expected: What must come, set by hand, with the hours of *zone*.
    """

    owner: str
    new_id: Callable[[str], str]
    every: timedelta = timedelta(minutes=1)
    cooldown: timedelta = timedelta(hours=1)
    expected: Sequence[Expected] = ()
    zone: tzinfo = UTC
    thresholds: Thresholds = field(default_factory=Thresholds)


class Monitor:
    """One process's monitor."""

    def __init__(
        self, journal: Journal, channels: Sequence[Channel], telemetry: Telemetry, *, rules: MonitorRules
    ) -> None:
        """Watch *journal*, and tell *channels*."""
        self._journal = journal
        self._channels = channels
        self._telemetry = telemetry
        self._rules = rules
        self._rhythms: Sequence[Rhythm] = ()
        self._learned_at: datetime | None = None
        self._loop: asyncio.Task[None] | None = None
        self._checking = asyncio.Lock()

    @property
    def channels(self) -> Sequence[Channel]:
        """Who is told."""
        return self._channels

    def start(self) -> None:
        """Begin to check, in this event loop."""
        self._loop = asyncio.create_task(self._forever())

    async def stop(self) -> None:
        """Stop, and leave the next check to another process. Idempotent."""
        loop, self._loop = self._loop, None
        if loop is None:
            return
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)
        try:
            await self._journal.watch.give_turn_back(TASK, owner=self._rules.owner)
        except StorageUnavailable as error:
            self._telemetry.tell(StoreFailed("monitor", str(error)))

    async def _forever(self) -> None:
        while True:
            try:
                await self.check()
            except StorageUnavailable as error:
                self._telemetry.tell(StoreFailed("monitor", str(error)))
            except Exception:
                logger.exception("A check failed", extra={"action": "monitor"})
            await asyncio.sleep(self._rules.every.total_seconds())

    async def check(self) -> Sequence[Alert]:
        """Check once, if it is this process's turn; return the alerts that changed.

        Raises:
            StorageUnavailable: The store is away; what is to be told is told later.
        """
        async with self._checking:
            return await self._check()

    async def _check(self) -> Sequence[Alert]:
        watch, rules = self._journal.watch, self._rules
        if not await watch.take_turn(TASK, owner=rules.owner, lease=3 * rules.every):
            return ()
        now = self._journal.now()
        measures = await self._measures(now)
        known = await watch.current_alerts(ended_within=rules.cooldown + LONGEST_TELLING)
        changed = moved_on(
            known,
            findings(measures, rules.thresholds),
            now=now,
            cooldown=rules.cooldown,
            new_id=rules.new_id,
        )
        await watch.save_alerts(changed)
        ids = {alert.id for alert in changed}
        await self._tell([*changed, *(alert for alert in known if alert.id not in ids)], now)
        return changed

    async def test(self) -> dict[str, str]:
        """Tell every channel of an alert that is none; return what each answered."""
        now = self._journal.now()
        alert = Alert(
            id=self._rules.new_id("alr_"),
            rule="test",
            subject="this is a test",
            severity=Severity.WARNING,
            title="Alerts arrive here",
            message="Somebody asked for a test. Nothing is wrong.",
            opened_at=now,
            seen_at=now,
        )
        answers = await asyncio.gather(*(_told(channel, alert, News.TEST) for channel in self._channels))
        return dict(zip((channel.name for channel in self._channels), answers, strict=True))

    async def _measures(self, now: datetime) -> Measures:
        journal = self._journal
        if self._learned_at is None or now - self._learned_at >= LEARN_AGAIN:
            self._rhythms = rhythms(await journal.watch.arrivals(since=timedelta(weeks=WEEKS)))
            self._learned_at = now
            await journal.watch.forget(counts=KEPT_COUNTS, alerts=KEPT_ALERTS)
        statistics, backlog, gates, endpoints = await asyncio.gather(
            journal.watch.statistics(since=WINDOW),
            journal.work.backlog(),
            journal.gates.gates(),
            journal.endpoints.endpoints(),
        )
        return Measures(
            now=now,
            statistics=statistics,
            backlog=backlog,
            gates=gates,
            disabled={each.id: each.disabled_reason for each in endpoints if each.disabled_reason},
            silences=[*await self._by_hand(now), *await self._by_rhythm(now)],
        )

    async def _by_hand(self, now: datetime) -> Sequence[Finding]:
        found: list[Finding] = []
        for expected in self._rules.expected:
            since = expected.window(now, self._rules.zone)
            if since is None:
                continue
            newest = await self._journal.watch.last_arrivals(
                expected.provider, expected.event_type, limit=expected.count
            )
            finding = missing_by_hand(expected, sum(moment >= since for moment in newest))
            found.extend([] if finding is None else [finding])
        return found

    async def _by_rhythm(self, now: datetime) -> Sequence[Finding]:
        """Judge by the counters first, and only what is then in doubt by the very last event."""
        found: list[Finding] = []
        for rhythm in self._rhythms:
            if not rhythm.is_known(now) or len(found) >= MOST_EXACT:
                continue
            at_most = datetime.fromtimestamp(max(rhythm.hours) * HOUR.total_seconds(), UTC)
            if missing_by_rhythm(rhythm, at_most, now) is None:
                continue
            newest = await self._journal.watch.last_arrivals(rhythm.provider, rhythm.event_type or None)
            finding = missing_by_rhythm(rhythm, newest[0] if newest else at_most + HOUR, now)
            found.extend([] if finding is None else [finding])
        return found

    async def _tell(self, alerts: Sequence[Alert], now: datetime) -> None:
        """Tell what is untold, and note who took it."""
        for alert in alerts:
            news = alert.untold
            if news is None:
                continue
            waiting = [each for each in self._channels if alert.told.get(f"{news}:{each.name}") != TAKEN]
            answers = await asyncio.gather(*(_told(channel, alert, news) for channel in waiting))
            told = {f"{news}:{each.name}": answer for each, answer in zip(waiting, answers, strict=True)}
            since = alert.resolved_at or alert.opened_at
            over = all(answer == TAKEN for answer in answers) or now - since > LONGEST_TELLING
            after = replace(
                alert,
                told={**alert.told, **told},
                untold=None if over else news,
                notified_at=now if TAKEN in answers or not self._channels else alert.notified_at,
            )
            await self._journal.watch.save_alerts([after])
            logger.warning(
                "Alert: %s", alert.title, extra={"action": "alert", "alert_id": alert.id, "news": str(news)}
            )


async def _told(channel: Channel, alert: Alert, news: News) -> str:
    """Return ``ok``, or why *channel* did not take it."""
    try:
        await channel.tell(alert, news)
    except DeliveryError as error:
        logger.warning(
            "A channel did not take an alert",
            extra={"action": "alert", "channel": channel.name, "code": error.code},
        )
        return f"{error.stage}: {error}"
    return TAKEN
