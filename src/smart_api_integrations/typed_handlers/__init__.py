"""Typed handler classes as source text: event methods, events and payload types. Floor 4."""

from smart_api_integrations.typed_handlers.handler_source import HandlerFile, handler_source

__all__ = ["HandlerFile", "handler_source"]
