"""Django's adapter keeps every promise of a way in, by WSGI and by ASGI."""

from __future__ import annotations

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler

from smart_api_integrations.testing.framework_conformance import FrameworkConformance
from tests import django_host


class TestDjangoWsgi(FrameworkConformance):
    def make_app(self, handlers=None, **options):
        django_host.set_up()
        django_host.routed(handlers, **options)
        return WSGIHandler()


class TestDjangoAsgi(FrameworkConformance):
    interface = "asgi"
    bounds_slow_bodies = False  # its handler reads the whole body before a view is called
    reads_repeated_headers = runs_coroutines_at_home = True

    def make_app(self, handlers=None, **options):
        django_host.set_up()
        django_host.routed(handlers, asynchronous=True, **options)
        return ASGIHandler()
