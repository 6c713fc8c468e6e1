"""The journal: events, messages, work and endpoints on SQLite or PostgreSQL. Floor 3.

``protocols`` says what is promised; ``open_journal`` opens it.
"""

from smart_api_integrations.storage.opening import DEDUPE_WINDOW, open_journal

__all__ = ["DEDUPE_WINDOW", "open_journal"]
