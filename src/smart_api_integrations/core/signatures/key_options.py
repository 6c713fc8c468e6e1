"""From a ``key:`` block that names an address to the address. Floor 1."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from smart_api_integrations.core.allowed_hosts import host_patterns
from smart_api_integrations.core.signatures.fetched_keys import FORMS, KeyAddress
from smart_api_integrations.core.templates import compile_template
from smart_api_integrations.errors import ConfigurationError

_SCHEME = "https://"
DEFAULT_CACHE = 6 * 3600
DEFAULT_REFETCH = 60


def key_address(options: Mapping[str, Any]) -> KeyAddress | None:
    """Return the address that *options* name; None where the key is in a variable.

    Raises:
        ConfigurationError: They name two places, a host is no host, or a certificate's chain has no subject.
    """
    named = [form for form in FORMS if options.get(form)]
    if not named:
        return None
    if len(named) > 1 or options.get("env"):
        words = ", ".join([*named, *(["env"] if options.get("env") else [])])
        message = f"verification.key names several places ({words}): keep one."
        raise ConfigurationError(message)
    (form,) = named
    return KeyAddress(
        form=form,
        url=compile_template(options[form]),
        allow_hosts=host_patterns(options.get("allow_hosts") or [_own_host(options[form])]),
        algorithms=(),
        subjects=host_patterns(_subjects(form, options)),
        post={name: _value(value) for name, value in options.get("post", {}).items()},
        key_id_field=options.get("key_id_field", "key_id"),
        at=options.get("at", ""),
        cache=timedelta(seconds=options.get("cache", DEFAULT_CACHE)),
        refetch_min=timedelta(seconds=options.get("refetch_min", DEFAULT_REFETCH)),
    )


def _own_host(url: str) -> str:
    """Return the host of an address that is written out; what a request names must be listed."""
    host = url.removeprefix(_SCHEME).partition("/")[0]
    if not url.startswith(_SCHEME) or "{" in host:
        message = (
            "verification.key: the address is read from the request, so name its hosts in `allow_hosts`."
        )
        raise ConfigurationError(message)
    return host


def _subjects(form: str, options: Mapping[str, Any]) -> list[str]:
    named = options.get("subject_cn") or []
    subjects = [named] if isinstance(named, str) else list(named)
    checked = form == "cert_url" and options.get("chain", "system") == "system"
    if checked and not subjects:
        message = (
            "verification.key.subject_cn: name whose certificate it must be, or write `chain: host` where "
            "its host alone is to vouch for it."
        )
        raise ConfigurationError(message)
    return subjects if checked else []


def _value(value: Any) -> Any:
    return compile_template(f"{{env:{value['env']}}}" if isinstance(value, Mapping) else str(value))
