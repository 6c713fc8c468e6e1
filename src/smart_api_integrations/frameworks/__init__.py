"""Adapters: the ways in of Flask, Django, FastAPI and Starlette applications. Floor 9.

A framework is one file (Django, an application to install, one folder): its request becomes a
``HostRequest``, our ``Answer`` its response, and everything between is ``application.reception``.
"""

from smart_api_integrations.frameworks.routes import get_webhook_routes

__all__ = ["get_webhook_routes"]
