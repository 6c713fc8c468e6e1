"""The dashboard: server-rendered pages over the journal, mountable under any prefix. Floor 8."""

from smart_api_integrations.dashboard.application import PATHS, create_dashboard

__all__ = ["PATHS", "create_dashboard"]
