"""Every setting, once, frozen and checked as a whole. Floor 2.

Order: what the command line or a constructor says, then the environment's ``WEBHOOKS_*``, then
``webhooks.toml``, then the defaults below. Reading files and the environment is left to the caller:
:func:`read_settings` takes both as values, so that a test passes its own.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from smart_api_integrations.core.durations import parse_duration
from smart_api_integrations.errors import ConfigurationError, InvalidInput

ENVIRONMENT_PREFIX = "WEBHOOKS_"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Role = Literal["gateway", "worker", "api", "monitor"]
LogFormat = Literal["auto", "json", "text"]
LogLevel = Literal["debug", "info", "warning", "error"]


def _listed(value: Any) -> Any:
    """Split ``a, b`` into a tuple; leave lists as they are."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _network(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return ipaddress.ip_network(value)
    except ValueError:
        message = "expected a network such as 10.0.0.0/8, with no bits set behind its length"
        raise ValueError(message) from None  # the library's own text repeats the value


def _web_address(value: str) -> str:
    if not _is_web_address(value):
        message = "expected a web address with a scheme and a host, without user, query or fragment"
        raise ValueError(message)
    return value


def _is_web_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        reachable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    rest = parts.username is not None or parts.query or parts.fragment
    return reachable and not rest and _PRINTABLE.fullmatch(value) is not None


_PRINTABLE = re.compile(r"[!-~]+")
WebAddress = Annotated[str, AfterValidator(_web_address)]
CommaSeparated = BeforeValidator(_listed)
NetworkValue = Annotated[Network, BeforeValidator(_network)]


def _kept(value: Any) -> Any:
    """Read ``30d``; ``never`` keeps for ever."""
    if not isinstance(value, str):
        return value
    if value.strip().lower() in {"never", "forever"}:
        return None
    try:
        return parse_duration(value)
    except InvalidInput:
        message = "expected a length of time such as 30d or 12h, or `never` to keep it for ever"
        raise ValueError(message) from None


Kept = Annotated[timedelta | None, BeforeValidator(_kept)]
_DAYS = timedelta(days=1)


class Settings(BaseModel):
    """What can be set. Each field is read from ``WEBHOOKS_<NAME>`` too; lists are comma-separated."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)

    database_url: str = Field(
        default="sqlite:///webhooks.db",
        description="Where the journal is: `sqlite:///file` or `postgresql://…`.",
    )
    redis_url: str | None = Field(
        default=None,
        description="`redis://…`: limits, wake-ups and live views, shared by processes; may be lost.",
    )
    broker_url: SecretStr | None = Field(
        default=None,
        description="Where internal events go too: `amqp://…` (RabbitMQ), `redis://…` (a stream), `memory:` "
        "(functions of the worker, tried again when they fail). The same in every process.",
    )
    broker_topic: str = Field(
        default="webhooks.events",
        min_length=1,
        max_length=200,
        description="The exchange's or stream's name.",
    )
    broker_events: Annotated[tuple[str, ...], CommaSeparated] = Field(
        default=("*",), min_length=1, description="The types of messages that go to the broker: `payment.*`."
    )
    broker_unrouted: Literal["retry", "cancel"] = Field(
        default="retry", description="What becomes of a message that no queue of RabbitMQ gets."
    )
    broker_max_length: int = Field(
        default=1_000_000, ge=1, description="About how many events a Redis stream keeps."
    )
    internal_events: Literal["wanted", "always", "never"] = Field(
        default="wanted",
        description="When the providers' `publish:` maps run: where an endpoint, the broker or a function of "
        "this process wants what they publish; always; or never.",
    )
    providers_dir: str = Field(
        default="providers", description="Your own providers, laid over the packaged ones."
    )
    handlers: Annotated[tuple[str, ...], CommaSeparated] = Field(
        default=(), description="Modules to import at start: they register your handlers."
    )
    allowed_networks: Annotated[tuple[NetworkValue, ...], CommaSeparated] = Field(
        default=(), description="Networks that deliveries may reach although they are private."
    )
    api_keys: Annotated[tuple[SecretStr, ...], CommaSeparated] = Field(
        default=(), description="Keys for the API and the dashboard; needed beyond loopback."
    )
    api_per_minute: int = Field(
        default=1200,
        ge=0,
        description="Requests of the API that one key may send; beyond, 429. 0 is no limit.",
    )
    allowed_hosts: Annotated[tuple[str, ...], CommaSeparated] = Field(
        default=(),
        description="The only host names under which the API and the dashboard answer; empty is any.",
    )
    encryption_keys: Annotated[tuple[SecretStr, ...], CommaSeparated] = Field(
        default=(), description="Keys that encrypt secrets at rest, newest first; PostgreSQL demands one."
    )
    public_url: WebAddress | None = Field(
        default=None, description="How providers reach this server: `https://hooks.example.com`."
    )
    trusted_proxies: Annotated[tuple[NetworkValue, ...], CommaSeparated] = Field(
        default=(), description="Peers whose `X-Forwarded-For` is believed."
    )
    require_https: bool = Field(
        default=False, description="Refuse what a trusted proxy did not get over HTTPS."
    )
    host: str = Field(default="127.0.0.1", description="The address to listen at.")
    port: int = Field(default=8000, ge=0, le=65535, description="The port to listen at; 0 takes a free one.")
    roles: Annotated[tuple[Role, ...], CommaSeparated] = Field(
        default=("gateway", "worker", "api", "monitor"),
        min_length=1,
        description="What this process does: take requests, work, show, watch.",
    )
    processes: int = Field(
        default=1,
        ge=1,
        le=256,
        description="How many processes share the port; beyond 1 one more watches them.",
    )
    log_format: LogFormat = Field(
        default="auto", description="`json`, `text`, or text where a person watches and JSON elsewhere."
    )
    log_level: LogLevel = Field(
        default="info", description="`debug` writes a line for every event and every attempt too."
    )
    tracing: bool = Field(
        default=False, description="Make OpenTelemetry spans; `OTEL_*` variables say where they go."
    )
    max_body_bytes: int = Field(
        default=1024 * 1024, ge=1, le=2**30, description="The largest request body that is accepted."
    )
    body_timeout_seconds: float = Field(
        default=10, ge=0.01, le=3600, description="How long a request body may take to arrive."
    )
    per_ip_per_minute: int = Field(
        default=100,
        ge=0,
        description="Requests of one address that do not verify; beyond, 429. 0 is no limit.",
    )
    flood_per_minute: int = Field(
        default=500,
        ge=0,
        description="Likewise; beyond, bodies must come at once and connections end. 0 is no limit.",
    )
    dedupe_days: float = Field(
        default=7, ge=1e-5, le=3650, description="How long a repeated event is recognised."
    )
    worker_concurrency: int = Field(
        default=256, ge=1, le=100_000, description="How much work runs at once in this process."
    )
    endpoint_concurrency: int = Field(
        default=8, ge=1, le=10_000, description="How many deliveries to one endpoint run at once."
    )
    handler_threads: int = Field(
        default=16, ge=1, le=1000, description="Threads for handlers that are not `async`."
    )
    handler_timeout_seconds: float = Field(
        default=30, ge=0.001, le=604_800, description="How long a handler may run, unless it says otherwise."
    )
    lease_seconds: float = Field(
        default=15, ge=0.01, le=86_400, description="How long a dead worker's work waits for another."
    )
    drain_seconds: float = Field(
        default=0, ge=0, le=3600, description="How long `/readyz` says no before a stop begins."
    )
    retention_payloads: Kept = Field(
        default=30 * _DAYS,
        description="How long bodies, headers and answers are kept; `never` forgets nothing.",
    )
    retention_finished: Kept = Field(
        default=90 * _DAYS, description="How long events and messages are kept once all of them is over."
    )
    retention_dead_letters: Kept = Field(
        default=90 * _DAYS, description="How long dead letters are kept, with what they need to be replayed."
    )
    retention_rejected: Kept = Field(
        default=30 * _DAYS, description="How long requests that were refused are kept; 10,000 at most."
    )
    retention_audit: Kept = Field(default=400 * _DAYS, description="How long the audit log is kept.")
    shutdown_seconds: float = Field(
        default=30, ge=0, le=86_400, description="How long work in flight may finish at a stop."
    )

    alerts_slack_url: SecretStr | None = Field(
        default=None, description="An incoming webhook of Slack's that alerts are written to."
    )
    alerts_discord_url: SecretStr | None = Field(default=None, description="Likewise, of Discord's.")
    alerts_webhook_url: WebAddress | None = Field(
        default=None, description="A URL that alerts are sent to, signed as deliveries are."
    )
    alerts_webhook_secret: SecretStr | None = Field(
        default=None, description="The secret that those are signed with; needed with the URL."
    )
    alerts_email_to: Annotated[tuple[str, ...], CommaSeparated] = Field(
        default=(), description="Addresses that alerts are mailed to, by way of `smtp_url`."
    )
    alerts_email_from: str | None = Field(
        default=None, description="Who the mails are from; the first recipient unless set."
    )
    smtp_url: SecretStr | None = Field(
        default=None,
        description="The mail server: `smtp://user:password@host:587` (STARTTLS) or `smtps://…:465`.",
    )
    alerts_every_seconds: float = Field(
        default=60, ge=1, le=3600, description="How often the role `monitor` checks."
    )
    alerts_cooldown_seconds: float = Field(
        default=3600, ge=0, le=604_800, description="How long nobody is told that an alert opened again."
    )
    alerts_timezone: str = Field(default="UTC", description="Whose hours `expected_webhooks` names.")
    expected_webhooks: Annotated[tuple[str, ...], CommaSeparated] = Field(
        default=(),
        description="Events that must come, else it is an alert: `stripe 1/1h 9-18 mon-fri`, "
        "`github:push 1/1d`.",
    )

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def read_settings(
    *,
    given: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    toml: str = "",
) -> Settings:
    """Return the settings from what was *given*, the environment and the text of ``webhooks.toml``.

    Names in *given* and in the file are those of :class:`Settings`; None in *given* means not given.

    Raises:
        ConfigurationError: Something is wrong; the message lists every fault, not the first one.
    """
    faults: list[str] = []
    values = _from_toml(toml, faults)
    values |= _from_environment(environ or {}, faults)
    values |= {name: value for name, value in (given or {}).items() if value is not None}
    faults += [_unknown(name, "") for name in values if name not in Settings.model_fields]
    known = {name: value for name, value in values.items() if name in Settings.model_fields}
    try:
        settings = Settings(**known)
    except ValidationError as error:
        faults += _explained(error)
    else:
        if not faults:
            return settings
    raise ConfigurationError("The settings cannot be used:\n" + "\n".join(f"- {fault}" for fault in faults))


def _from_toml(text: str, faults: list[str]) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        faults.append(f"webhooks.toml is not valid TOML: {error}")
        return {}


def _from_environment(environ: Mapping[str, str], faults: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for variable, value in environ.items():
        if not variable.startswith(ENVIRONMENT_PREFIX) or not value:
            continue
        name = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
        if name in Settings.model_fields:
            found[name] = value
        elif not name.endswith(("_secret", "_secret_old")) and not name.startswith("test_"):
            faults.append(_unknown(name, ENVIRONMENT_PREFIX))
    return found


def _unknown(name: str, prefix: str) -> str:
    spelled = (lambda word: prefix + word.upper()) if prefix else str
    near = difflib.get_close_matches(name, _names(), n=1)
    return f"{spelled(name)} is not a setting" + (f"; did you mean {spelled(near[0])}?" if near else ".")


def _names() -> Iterable[str]:
    return Settings.model_fields


def _explained(error: ValidationError) -> list[str]:
    return [
        f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    ]
