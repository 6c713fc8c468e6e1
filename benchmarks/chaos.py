"""Two gateways and three workers on one PostgreSQL, under load, while all of it is killed and restarted.

    python benchmarks/chaos.py [--seconds 300] [--seed N] [--pause 3]

PostgreSQL and Redis are the script's own, so it may end them too. Every event is handled by a handler that
publishes a message, which is delivered to a sink here. Afterwards the disturbances end, what waits is
drained, and the books are balanced:

- every acknowledged event is kept, its handler ran, its message arrived;
- nothing is left over: no work waits or runs, none is a dead letter;
- what ran or arrived more than once is no more than what was under way at the disturbances;
- no lease of a dead worker stayed for longer than 60 s.

Exit code 0 where all of that holds.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

sys.path[:0] = [
    str(Path(__file__).resolve().parent.parent),
    str(Path(__file__).resolve().parent.parent / "src"),
]

import aiohttp
import psycopg
from aiohttp import web

from tests.own_services import OwnService, free_port, own_postgres, own_redis
from tests.posting import Posted, post
from tests.running_server import RunningServer, start_server

GATEWAYS, WORKERS, CLIENTS = 2, 3, 4
CONCURRENCY = 16
LEASE_SECONDS = 3.0
RECOVERY_SECONDS = 60.0
DRAIN_SECONDS = 120.0
PAUSE_BETWEEN_POSTS = 0.02

HANDLERS = """\
import asyncio
import os

from smart_api_integrations.webhooks import webhook_handler

NOTES = os.open(os.environ["NOTES"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


@webhook_handler("github", "pull_request", retries=50)
async def note(event):
    os.write(NOTES, f"{event.id}\\n".encode())
    await asyncio.sleep(0.03)
    return {"events": [{"type": "chaos.done", "data": {"event": event.id}}]}
"""


@dataclass(kw_only=True)
class Balance:
    """What came of it.

    Attributes:
        disturbances: How often each kind of thing was done.
        runs: How often the handler ran for an event.
        arrivals: How often a message for an event arrived.
        longest_orphaned: The longest that a lease stood beyond its end, in seconds.
        drained_after: Seconds from the last disturbance until nothing was left; None where that was never.
    """

    acknowledged: int = 0
    refused: int = 0
    disturbances: Counter[str] = field(default_factory=Counter)
    missing_events: int = 0
    never_handled: int = 0
    never_arrived: int = 0
    dead: int = 0
    runs: Counter[str] = field(default_factory=Counter)
    arrivals: Counter[str] = field(default_factory=Counter)
    longest_orphaned: float = 0.0
    drained_after: float | None = None

    @property
    def repeated_runs(self) -> int:
        """How often the handler ran again for an event that it had run for."""
        return sum(self.runs.values()) - len(self.runs)

    @property
    def repeated_arrivals(self) -> int:
        """How often a message arrived again; each time that an event was handled may have made one."""
        return sum(self.arrivals.values()) - len(self.arrivals)

    @property
    def most_repeated(self) -> int:
        """The bound: what a worker had when it was disturbed, and all of them when the database was."""
        hit = self.disturbances
        one = hit["kill worker"] + hit["hang worker"] + hit["stop worker"]
        return CONCURRENCY * (one + WORKERS * hit["restart postgres"])

    def faults(self) -> list[str]:
        """Return what was promised and does not hold."""
        checks = {
            "nothing was acknowledged": not self.acknowledged,
            f"{self.missing_events} acknowledged events are not kept": self.missing_events,
            f"{self.never_handled} events were never handled": self.never_handled,
            f"{self.never_arrived} messages never arrived": self.never_arrived,
            f"{self.dead} dead letters": self.dead,
            "it was not drained": self.drained_after is None,
            f"{self.repeated_runs} repeated runs, the bound is {self.most_repeated}": self.repeated_runs
            > self.most_repeated,
            f"{self.repeated_arrivals} repeated arrivals, the bound is {2 * self.most_repeated}": (
                self.repeated_arrivals > 2 * self.most_repeated
            ),
            f"a lease stood {self.longest_orphaned:.0f} s beyond its end": self.longest_orphaned
            + LEASE_SECONDS
            > RECOVERY_SECONDS,
        }
        return [fault for fault, holds in checks.items() if holds]


@dataclass(kw_only=True)
class Member:
    """One of the processes, at a port that it keeps."""

    role: str
    port: int
    is_busy: bool = False
    start: Callable[[], RunningServer]
    server: RunningServer | None = None

    async def up(self) -> None:
        """Start it, again and again while the database is away."""
        while self.server is None or self.server.process.poll() is not None:
            with contextlib.suppress(AssertionError):
                self.server = await asyncio.to_thread(self.start)

    def send(self, number: int) -> None:
        """Send it a signal, where it runs."""
        if self.server is not None and self.server.process.poll() is None:
            self.server.process.send_signal(number)

    async def gone(self) -> None:
        """Wait until it ended."""
        if self.server is not None:
            await asyncio.to_thread(self.server.process.wait, 60)
            if self.server.process.stdout is not None:
                self.server.process.stdout.close()
            self.server = None


class Chaos:
    """One run."""

    def __init__(self, folder: Path, postgres: OwnService, redis: OwnService, *, seed: int) -> None:
        """Have everything started; nothing is disturbed yet."""
        self._folder = folder
        self._postgres, self._redis = postgres, redis
        self._dice = random.Random(seed)
        self._database = f"postgresql://postgres@127.0.0.1:{postgres.port}/postgres"
        self._posted = Posted()
        self._restarting = asyncio.Lock()
        self.balance = Balance()
        self._members = [self._member(role) for role in ["gateway"] * GATEWAYS + ["worker"] * WORKERS]
        (folder / "chaos_handlers.py").write_text(HANDLERS, "utf-8")

    def _member(self, role: str) -> Member:
        port = free_port()
        environ = {
            "NOTES": str(self._folder / "notes"),
            "WEBHOOKS_HANDLERS": "chaos_handlers",
            "WEBHOOKS_REDIS_URL": f"redis://127.0.0.1:{self._redis.port}/0",
            "WEBHOOKS_LEASE_SECONDS": str(LEASE_SECONDS),
            "WEBHOOKS_WORKER_CONCURRENCY": str(CONCURRENCY),
            "WEBHOOKS_ENDPOINT_CONCURRENCY": str(CONCURRENCY),
            "WEBHOOKS_SHUTDOWN_SECONDS": "5",
        }
        options = ("--port", str(port), "--roles", role + (",api" if role == "gateway" else ",monitor"))

        def start() -> RunningServer:
            return start_server(self._database, folder=self._folder, environ=environ, options=options)

        return Member(role=role, port=port, start=start)

    async def run(self, *, seconds: float, pause: float) -> Balance:
        """Disturb for *seconds*, about every *pause*; then drain and balance."""
        try:
            await asyncio.gather(*(member.up() for member in self._members))
            async with self._sink() as url:
                await self._register(url)
                await self._load_and_disturb(seconds, pause)
        finally:
            await self._end()
        return self._balanced()

    async def _load_and_disturb(self, seconds: float, pause: float) -> None:
        posting = asyncio.create_task(self._post_on())
        watching = asyncio.create_task(self._watch_leases())
        try:
            await self._disturb(seconds, pause)
            posting.cancel()
            await asyncio.gather(posting, return_exceptions=True)
            await self._drain()
        finally:
            posting.cancel()
            watching.cancel()

    async def _disturb(self, seconds: float, pause: float) -> None:
        kinds: list[tuple[str, Callable[[], Awaitable[bool]], int]] = [
            ("kill worker", lambda: self._end_one("worker", signal.SIGKILL), 3),
            ("hang worker", lambda: self._hang("worker"), 2),
            ("stop worker", lambda: self._end_one("worker", signal.SIGTERM), 1),
            ("kill gateway", lambda: self._end_one("gateway", signal.SIGKILL), 2),
            ("hang gateway", lambda: self._hang("gateway"), 1),
            ("stop gateway", lambda: self._end_one("gateway", signal.SIGTERM), 1),
            ("restart postgres", lambda: self._restart(self._postgres, signal.SIGQUIT), 2),
            ("restart redis", lambda: self._restart(self._redis, signal.SIGKILL), 1),
        ]
        end = time.monotonic() + seconds
        under_way: set[asyncio.Task[None]] = set()
        bag: list[tuple[str, Callable[[], Awaitable[bool]]]] = []
        while time.monotonic() < end:
            if not bag:  # each kind as often as it weighs, in a random order
                bag = [(name, do) for name, do, weight in kinds for _ in range(weight)]
                self._dice.shuffle(bag)
            name, do = bag.pop()
            under_way.add(asyncio.create_task(self._do(name, do)))
            under_way = {task for task in under_way if not task.done()}
            await asyncio.sleep(self._dice.uniform(0.5, 1.5) * pause)
        await asyncio.gather(*under_way)

    async def _do(self, name: str, disturb: Callable[[], Awaitable[bool]]) -> None:
        if await disturb():
            self.balance.disturbances[name] += 1

    @contextlib.asynccontextmanager
    async def _one(self, role: str) -> AsyncIterator[Member | None]:
        """Take one that nothing is done to now; None where there is none."""
        free = [member for member in self._members if member.role == role and not member.is_busy]
        member = self._dice.choice(free) if free else None
        if member is None:
            yield None
            return
        member.is_busy = True
        try:
            yield member
        finally:
            member.is_busy = False

    async def _end_one(self, role: str, number: int) -> bool:
        async with self._one(role) as member:
            if member is None:
                return False
            member.send(number)
            await member.gone()
            await member.up()
            return True

    async def _hang(self, role: str) -> bool:
        """Stop it for longer than its leases, like a machine that swaps."""
        async with self._one(role) as member:
            if member is None:
                return False
            member.send(signal.SIGSTOP)
            await asyncio.sleep(LEASE_SECONDS + self._dice.uniform(1, 3))
            member.send(signal.SIGCONT)
            return True

    async def _restart(self, service: OwnService, number: int) -> bool:
        """End it, and start it again. To PostgreSQL SIGQUIT is a crash, which its start recovers from."""
        if self._restarting.locked():
            return False
        async with self._restarting:
            await asyncio.to_thread(service.stop, number)
            await asyncio.sleep(self._dice.uniform(0.2, 2))
            await asyncio.to_thread(service.start)
            return True

    async def _post_on(self) -> None:
        """Post as a provider does: again under the same id until it is acknowledged."""
        gateways = [member for member in self._members if member.role == "gateway"]

        async def client(number: int, session: aiohttp.ClientSession) -> None:
            turn = number
            while True:
                delivery = os.urandom(12).hex()
                while delivery not in self._posted.acknowledged:
                    turn += 1
                    port = gateways[turn % len(gateways)].port
                    await post(session, f"http://127.0.0.1:{port}", self._posted, delivery)
                    self.balance.refused += delivery not in self._posted.acknowledged
                    await asyncio.sleep(PAUSE_BETWEEN_POSTS)

        timeout = aiohttp.ClientTimeout(total=5)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            await asyncio.gather(*(client(number, session) for number in range(CLIENTS)))

    @contextlib.asynccontextmanager
    async def _sink(self) -> AsyncIterator[str]:
        async def take(request: web.Request) -> web.Response:
            message = await request.json()
            self.balance.arrivals[message["data"]["event"]] += 1
            return web.Response(status=204)

        app = web.Application()
        app.router.add_post("/hook", take)
        runner = web.AppRunner(app)
        await runner.setup()
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            yield f"http://127.0.0.1:{port}/hook"
        finally:
            await runner.cleanup()

    async def _register(self, url: str) -> None:
        body = {"url": url, "events": ["chaos.done"], "retry_schedule": [1] * 25}
        gateway = f"http://127.0.0.1:{self._members[0].port}"
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{gateway}/api/webhooks", json=body) as answer,
        ):
            assert answer.status < 300, await answer.text()

    async def _ask(self, statement: str) -> list[tuple[object, ...]]:
        async with await psycopg.AsyncConnection.connect(self._database, connect_timeout=5) as connection:
            return await (await connection.execute(statement)).fetchall()

    async def _watch_leases(self) -> None:
        """Note how long a lease stands beyond its end, by the database's clock."""
        statement = (
            "SELECT coalesce(max(extract(epoch from clock_timestamp()) - leased_until / 1e6), 0)"
            " FROM work WHERE leased_until IS NOT NULL"
        )
        while True:
            with contextlib.suppress(psycopg.Error):
                ((age,),) = await self._ask(statement)
                self.balance.longest_orphaned = max(self.balance.longest_orphaned, float(str(age)))
            await asyncio.sleep(0.5)

    async def _drain(self) -> None:
        for member in self._members:
            member.send(signal.SIGCONT)
            await member.up()
        began = time.monotonic()
        open_work = "SELECT count(*) FROM work WHERE due_at IS NOT NULL OR leased_until IS NOT NULL"
        while time.monotonic() - began < DRAIN_SECONDS:
            with contextlib.suppress(psycopg.Error):
                if (await self._ask(open_work)) == [(0,)]:
                    self.balance.drained_after = time.monotonic() - began
                    break
            await asyncio.sleep(0.3)
        kept = {row[0] for row in await self._ask("SELECT id FROM events")}
        ((dead,),) = await self._ask("SELECT count(*) FROM work WHERE state = 'failed'")
        self.balance.dead = int(str(dead))
        self.balance.missing_events = len(set(self._posted.acknowledged.values()) - kept)

    async def _end(self) -> None:
        for member in self._members:
            member.send(signal.SIGCONT)
            member.send(signal.SIGKILL)
            await member.gone()

    def _balanced(self) -> Balance:
        balance = self.balance
        ids = set(self._posted.acknowledged.values())
        notes = self._folder / "notes"
        balance.acknowledged = len(ids)
        balance.runs = Counter(notes.read_text().split() if notes.exists() else [])
        balance.never_handled = len(ids - balance.runs.keys())
        balance.never_arrived = len(ids - balance.arrivals.keys())
        return balance


def run(*, seconds: float, pause: float, seed: int) -> Balance:
    """Run everything in a folder of its own and return the balance."""
    with (
        tempfile.TemporaryDirectory() as name,
        own_postgres(Path(name)) as postgres,
        own_redis(Path(name)) as redis,
    ):
        chaos = Chaos(Path(name), postgres, redis, seed=seed)
        return asyncio.run(chaos.run(seconds=seconds, pause=pause))


def main() -> int:
    """Print the balance and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--pause", type=float, default=3)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    balance = run(seconds=options.seconds, pause=options.pause, seed=options.seed)
    shown = {
        "acknowledged events": balance.acknowledged,
        "posts that were refused or broken, and posted again": balance.refused,
        "disturbances": dict(balance.disturbances),
        "acknowledged and not kept": balance.missing_events,
        "never handled": balance.never_handled,
        "message never arrived": balance.never_arrived,
        "dead letters": balance.dead,
        "repeated runs (bound)": f"{balance.repeated_runs} ({balance.most_repeated})",
        "repeated arrivals (bound)": f"{balance.repeated_arrivals} ({2 * balance.most_repeated})",
        "longest that a lease stood beyond its end, s": round(balance.longest_orphaned, 1),
        "drained after, s": None if balance.drained_after is None else round(balance.drained_after, 1),
    }
    print(json.dumps(shown, indent=2))
    faults = balance.faults()
    for fault in faults:
        print("FAULT:", fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
