"""A process that only works: ``flask webhooks worker`` and ``manage.py webhook_worker``. Floor 9."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

from smart_api_integrations.application.reception import Reception
from smart_api_integrations.errors import ConfigurationError


def work_until_told(reception: Reception, *, say: Callable[[str], Any]) -> None:
    """Run handlers and deliveries until SIGINT or SIGTERM; what runs then may finish.

    Raises:
        ConfigurationError: There is no store, so there is no work; or the store's set-up cannot be used.
        StorageUnavailable: The store cannot be reached.
    """
    if reception.webhooks is None:
        message = "There is no store, so there is no work: name one with the setting database_url."
        raise ConfigurationError(message)
    told = threading.Event()
    with _on_signals(told.set), reception.webhooks:
        say("Working; stop with Ctrl-C.")
        told.wait()


@contextlib.contextmanager
def _on_signals(stop: Callable[[], None]) -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: stop()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
