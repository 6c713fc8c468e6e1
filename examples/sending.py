"""A program that sends webhooks of its own: kept first, then delivered, signed, with retries.

export RECEIVER_SECRET=…
python sending.py https://example.com/hook
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from webhook_system import WebhookConfig, WebhookManager


def main(url: str, database: Path, secret: str, *, patience: float = 10.0) -> int:
    """Register *url*, send two events, and return how many arrived."""
    with WebhookManager(db_path=str(database)) as manager:
        webhook_id = manager.register_webhook(url=url, events=["order.*"], secret=secret)
        manager.trigger_event("order.created", {"order_id": "A-1042", "total": 99.5})
        manager.trigger_event("order.paid", {"order_id": "A-1042"}, metadata={"source": "shop"})
        known: WebhookConfig = manager.registry.webhooks[webhook_id]
        print(f"{known.url} gets {', '.join(known.events)}")
        return _arrived(manager, webhook_id, patience)


def _arrived(manager: WebhookManager, webhook_id: str, patience: float) -> int:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if (count := manager.get_webhook_stats(webhook_id)["successful"]) == 2:
            return count
        time.sleep(0.05)
    return manager.get_webhook_stats(webhook_id)["successful"]


if __name__ == "__main__":
    print(f"{main(sys.argv[1], Path('webhooks.db'), os.environ['RECEIVER_SECRET'])} arrived")
