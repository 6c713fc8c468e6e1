"""Flask's adapter keeps every promise of a way in."""

from __future__ import annotations

from flask import Flask

from smart_api_integrations.frameworks.flask import register_webhook_routes
from smart_api_integrations.testing.framework_conformance import FrameworkConformance


class TestFlask(FrameworkConformance):
    def make_app(self, handlers=None, **options):
        app = Flask("host")
        register_webhook_routes(app, handlers, **options)
        return app
