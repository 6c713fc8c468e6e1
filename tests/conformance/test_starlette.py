"""The adapters of Starlette and FastAPI keep every promise of a way in."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.applications import Starlette

from smart_api_integrations.frameworks import fastapi, starlette
from smart_api_integrations.testing.framework_conformance import FrameworkConformance


class TestStarlette(FrameworkConformance):
    interface = "asgi"
    reads_repeated_headers = runs_coroutines_at_home = True

    def make_app(self, handlers=None, **options):
        app = Starlette()
        starlette.register_webhook_routes(app, handlers, **options)
        return app


class TestFastAPI(TestStarlette):
    def make_app(self, handlers=None, **options):
        app = FastAPI()
        fastapi.register_webhook_routes(app, handlers, **options)
        return app
