"""How the monitor and its channels are built. Floor 7."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from smart_api_integrations.core.rhythm import read_expected
from smart_api_integrations.errors import ConfigurationError, InvalidInput
from smart_api_integrations.network.http_transport import HttpTransport
from smart_api_integrations.receive.handling import Surroundings
from smart_api_integrations.settings import Settings
from smart_api_integrations.storage.protocols import Journal
from smart_api_integrations.telemetry import Telemetry
from smart_api_integrations.watch.channels import (
    Channel,
    ChatChannel,
    EmailChannel,
    WebhookChannel,
    discord_form,
    slack_form,
)
from smart_api_integrations.watch.monitor import Monitor, MonitorRules

_MAIL_SCHEMES = ("smtp://", "smtps://")


def build_monitor(
    settings: Settings, journal: Journal, transport: HttpTransport, *, telemetry: Telemetry, own: Surroundings
) -> Monitor:
    """Return what watches *journal*.

    Raises:
        ConfigurationError: A channel lacks something, or what is expected cannot be read.
    """
    try:
        expected = tuple(read_expected(text) for text in settings.expected_webhooks)
        zone = ZoneInfo(settings.alerts_timezone)
    except InvalidInput as error:
        raise ConfigurationError(str(error)) from error
    except (ZoneInfoNotFoundError, ValueError) as error:
        message = (
            f"WEBHOOKS_ALERTS_TIMEZONE: {settings.alerts_timezone!r} is no time zone; write Europe/Berlin."
        )
        raise ConfigurationError(message) from error
    return Monitor(
        journal,
        build_channels(settings, journal, transport),
        telemetry,
        rules=MonitorRules(
            owner=f"monitor-{secrets.token_hex(8)}",
            new_id=own.new_id,
            every=timedelta(seconds=settings.alerts_every_seconds),
            cooldown=timedelta(seconds=settings.alerts_cooldown_seconds),
            expected=expected,
            zone=zone,
        ),
    )


def build_channels(settings: Settings, journal: Journal, transport: HttpTransport) -> Sequence[Channel]:
    """Return the channels that *settings* name.

    Raises:
        ConfigurationError: One lacks something.
    """
    channels: list[Channel] = []
    for name, url, form in (
        ("slack", settings.alerts_slack_url, slack_form),
        ("discord", settings.alerts_discord_url, discord_form),
    ):
        if url is not None:
            channels.append(
                ChatChannel(name=name, url=url.get_secret_value(), transport=transport, form=form)
            )
    if settings.alerts_webhook_url is not None:
        if settings.alerts_webhook_secret is None:
            message = (
                "WEBHOOKS_ALERTS_WEBHOOK_URL is set: set WEBHOOKS_ALERTS_WEBHOOK_SECRET too, to sign with."
            )
            raise ConfigurationError(message)
        channels.append(
            WebhookChannel(
                url=settings.alerts_webhook_url,
                secret=settings.alerts_webhook_secret.get_secret_value(),
                transport=transport,
                now=journal.now,
            )
        )
    if settings.alerts_email_to:
        channels.append(_email(settings))
    return channels


def _email(settings: Settings) -> EmailChannel:
    server = "" if settings.smtp_url is None else settings.smtp_url.get_secret_value()
    if not server.startswith(_MAIL_SCHEMES):
        message = (
            "WEBHOOKS_ALERTS_EMAIL_TO is set: name the mail server too, WEBHOOKS_SMTP_URL=smtp://host:587."
        )
        raise ConfigurationError(message)
    sender = settings.alerts_email_from or settings.alerts_email_to[0]
    return EmailChannel(server=server, sender=sender, recipients=settings.alerts_email_to)
