"""The one loop that runs handlings and deliveries alike. Floor 5."""

from smart_api_integrations.work.worker import Worker, WorkerRules

__all__ = ["Worker", "WorkerRules"]
