"""Where alerts go: Slack, Discord, a signed webhook, e-mail. Floor 6.

Everything but e-mail goes through the guarded client; the mail server is the one that the settings name,
and nothing that an alert holds changes whom it talks to. A channel's address is a credential: no message
shows it.
"""

from __future__ import annotations

import asyncio
import json
import smtplib
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from smart_api_integrations.core.alerts import Alert, News, Severity
from smart_api_integrations.core.outbound_request import Answer, OutboundRequest, signed_headers
from smart_api_integrations.errors import DeliveryError

TIMEOUT_SECONDS = 10.0
_HEADERS = {"Content-Type": "application/json", "Accept": "*/*", "User-Agent": "smart-api-integrations"}
_WORDS: Mapping[News, str] = {
    News.OPENED: "Alert",
    News.WORSE: "Worse",
    News.RECOVERED: "Recovered",
    News.TEST: "Test",
}
_DISCORD_COLOURS = {"good": 0x2E7D32, "warning": 0xF9A825, "danger": 0xC62828}


class Transport(Protocol):
    """What sends requests: ``network.http_transport.HttpTransport``."""

    async def send(self, request: OutboundRequest, *, timeout: float) -> Answer:  # noqa: ASYNC109
        """Send *request*; return the answer, or raise ``DeliveryError``."""


class Channel(Protocol):
    """One place that is told of alerts.

    ``name`` is ``slack``, ``discord``, ``webhook`` or ``email``.
    """

    @property
    def name(self) -> str:
        """What it is called."""

    async def tell(self, alert: Alert, news: News) -> None:
        """Tell of *news* about *alert*; return once the other side has taken it.

        Raises:
            DeliveryError: It was not taken.
        """


def headline(alert: Alert, news: News) -> str:
    """Return one line that says it."""
    return f"[{_WORDS[news]}] {alert.title}"


def _colour(alert: Alert, news: News) -> str:
    if news in {News.RECOVERED, News.TEST}:
        return "good"
    return "danger" if alert.severity is Severity.CRITICAL else "warning"


def _safe(text: str) -> str:
    """Return *text* without what Slack and Discord read as mentions or links."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "@\u200b")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatChannel:
    """A chat's incoming webhook, which takes JSON of its own form."""

    name: str
    url: str
    transport: Transport
    form: Callable[[Alert, News], Mapping[str, Any]]

    async def tell(self, alert: Alert, news: News) -> None:
        """See ``Channel.tell``."""
        body = json.dumps(self.form(alert, news)).encode()
        request = OutboundRequest(url=self.url, headers=_HEADERS, body=body)
        _check(await self.transport.send(request, timeout=TIMEOUT_SECONDS))


def slack_form(alert: Alert, news: News) -> Mapping[str, Any]:
    """Return what Slack's incoming webhooks take."""
    title = _safe(headline(alert, news))
    attachment = {
        "color": _colour(alert, news),
        "title": title,
        "text": _safe(alert.message),
        "fallback": title,
    }
    return {"attachments": [attachment]}


def discord_form(alert: Alert, news: News) -> Mapping[str, Any]:
    """Return what Discord's webhooks take."""
    embed = {
        "title": headline(alert, news)[:256],
        "description": alert.message[:4000],
        "color": _DISCORD_COLOURS[_colour(alert, news)],
    }
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookChannel:
    """A URL that takes alerts signed as deliveries are: ``alert.opened``, ``alert.recovered``."""

    url: str
    secret: str
    transport: Transport
    now: Callable[[], datetime]
    name: str = "webhook"

    async def tell(self, alert: Alert, news: News) -> None:
        """See ``Channel.tell``; the id is the alert's with the news, so that it can be deduplicated."""
        now = self.now()
        document = {"id": f"{alert.id}.{news}", "event": f"alert.{news}", "timestamp": now.isoformat()}
        body = json.dumps({**document, "data": as_document(alert), "metadata": {}}).encode()
        headers = signed_headers(body, message_id=document["id"], secrets=(self.secret,), timestamp=now)
        request = OutboundRequest(url=self.url, headers=headers, body=body)
        _check(await self.transport.send(request, timeout=TIMEOUT_SECONDS))


def as_document(alert: Alert) -> dict[str, Any]:
    """Return *alert* as values for JSON."""
    return {
        "id": alert.id,
        "rule": alert.rule,
        "subject": alert.subject,
        "severity": str(alert.severity),
        "title": alert.title,
        "message": alert.message,
        "opened_at": alert.opened_at.isoformat(),
        "resolved_at": None if alert.resolved_at is None else alert.resolved_at.isoformat(),
    }


def _check(answer: Answer) -> None:
    if not 200 <= answer.status < 300:
        message = f"it answered {answer.status}"
        raise DeliveryError(message, stage="response", code="http_status")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChannel:
    """Mails to some addresses, by way of one mail server, with TLS unless that is on this machine."""

    server: str
    sender: str
    recipients: Sequence[str]
    name: str = "email"

    async def tell(self, alert: Alert, news: News) -> None:
        """See ``Channel.tell``; speaks SMTP on a thread."""
        mail = EmailMessage()
        mail["Subject"] = " ".join(headline(alert, news).split())[:200]
        mail["From"] = self.sender
        mail["To"] = ", ".join(self.recipients)
        mail.set_content(
            f"{alert.message}\n\nRule: {alert.rule}\nSubject: {alert.subject}\nAlert: {alert.id}\n"
        )
        try:
            await asyncio.to_thread(self._send, mail)
        except (OSError, smtplib.SMTPException) as error:  # ssl's errors and time-outs are OSErrors
            message = f"the mail server did not take it ({type(error).__name__})"
            raise DeliveryError(message, stage="send", code="smtp") from error

    def _send(self, mail: EmailMessage) -> None:
        parts = urlsplit(self.server)
        context = ssl.create_default_context()
        host, implicit = parts.hostname or "", parts.scheme == "smtps"
        port = parts.port or (465 if implicit else 587)
        made: smtplib.SMTP = (
            smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=context)
            if implicit
            else smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
        )
        with made as smtp:
            if not implicit and host not in {"localhost", "127.0.0.1", "::1"}:
                smtp.starttls(context=context)
            if parts.username:
                smtp.login(unquote(parts.username), unquote(parts.password or ""))
            smtp.send_message(mail)
