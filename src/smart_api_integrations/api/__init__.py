"""The REST API: one file per resource, every error an RFC 9457 problem. Floor 8."""

from smart_api_integrations.api.application import create_api

__all__ = ["create_api"]
