"""``/metrics``, for Prometheus. Floor 9.

It tells how much goes on and at which endpoints, so it is guarded like the API: open to this machine alone,
or for a key (``authorization: {credentials: …}`` of a scrape configuration).
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from smart_api_integrations import __version__
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.watch.metrics import Metrics

PATH = "/metrics"


class MetricsPage:
    """An ASGI application that answers with every metric."""

    def __init__(self, platform: Platform) -> None:
        """Count for *platform*, which is not open yet."""
        sources = (f"{provider}:{name}" for provider, name in platform.webhooks)
        self._metrics = Metrics(
            platform.telemetry, platform.journal, sources=tuple(sources), version=__version__
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] not in {"GET", "HEAD"}:
            response = Response(status_code=405, headers={"Allow": "GET, HEAD"})
        else:
            accept = Headers(scope=scope).get("accept", "")
            body, content_type = await self._metrics.rendered(accept)
            response = Response(body, headers={"Content-Type": content_type})
        await response(scope, receive, send)
