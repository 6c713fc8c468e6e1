"""The server, broken on purpose: it says 200 before the event is committed.

The kill test must see this one lose events; a harness that cannot fail proves nothing.
"""

from __future__ import annotations

import asyncio
from typing import Any

from smart_api_integrations.cli import main
from smart_api_integrations.core.journal import Accepted
from smart_api_integrations.receive.gateway import Gateway

_keep = Gateway._keep
_begun: set[asyncio.Task[Any]] = set()


async def _acknowledge_first(gateway: Gateway, webhook: Any, event: Any) -> Accepted:
    task = asyncio.get_running_loop().create_task(_keep(gateway, webhook, event))
    _begun.add(task)
    task.add_done_callback(_begun.discard)
    return Accepted(event_id=event.id)


if __name__ == "__main__":
    Gateway._keep = _acknowledge_first  # type: ignore[method-assign, assignment]
    main()
