"""One running platform, built from settings; here clock, randomness and environment enter. Floor 7."""

from smart_api_integrations.application.configuration import settings_from_surroundings
from smart_api_integrations.application.platform import Platform
from smart_api_integrations.application.publish import publish
from smart_api_integrations.application.webhooks import Webhooks

__all__ = ["Platform", "Webhooks", "publish", "settings_from_surroundings"]
