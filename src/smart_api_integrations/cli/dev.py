"""``webhooks dev``: a server to develop with, that prints each event as a line as it comes. Floor 10."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import nullcontext, redirect_stdout
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from smart_api_integrations.cli.dev_secret import secrets_to_set
from smart_api_integrations.cli.options import DatabaseUrl, Handlers, Json, Port, ProvidersDir
from smart_api_integrations.cli.serve import import_handlers
from smart_api_integrations.cli.tables import harmless

if TYPE_CHECKING:
    from smart_api_integrations.application.platform import Platform
    from smart_api_integrations.telemetry import AttemptFinished, EventAccepted, EventRejected


def dev(
    port: Port = None,
    handlers: Handlers = None,
    providers: ProvidersDir = None,
    database_url: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Run a server for development: no account, no configuration, every event a line.

    It listens at 127.0.0.1 alone. Senders whose secret is not set get one that is made for this folder, in
    .webhooks-dev-secret, and `webhooks trigger` signs with it here. Deliveries may reach this machine.

    Examples:

        webhooks dev
        webhooks dev --handlers shop.webhooks --port 9000
        webhooks dev --json
    """
    import uvloop

    from smart_api_integrations.application.configuration import settings_from_surroundings
    from smart_api_integrations.server.serve import serve

    settings = settings_from_surroundings(
        host="127.0.0.1",
        port=port,
        handlers=handlers,
        providers_dir=providers,
        database_url=database_url,
        allowed_networks=os.environ.get("WEBHOOKS_ALLOWED_NETWORKS") or "127.0.0.0/8,::1/128",
    )
    made = secrets_to_set(settings.providers_dir)
    os.environ.update(made)
    import_handlers(settings.handlers)
    lines = _Lines(as_json=as_json)

    def ready(platform: Platform, url: str) -> None:
        lines.follow(platform)
        _greet(platform, url, made=len(made), as_json=as_json)

    aside = redirect_stdout(sys.stderr) if as_json else nullcontext()  # handlers print what they like
    with aside, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings, ready=ready))


def _greet(platform: Platform, url: str, *, made: int, as_json: bool) -> None:
    """Say where to send; where lines are for programs, on the side."""
    typer.echo(
        f"Ready. Dashboard: {url}/   Ways in: {url}/webhooks/<provider>\n"
        f"Store: {platform.settings.database_url.rpartition('@')[2]}   Handlers: {len(platform.handlers)}   "
        f"Senders: {len(platform.webhooks)}   Secrets made for development: {made}\n"
        f"Try it in another terminal: webhooks trigger github push --to {url}",
        err=as_json,
    )
    sys.stdout.flush()


class _Lines:
    """Prints what happens: what came in, what was refused, what ran and what was sent."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._out = sys.stdout

    def follow(self, platform: Platform) -> None:
        from smart_api_integrations.telemetry import AttemptFinished, EventAccepted, EventRejected

        platform.telemetry.subscribe(EventAccepted, self._accepted)
        platform.telemetry.subscribe(EventRejected, self._rejected)
        platform.telemetry.subscribe(AttemptFinished, self._finished)

    def _accepted(self, told: EventAccepted) -> None:
        event = told.event
        kind = event.event_type or "-"
        self._print(
            what="duplicate" if told.duplicate else "accepted",
            source=_source(event.provider, event.webhook_name),
            event=f"{kind}.{event.action}" if event.action else kind,
            detail=f"{event.id}  {len(event.body)} bytes",
        )

    def _rejected(self, told: EventRejected) -> None:
        rejection = told.rejection
        self._print(
            what=f"{rejection.status_code} refused",
            source=_source(rejection.provider, rejection.webhook_name),
            event="-",
            detail=f"{rejection.reason}: {rejection.detail}",
        )

    def _finished(self, told: AttemptFinished) -> None:
        attempt, work = told.outcome.attempt, told.outcome.work
        self._print(
            what=f"{work.kind} {told.outcome.state}",
            source=work.target,
            event=f"attempt {attempt.number}",
            detail=f"{attempt.duration_ms:.0f} ms  {attempt.error_message or attempt.result or ''}".rstrip(),
        )

    def _print(self, **parts: str) -> None:
        now = datetime.now(UTC)
        if self._as_json:
            line = json.dumps({"at": now.isoformat(), **parts}, ensure_ascii=False)
        else:
            line = harmless(
                f"{now.astimezone():%H:%M:%S}  {parts['what']:<24}{parts['source']}  {parts['event']}  "
                f"{parts['detail']}"
            )
        self._out.write(line + "\n")
        self._out.flush()


def _source(provider: str, name: str) -> Any:
    return provider if name == "default" else f"{provider}/{name}"
