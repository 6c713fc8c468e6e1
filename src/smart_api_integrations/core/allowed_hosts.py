r"""Whether a URL that a request names may be called: https, and one of the hosts that a YAML lists. Floor 1.

Rules:

1. The whole URL is matched by one strict grammar; what is not in it is refused, never repaired: two
   parsers that read ``https://a.example\@b.example`` differently must not meet.
2. No port, no user, no fragment, no dot at the end, nothing outside ASCII.
3. A pattern is a host to the letter, ``*.example.com`` for whatever is below ``example.com``, or holds
   ``<aws-region>``. ``*`` stands nowhere else: ``sns.*.amazonaws.com`` would let in
   ``sns.s3-us-west-2.amazonaws.com``, which is somebody's bucket.

The address behind the name is judged by the guard of the one HTTP client, when it connects.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from smart_api_integrations.errors import ConfigurationError

LONGEST_URL = 2048
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_REST = r"[!\"$-\[\]-~]*"  # what is printable, without # and backslash
_URL = re.compile(rf"https://(?P<host>{_LABEL}(?:\.{_LABEL})+)(?:[/?]{_REST})?", re.IGNORECASE)
_PATTERN = re.compile(rf"(?:\*\.)?(?:{_LABEL}|<aws-region>)(?:\.(?:{_LABEL}|<aws-region>))+")
_REGION = r"[a-z]{2}(?:-[a-z]{1,12}){1,3}-[0-9]{1,2}"  # us-east-1, us-gov-west-1, cn-north-1

HostPattern = re.Pattern[str]


def host_patterns(hosts: Iterable[str]) -> tuple[HostPattern, ...]:
    """Compile the hosts of an ``allow_hosts`` list.

    Raises:
        ConfigurationError: One of them is no host.
    """
    return tuple(_compile(host) for host in hosts)


def is_allowed_url(url: str, patterns: Iterable[HostPattern]) -> bool:
    """Tell whether *url* is an https URL of one of the hosts.

    >>> patterns = host_patterns(["sns.<aws-region>.amazonaws.com"])
    >>> is_allowed_url("https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription", patterns)
    True
    >>> is_allowed_url("https://sns.us-east-1.amazonaws.com@evil.example/", patterns)
    False
    """
    match = _URL.fullmatch(url) if len(url) <= LONGEST_URL else None
    if match is None:
        return False
    host = match["host"].lower()
    return len(host) <= 253 and any(pattern.fullmatch(host) for pattern in patterns)


def _compile(host: str) -> HostPattern:
    if not _PATTERN.fullmatch(host):
        message = (
            f"allow_hosts: {host!r} is no host; write it in small letters without a port, "
            "with `*.` only at its beginning."
        )
        raise ConfigurationError(message)
    below, rest = ("(?:[a-z0-9-]+\\.)+", host[2:]) if host.startswith("*.") else ("", host)
    return re.compile(below + _REGION.join(re.escape(part) for part in rest.split("<aws-region>")))
