"""The command line, ``webhooks`` and ``smart-api-integrations``: one file per command. Floor 10."""

from smart_api_integrations.cli.program import main

__all__ = ["main"]
