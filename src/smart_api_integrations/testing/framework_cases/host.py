"""What every case stands on: a provider, its signed requests, an application to send them to. Floor 10."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest

from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.testing.calling_apps import AsgiServer, Got, Server, WsgiServer

SECRET = "a secret of more than sixteen characters"  # noqa: S105 - of a sample
YAML = """\
webhooks:
  default:
    path: /api/hooks/forge/
    verification:
      scheme: hmac
      algorithm: sha256
      secret: {env: FORGE_WEBHOOK_SECRET}
      signature: {from: "{header:X-Forge-Signature}", encoding: hex}
    extract: {event_type: "{header:X-Forge-Event}", event_id: "{header:X-Forge-Id}"}
    body: {max_bytes: 100000, form_json_field: payload}
  releases: {path: /api/hooks/forge-releases}
  now: {mode: inline}
"""


class FrameworkCase:
    """One hook, ``make_app``, and a provider ``forge``: ``default``, ``releases`` and ``now``."""

    interface: ClassVar[Literal["wsgi", "asgi"]] = "wsgi"
    reads_repeated_headers: ClassVar[bool] = False
    """Capability: a header that was sent twice is seen twice, and not as one with a comma."""
    runs_coroutines_at_home: ClassVar[bool] = False
    """Capability: ``async`` handlers run in the event loop that serves the request."""

    bounds_slow_bodies: ClassVar[bool] = True
    """Capability: the adapter is asked before the whole body is there, so that it can lose patience."""

    tmp_path: Path

    def make_app(self, handlers: Mapping[str, object] | None = None, **options: Any) -> Any:
        """Return a host application with the ways in of *handlers* (None for all).

        *options* are settings by their names, ``database_url`` among them; or ``webhooks``.
        """
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def _own_surroundings(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        self.tmp_path = tmp_path
        self._ids = count(1)
        self._servers: list[Server] = []
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("FORGE_WEBHOOK_SECRET", SECRET)
        monkeypatch.delenv("WEBHOOKS_DATABASE_URL", raising=False)
        self.write_provider()
        get_webhook_registry().clear()
        try:
            yield
        finally:
            for server in self._servers:
                server.close()
            get_webhook_registry().clear()

    def write_provider(self, more: str = "") -> None:
        """Write the provider's YAML, with *more* webhooks in it."""
        folder = self.tmp_path / "providers" / "forge"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "webhook.yaml").write_text(YAML + more, "utf-8")

    def serve(self, app: Any = None, **how: Any) -> Server:
        """Return a server that runs *app*, or an application with every way in."""
        made = self.make_app() if app is None else app
        server: Server = AsgiServer(made, **how) if self.interface == "asgi" else WsgiServer(made)
        self._servers.append(server)
        return server

    def post(  # noqa: PLR0913 - a request has as many parts
        self,
        server: Server,
        *,
        target: str = "/webhooks/forge",
        payload: Any = None,
        body: bytes | None = None,
        event: str = "push",
        event_id: str | None = None,
        headers: Mapping[str, str | None] | None = None,
        more: tuple[tuple[str, str], ...] = (),
        method: str = "POST",
        cut: int | None = None,
        stall: int | None = None,
    ) -> Got:
        """Send a signed request; *headers* replace or, with None, take away, *more* are repeated ones.

        With *cut* the sender hangs up after so many bytes; with *stall* it stays on the line and is silent.
        """
        number = next(self._ids)
        document = {"ref": "main", "n": number} if payload is None else payload
        content = json.dumps(document).encode() if body is None else body
        named: dict[str, str | None] = {
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            "X-Forge-Event": event,
            "X-Forge-Id": event_id or f"delivery-{number}",
            "X-Forge-Signature": signature(content),
        }
        named |= headers or {}
        pairs = [(name, value) for name, value in named.items() if value is not None]
        return server.send(method, target, [*pairs, *more], content, cut=cut, stall=stall)

    @property
    def database_url(self) -> str:
        """A new SQLite file."""
        return f"sqlite:///{self.tmp_path}/webhooks.db"


def signature(body: bytes) -> str:
    """Return what the provider signs *body* with."""
    return hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def until(is_so: Callable[[], bool], *, seconds: float = 20.0) -> bool:
    """Return whether something becomes so before long; for what another thread does."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)  # another thread works; there is nothing here that it could wake
    return True
