"""Every way in, to be included at the root. Floor 9.

``path("", include("smart_api_integrations.frameworks.django.urls"))``, and then
``reverse("smart_api_integrations:webhook-default", kwargs={"provider": "github"})`` is ``/webhooks/github/``,
``webhook-named`` takes ``webhook_name`` too; a path that a YAML file names is ``webhook-<provider>-<name>``.
"""

from smart_api_integrations.frameworks.django.views import webhook_routes

app_name = "smart_api_integrations"
urlpatterns = webhook_routes()
