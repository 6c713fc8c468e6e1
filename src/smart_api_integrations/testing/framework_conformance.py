"""The proof of a framework's adapter: one class, one hook, every promise of a way in. Floor 10.

An adapter's whole test::

    class TestMyFramework(FrameworkConformance):
        def make_app(self, handlers=None, **options):
            app = MyFramework()
            register_webhook_routes(app, handlers, **options)
            return app

The application is called as servers call it, by WSGI or ASGI (``interface``), so that no framework's
own test client stands between. What an adapter cannot do is declared by it (``reads_repeated_headers``),
never guessed from its name.
"""

from __future__ import annotations

from smart_api_integrations.testing.framework_cases.answering import AnswerCases
from smart_api_integrations.testing.framework_cases.bodies import BodyCases
from smart_api_integrations.testing.framework_cases.greeting import GreetingCases, PatienceCases
from smart_api_integrations.testing.framework_cases.keeping import StoreCases
from smart_api_integrations.testing.framework_cases.refusing import RefusalCases
from smart_api_integrations.testing.framework_cases.routing import RouteCases

__all__ = ["FrameworkConformance"]


class FrameworkConformance(
    RefusalCases, BodyCases, RouteCases, AnswerCases, StoreCases, GreetingCases, PatienceCases
):
    """Every promise of a way in, to be inherited by an adapter's test class."""
