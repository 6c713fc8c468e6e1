"""What ``webhooks doctor`` looks at beside the configuration: the services, the store, the machine. Floor 6.

Each look yields findings; one that is not well says what to do. Nothing is changed.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from smart_api_integrations.core.journal import COUNT_LIMIT
from smart_api_integrations.errors import ConfigurationError, StorageUnavailable
from smart_api_integrations.settings import Settings
from smart_api_integrations.storage.inspection import Inspection, inspect_database
from smart_api_integrations.storage.secret_cipher import SecretCipher

SKEW_SECONDS = 2.0
BACKLOG_SECONDS = 300.0
LEASES_OVERDUE = 60.0
SERVICE_SECONDS = 3.0
LITTLE_SPACE, NO_SPACE = 2 * 2**30, 200 * 2**20
SQLITE = "sqlite:///"
_PORTS = {"redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671}


class Verdict(StrEnum):
    """How a finding is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: What was looked at, in a word.
        found: What was found.
        fix: What to do; empty where there is nothing to do.
    """

    verdict: Verdict
    what: str
    found: str
    fix: str = ""

    def as_text(self) -> str:
        """Return it as a line, and another one with what to do."""
        fix = f"\n{'':18}→ {self.fix}" if self.fix else ""
        return f"{self.verdict:<5} {self.what:<11} {self.found}{fix}"

    def as_json(self) -> dict[str, str]:
        """Return it as values for JSON."""
        return {name: str(value) for name, value in asdict(self).items()}


async def check_up(settings: Settings, *, cipher: Callable[[], SecretCipher]) -> AsyncIterator[Finding]:
    """Yield what is found on this machine and in the services that *settings* name.

    *cipher* returns what opens stored secrets, and raises ``ConfigurationError`` where there is no key.
    """
    opener: SecretCipher | None = None
    for finding in _files(settings):
        yield finding
    try:
        opener = None if _has_no_key_file(settings) else cipher()
        if opener is not None:
            yield Finding(Verdict.OK, "encryption", "there is a key for endpoints' secrets")
    except ConfigurationError as error:
        first, _, rest = str(error).partition("\n")
        yield Finding(
            Verdict.FAIL, "encryption", first, rest.replace("\n", " ").strip() or "See the setting."
        )
    for finding in await asyncio.to_thread(_store, settings, opener):
        yield finding
    for finding in await _services(settings):
        yield finding
    for finding in _outside(settings):
        yield finding


def key_file(settings: Settings) -> Path | None:
    """Return the file that the key is in where no setting holds one."""
    if settings.encryption_keys or not settings.database_url.startswith(SQLITE):
        return None
    database = _sqlite_file(settings)
    return database.with_name(database.name + ".key")


def _sqlite_file(settings: Settings) -> Path:
    return Path(settings.database_url.removeprefix(SQLITE).partition("?")[0])


def _has_no_key_file(settings: Settings) -> bool:
    file = key_file(settings)
    return file is not None and not file.exists()


def _files(settings: Settings) -> Iterator[Finding]:
    """Look at the files of an SQLite journal, and at the room on their disk."""
    if not settings.database_url.startswith(SQLITE):
        return
    database = _sqlite_file(settings)
    folder = database.parent
    if not folder.is_dir():
        yield Finding(Verdict.FAIL, "folder", f"{folder} is not there", f"mkdir -p {folder}")
        return
    for file in (database, key_file(settings)):
        if file is not None and file.exists() and file.stat().st_mode & 0o077:
            mode = f"{file.stat().st_mode & 0o777:o}"
            yield Finding(
                Verdict.FAIL, "permissions", f"others may read {file.name} (mode {mode})", f"chmod 600 {file}"
            )
    free = shutil.disk_usage(folder).free
    if free < LITTLE_SPACE:
        verdict = Verdict.FAIL if free < NO_SPACE else Verdict.WARN
        yield Finding(
            verdict, "disk", f"{free // 2**20} MiB are free for the journal", "Make room, or set a retention."
        )
    else:
        yield Finding(Verdict.OK, "disk", f"{free / 2**30:.0f} GiB are free for the journal")


def _store(settings: Settings, cipher: SecretCipher | None) -> list[Finding]:
    try:
        found = inspect_database(settings.database_url, cipher=cipher, overdue_after=LEASES_OVERDUE)
    except (StorageUnavailable, ConfigurationError) as error:
        fix = "See that it runs, and that WEBHOOKS_DATABASE_URL names it."
        return [Finding(Verdict.FAIL, "database", str(error), fix)]
    if found is None:
        return [Finding(Verdict.WARN, "database", "there is no file yet", "The first start makes it.")]
    return [*_database(found), *(_work(found) if found.is_current else ())]


def _database(found: Inspection) -> Iterator[Finding]:
    yield Finding(Verdict.OK, "database", f"{found.server} answers")
    if found.unsafe is not None:
        yield Finding(Verdict.FAIL, "durability", found.unsafe, "Set it and restart PostgreSQL.")
    if found.schema is None:
        yield Finding(Verdict.WARN, "schema", "there is none yet", "The first start makes it.")
    elif not found.is_current:
        yield Finding(
            Verdict.FAIL,
            "schema",
            f"it is at {found.schema}, this program's is {found.newest}",
            "Start a server of this version, which brings it up to date. If it is newer, install that one.",
        )
    else:
        yield Finding(Verdict.OK, "schema", f"up to date ({found.newest})")
    if abs(found.clock_skew_seconds) > SKEW_SECONDS:
        yield Finding(
            Verdict.WARN,
            "clock",
            f"the database's clock differs from this machine's by {found.clock_skew_seconds:+.1f} s",
            "Run a time service on both: signatures with a timestamp are judged by this machine's clock.",
        )
    else:
        yield Finding(Verdict.OK, "clock", "the database's and this machine's agree")


def _work(found: Inspection) -> Iterator[Finding]:
    waiting = f"{found.waiting}{'+' if found.waiting >= COUNT_LIMIT else ''} wait"
    if found.oldest_due_seconds > BACKLOG_SECONDS:
        yield Finding(
            Verdict.WARN,
            "backlog",
            f"{waiting}, the oldest due for {found.oldest_due_seconds:.0f} s",
            "Is a process with the role `worker` running? Look for paused or failing targets, or start more.",
        )
    else:
        yield Finding(Verdict.OK, "backlog", waiting)
    if found.overdue_leases:
        yield Finding(
            Verdict.FAIL,
            "leases",
            f"{found.overdue_leases} of dead workers ended more than {LEASES_OVERDUE:.0f} s ago",
            "No worker takes them back: start one (`webhooks serve --roles worker`).",
        )
    else:
        yield Finding(Verdict.OK, "leases", "none is left behind by a dead worker")
    if found.dead:
        yield Finding(
            Verdict.WARN, "dead", f"{found.dead} dead letters", "`webhooks dead-letters list` says why."
        )
    if found.unreadable:
        yield Finding(
            Verdict.FAIL,
            "encryption",
            f"the secrets of {found.unreadable} endpoints open with no key",
            "Add the older key after the newest one in WEBHOOKS_ENCRYPTION_KEYS.",
        )


async def _services(settings: Settings) -> list[Finding]:
    found = []
    broker = settings.broker_url.get_secret_value() if settings.broker_url else None
    for what, url, lost in (
        ("redis", settings.redis_url, "Limits hold per process, and the database wakes workers."),
        ("broker", broker, "Internal events wait in the journal until it is back."),
    ):
        if url is not None:
            found.append(await _service(what, url, lost))
    return found


async def _service(what: str, url: str, lost: str) -> Finding:
    """Look whether somebody listens where *url* says; nothing of it but host and port is told."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "localhost", parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return Finding(Verdict.FAIL, what, "its URL cannot be read", f"Mend WEBHOOKS_{what.upper()}_URL.")
    try:
        async with asyncio.timeout(SERVICE_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return Finding(Verdict.FAIL, what, f"{host}:{port} does not answer", f"Start it. {lost}")
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return Finding(Verdict.OK, what, f"{host}:{port} answers")


def _outside(settings: Settings) -> Iterator[Finding]:
    """Look at how others reach this server."""
    if settings.public_url is None:
        if not settings.is_loopback or settings.trusted_proxies:
            yield Finding(
                Verdict.WARN,
                "public url",
                "it is not set",
                "Set WEBHOOKS_PUBLIC_URL: some providers sign the URL that they call.",
            )
    elif settings.public_url.startswith("http://"):
        yield Finding(
            Verdict.WARN,
            "public url",
            "it is not HTTPS: whoever is on the way reads every event",
            "End TLS at a proxy, name it in WEBHOOKS_TRUSTED_PROXIES, and set https://….",
        )
    else:
        yield Finding(Verdict.OK, "public url", settings.public_url)
