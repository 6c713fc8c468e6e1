"""``webhooks demo``: a server with something going on, on a database that is thrown away. Floor 10."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import secrets
import signal
import sys
import webbrowser
from contextlib import redirect_stdout
from ipaddress import ip_network
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from smart_api_integrations.cli.options import Json

if TYPE_CHECKING:
    from smart_api_integrations.application.platform import Platform
    from smart_api_integrations.cli.demo_play import Player
    from smart_api_integrations.settings import Settings

EVENTS = 400
RATE = 4.0


def demo(
    port: Annotated[int, typer.Option("--port", "-p", help="Port to listen at.  [default: a free one]")] = 0,
    events: Annotated[int, typer.Option("--events", "-n", min=1, help="How many to play.")] = EVENTS,
    rate: Annotated[float, typer.Option("--rate", min=0.1, max=1000, help="How many a second.")] = RATE,
    once: Annotated[
        bool, typer.Option("--once", help="Stop when all is played and settled, and say what became of it.")
    ] = False,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the dashboard in a browser.")] = False,
    as_json: Json = False,
) -> None:
    """Show a lively dashboard: a server on a temporary database, with webhooks that are played to it.

    Eight senders, good events and forged, stale, broken and repeated ones, handlers that are slow or fail,
    and messages to endpoints of which one is slow and one is down. Nothing leaves this machine, nothing is
    asked for, and Ctrl-C removes it all.

    Examples:

        webhooks demo --open
        webhooks demo --events 50 --rate 50 --once --json
    """
    out = _Out(as_json=as_json)  # what handlers print goes aside
    with TemporaryDirectory(prefix="webhooks-demo-") as folder, redirect_stdout(sys.stderr):
        show = _Show(Path(folder), events=events, rate=rate, once=once, out=out)
        show.run(port, open_browser=open_browser)


class _Out:
    """Says what is going on: to people, or line by line to a program."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._out = sys.stdout

    def say(self, what: str, text: str, **facts: object) -> None:
        line = json.dumps({"what": what, **facts}) if self._as_json else text
        self._out.write(line + "\n")
        self._out.flush()


class _Show:
    """One demo."""

    def __init__(self, folder: Path, *, events: int, rate: float, once: bool, out: _Out) -> None:
        self._folder = folder
        self._events = events
        self._rate = rate
        self._once = once
        self._out = out
        self._dice = random.Random()  # noqa: S311 - a show, not a secret
        self._playing: asyncio.Task[None] | None = None

    def run(self, port: int, *, open_browser: bool) -> None:
        """Serve and play until it is told to stop, or is over."""
        import uvloop

        from smart_api_integrations.cli.demo_handlers import register_demo_handlers
        from smart_api_integrations.cli.dev_secret import for_unset
        from smart_api_integrations.server.serve import serve

        logging.getLogger("smart_api_integrations").setLevel(logging.CRITICAL)  # failing is part of the show
        settings = self._settings(port)
        os.environ.update(for_unset(settings.providers_dir, secrets.token_hex(32)))
        register_demo_handlers(self._dice)

        def ready(platform: Platform, url: str) -> None:
            self._greet(url)
            if open_browser:
                webbrowser.open(url + "/?range=1h")
            self._playing = asyncio.ensure_future(self._play(platform, url))

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings, ready=ready))
            if self._playing is not None and self._playing.done() and not self._playing.cancelled():
                self._playing.result()

    def _settings(self, port: int) -> Settings:
        from smart_api_integrations.settings import Settings

        return Settings(
            host="127.0.0.1",
            port=port,
            database_url=f"sqlite:///{self._folder / 'demo.db'}",
            providers_dir=str(self._folder / "providers"),
            allowed_networks=(ip_network("127.0.0.0/8"),),
            per_ip_per_minute=0,
            flood_per_minute=0,
            shutdown_seconds=2,
        )

    def _greet(self, url: str) -> None:
        self._out.say(
            "ready",
            f"Dashboard: {url}/?range=1h\nLive tail: {url}/live\n"
            f"Playing {self._events} events, about {self._rate:g} a second. Ctrl-C stops it and removes all.",
            url=url,
            dashboard=f"{url}/?range=1h",
            live=f"{url}/live",
        )

    async def _play(self, platform: Platform, url: str) -> None:
        from smart_api_integrations.application.surroundings import build_catalogue
        from smart_api_integrations.cli.demo_play import Player
        from smart_api_integrations.cli.demo_sink import demo_sink
        from smart_api_integrations.cli.sending import open_transport

        catalogue = build_catalogue(platform.settings, os.environ)
        player = Player(platform, catalogue, url=url, dice=self._dice)
        try:
            async with demo_sink(self._dice) as sink, open_transport() as transport:
                await player.add_endpoints(sink)
                await player.play(transport, events=self._events, rate=self._rate)
                if self._once:
                    await player.settle()
                await self._report(player)
                if not self._once:
                    await asyncio.Event().wait()  # the endpoints go on answering
        finally:
            if self._once:
                os.kill(os.getpid(), signal.SIGTERM)

    async def _report(self, player: Player) -> None:
        facts = await player.summary()
        told = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in facts.items())
        after = "" if self._once else "\nThe server goes on until Ctrl-C."
        self._out.say("played", f"All is played: {told}.{after}", **facts)
