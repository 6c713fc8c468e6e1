"""``webhooks replays``: doing finished or dead work again over a filter, as a job. Floor 10."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from smart_api_integrations.cli.asking import Desk, KeyFile, ServerUrl, open_desk
from smart_api_integrations.cli.faults import CommandFailed, Exit
from smart_api_integrations.cli.group import group
from smart_api_integrations.cli.options import DatabaseUrl, Json
from smart_api_integrations.cli.records import Limit, Records, Where
from smart_api_integrations.cli.tables import harmless
from smart_api_integrations.core.durations import moment_or_age
from smart_api_integrations.core.lifecycle import Kind, State
from smart_api_integrations.core.replay import OVER, Mode
from smart_api_integrations.errors import InvalidInput

program = group("Do finished or dead work again, over a filter: previewed, paced, and stopped at will.")
REPLAYS = Records(
    path="/api/replays", columns=("id", "created_at", "state", "kind", "mode", "done", "total", "note")
)
LOOK_SECONDS = 0.5
_BAR = 24
_SHOWN = 8

ReplayId = Annotated[str, typer.Argument(help="Its id, `rpl_…`.")]


@program.command("create")
def create_replay(
    kind: Annotated[
        Kind | None,
        typer.Option("--kind", help="Handlings of events, or deliveries.  [default: what the rest says]"),
    ] = None,
    mode: Annotated[
        Mode, typer.Option("--mode", help="Dead letters; what was never made; or all that is over.")
    ] = Mode.FAILED,
    event_type: Annotated[
        str | None, typer.Option("--event-type", "--event", help="A pattern, as in `order.*`.")
    ] = None,
    provider: Annotated[str | None, typer.Option("--provider", help="Only this sender's events.")] = None,
    endpoint: Annotated[str | None, typer.Option("--endpoint", help="Only to this endpoint, by id.")] = None,
    handler: Annotated[
        str | None, typer.Option("--handler", help="Only this handler, or a source: `provider:name`.")
    ] = None,
    status: Annotated[
        list[State] | None, typer.Option("--status", help="Which ends, with `--mode all`; repeatable.")
    ] = None,
    tenant: Annotated[str | None, typer.Option("--tenant", help="Only this tenant's.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="Not before: a time, or how long ago, `2h`.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", help="Not after; now where it is left out.")] = None,
    rate: Annotated[float | None, typer.Option("--rate", help="How much a second.  [default: 50]")] = None,
    note: Annotated[str, typer.Option("--note", help="Why; kept with the job.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what it would do, and do nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether to begin.")] = False,
    wait: Annotated[
        bool | None, typer.Option("--wait/--no-wait", help="Show how far it is.  [default: on a terminal]")
    ] = None,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Preview what would be done again, ask, and start a job; a running worker does it.

    Examples:

        webhooks replays create --kind delivery --since 2h
        webhooks replays create --endpoint ep_01JD8ZK3Y4E5F6G7H8J9K0M1N2 --mode missing --rate 20
        webhooks replays create --handler github:default --event-type push --dry-run
    """
    new = {
        "kind": _kind(kind, endpoint=endpoint, handler=handler or provider),
        "mode": mode,
        "event_type": event_type,
        "provider": provider,
        "target": endpoint or handler,
        "status": status or [],
        "tenant": tenant,
        "since": _time(since),
        "until": _time(until),
        "rate": rate,
        "note": note,
    }
    where = Where(url=url, database_url=database_url, key_file=key_file)
    follow = (sys.stdout.isatty() and not as_json) if wait is None else wait
    asyncio.run(_create(where, new, dry_run=dry_run, ask=not yes, follow=follow, as_json=as_json))


@program.command("list")
def list_replays(
    limit: Limit = 50,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """List jobs, newest first.

    Examples:

        webhooks replays list
    """
    where = Where(url=url, database_url=database_url, key_file=key_file)
    asyncio.run(REPLAYS.listed(where, limit=limit, as_json=as_json))


@program.command("show")
def show_replay(
    replay_id: ReplayId,
    wait: Annotated[bool, typer.Option("--wait", help="Show how far it is until it is over.")] = False,
    database_url: DatabaseUrl = None,
    url: ServerUrl = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Show one job, and what became of the work that it made due.

    Examples:

        webhooks replays show rpl_01JD8ZK3Y4E5F6G7H8J9K0M1N2 --wait
    """
    where = Where(url=url, database_url=database_url, key_file=key_file)
    asyncio.run(_show(where, replay_id, wait=wait, as_json=as_json))


def _moving(verb: str, summary: str, example: str) -> None:
    """Add the command that moves a job by *verb*."""

    def move(
        replay_id: ReplayId,
        database_url: DatabaseUrl = None,
        url: ServerUrl = None,
        key_file: KeyFile = None,
        as_json: Json = False,
    ) -> None:
        where = Where(url=url, database_url=database_url, key_file=key_file)
        job = asyncio.run(_move(where, replay_id, verb))
        typer.echo(json.dumps(job, ensure_ascii=False) if as_json else _line(job))

    move.__doc__ = f"{summary}\n\nExamples:\n\n    {example}\n"
    program.command(verb)(move)


_ID = "rpl_01JD8ZK3Y4E5F6G7H8J9K0M1N2"
_moving("pause", "Make nothing more due; what is due goes its way.", f"webhooks replays pause {_ID}")
_moving("resume", "Go on where a paused job was.", f"webhooks replays resume {_ID}")
_moving("cancel", "End a job where it is; it cannot go on.", f"webhooks replays cancel {_ID}")


def _kind(kind: Kind | None, *, endpoint: str | None, handler: str | None) -> Kind:
    """Return the kind that was named, or else the one that the rest speaks of."""
    if endpoint is not None and handler is not None:
        message = "--endpoint is of deliveries, --handler and --provider are of handlings: leave one out."
        raise InvalidInput(message)
    said = Kind.DELIVERY if endpoint is not None else Kind.HANDLING if handler is not None else None
    if kind is None and said is None:
        message = "Say what to do again: --kind handling or --kind delivery."
        raise InvalidInput(message)
    if kind is not None and said not in (None, kind):
        message = f"--kind {kind} does not go with what is named beside it, which is of a {said}."
        raise InvalidInput(message)
    return kind or said or Kind.DELIVERY


def _time(text: str | None) -> str | None:
    return None if text is None else moment_or_age(text, now=datetime.now(UTC)).isoformat()


async def _create(
    where: Where, new: Mapping[str, Any], *, dry_run: bool, ask: bool, follow: bool, as_json: bool
) -> None:
    async with open_desk(url=where.url, database_url=where.database_url, key_file=where.key_file) as desk:
        if dry_run or ask:
            counted = await desk.ask(REPLAYS.path, method="POST", body={**new, "dry_run": True})
            typer.echo(
                json.dumps(counted, ensure_ascii=False) if as_json and dry_run else _preview(counted),
                err=not dry_run,
            )
            if dry_run:
                return
            _confirm(counted)
        job = await desk.ask(REPLAYS.path, method="POST", body=new)
        typer.echo(json.dumps(job, ensure_ascii=False) if as_json else _line(job))
        if follow:
            await _follow(desk, job["id"])


def _confirm(counted: Mapping[str, Any]) -> None:
    """Ask whether to begin; who cannot be asked must have said so before.

    Raises:
        CommandFailed: The answer is no, or nobody can be asked, or there is nothing to do.
    """
    if not counted["total"]:
        message = "Nothing fits: there is nothing to do again."
        raise CommandFailed(message, code="nothing_fits", exit_code=Exit.NOT_FOUND)
    if not sys.stdin.isatty():
        message = "Nobody can be asked whether to begin."
        hint = "Say --yes, or look first with --dry-run."
        raise CommandFailed(message, code="not_confirmed", exit_code=Exit.USAGE, hint=hint)
    if not typer.confirm("Begin?", err=True):
        message = "Nothing was done."
        raise CommandFailed(message, code="not_confirmed", exit_code=Exit.FAILURE)


async def _show(where: Where, replay_id: str, *, wait: bool, as_json: bool) -> None:
    async with open_desk(url=where.url, database_url=where.database_url, key_file=where.key_file) as desk:
        if wait:
            await _follow(desk, replay_id)
        job = await desk.ask(f"{REPLAYS.path}/{replay_id}")
        typer.echo(json.dumps(job, ensure_ascii=False, indent=None if as_json else 2))


async def _move(where: Where, replay_id: str, verb: str) -> dict[str, Any]:
    async with open_desk(url=where.url, database_url=where.database_url, key_file=where.key_file) as desk:
        job: dict[str, Any] = await desk.ask(f"{REPLAYS.path}/{replay_id}/{verb}", method="POST")
    return job


async def _follow(desk: Desk, replay_id: str) -> None:
    """Write how far a job is until it is over. Ctrl-C stops looking, not the job.

    What it made due may be tried again for days, so that is not waited for.
    """
    last = ""
    while True:
        job = await desk.ask(f"{REPLAYS.path}/{replay_id}")
        line = progress(job)
        if sys.stderr.isatty():
            typer.echo(f"\r\x1b[K{line}", nl=False, err=True)
        elif line != last:
            typer.echo(line, err=True)
        last = line
        if job["state"] in OVER:
            break
        await asyncio.sleep(LOOK_SECONDS)
    if sys.stderr.isatty():
        typer.echo("", err=True)


def progress(job: Mapping[str, Any]) -> str:
    """Return how far *job* is, as a bar and in numbers."""
    passed, total = job["done"] + job["skipped"], max(job["total"], job["done"] + job["skipped"])
    filled = _BAR if job["state"] == "completed" else _BAR * passed // max(total, 1)
    became = job["outcomes"]
    more = "" if job["total_is_exact"] else "+"
    said = [f"{passed:,} of {total:,}{more}", f"{became['done']:,} done", f"{became['failed']:,} failed"]
    if became["open"]:
        said.append(f"{became['open']:,} under way")
    return f"[{'#' * filled}{'.' * (_BAR - filled)}] {', '.join(said)}; {job['state']}"


def _preview(counted: Mapping[str, Any]) -> str:
    """Return what a job would do, for people."""
    noun = "handling" if counted["kind"] == Kind.HANDLING else "delivery"
    nouns = noun if counted["total"] == 1 else {"handling": "handlings", "delivery": "deliveries"}[noun]
    more = "" if counted["total_is_exact"] else "at least "
    lines = [f"This would do {more}{counted['total']:,} {nouns} again."]
    for head, counts in (("of type", counted["event_types"]), ("for", counted["targets"])):
        for name, count in list(counts.items())[:_SHOWN]:
            lines.append(f"  {count:>9,}  {head} {harmless(name) or 'none'}")
        if len(counts) > _SHOWN:
            lines.append(f"  {'':>9}  and {len(counts) - _SHOWN} more")
    if counted["oldest_at"]:
        lines.append(f"The oldest is from {counted['oldest_at']}.")
    return "\n".join(lines)


def _line(job: Mapping[str, Any]) -> str:
    more = "" if job["total_is_exact"] else "+"
    return (
        f"{job['id']} is {job['state']}: {job['done']:,} of {job['total']:,}{more}, {job['rate']:g} a second"
    )
