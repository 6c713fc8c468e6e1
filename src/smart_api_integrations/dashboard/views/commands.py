"""The calls that a page can be copied as. Floor 8.

Values are quoted for a POSIX shell. What is secret becomes a shell variable: a command that is pasted
into a chat must not carry a signature or a cookie.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator
from urllib.parse import quote

from smart_api_integrations.core.journal import ReceivedEvent
from smart_api_integrations.core.masking import is_sensitive, parameters

LONGEST_INLINE = 16 * 1024

_IN_A_PATH = "/!$&'()*+,;=:@~-._%"  # RFC 3986, 3.3
_IN_A_QUERY = _IN_A_PATH + "?"

# Set by curl itself, or about the connection that is gone (RFC 9110, 7.6.1).
_LEFT_OUT = frozenset(
    {"host", "content-length", "connection", "transfer-encoding", "accept-encoding", "expect"}
)


def replay_curl(work_id: str, *, with_key: bool) -> str:
    """Return the call that replays one dead letter."""
    return _api("POST", f"/api/dead-letters/{work_id}/replay", with_key=with_key)


def read_curl(path: str, *, with_key: bool) -> str:
    """Return the call that reads the same as JSON."""
    return _api("GET", path, with_key=with_key)


def request_curl(event: ReceivedEvent, *, secret: Collection[str] = ()) -> str:
    """Return the call that sends the request of *event* again, with its headers and its exact bytes.

    *secret* are the parameters of the query that its webhook reads a token from; they become variables too.
    """
    target = "".join(_target(event, secret))
    lines = [f'curl -X {shlex.quote(_printable(event.method))} "$URL"{target}']
    lines += [f"-H {_header(name, value)}" for name, value in event.headers if name.lower() not in _LEFT_OUT]
    lines.append(f"--data-binary {_body(event)}")
    return " \\\n  ".join(lines)


def _api(method: str, path: str, *, with_key: bool) -> str:
    lines = [f'curl -X {method} "$URL{path}"' if method != "GET" else f'curl "$URL{path}"']
    if with_key:
        lines.append('-H "Authorization: Bearer $KEY"')
    return " \\\n  ".join(lines)


def _target(event: ReceivedEvent, secret: Collection[str]) -> Iterator[str]:
    """Yield the path and the query as words of a shell that stand side by side."""
    plain, separator = quote(event.path, safe=_IN_A_PATH), "?"
    for each in parameters(event.query, secret=secret):
        plain += separator + quote(each.label, safe=_IN_A_QUERY)
        separator = "&"
        if each.is_secret:
            yield f'{shlex.quote(plain)}"${_variable(each.name)}"'
            plain = ""
        else:
            plain += quote(each.value, safe=_IN_A_QUERY)
    if plain:
        yield shlex.quote(plain)


def _variable(name: str) -> str:
    word = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
    return f"_{word}" if not word or word[0].isdigit() else word


def _header(name: str, value: str) -> str:
    name = _printable(name)
    if is_sensitive(name):
        return f'{shlex.quote(name + ": ")}"${_variable(name)}"'
    return shlex.quote(f"{name}: {_printable(value)}")


def _body(event: ReceivedEvent) -> str:
    try:
        text = event.body.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if (
        len(text) > LONGEST_INLINE
        or not text.replace("\n", "").replace("\t", "").isprintable()
        or text.startswith("@")
    ):
        return f"@{event.id}.body"
    return shlex.quote(text)


def _printable(value: str) -> str:
    return "".join(char for char in value if char.isprintable())


def read_command(event_id: str) -> str:
    """Return the command that shows the event in a terminal."""
    return f"webhooks events show {shlex.quote(event_id)}"


def request_python(event: ReceivedEvent, *, secret: Collection[str] = ()) -> str:
    """Return a program of the standard library alone that sends the request of *event* again.

    As with ``request_curl`` what is secret is read from the environment.
    """
    headers = [
        f"    {_printable(name)!r}: {_python_value(name, value)},"
        for name, value in event.headers
        if name.lower() not in _LEFT_OUT
    ]
    body = _body_bytes(event)
    return "\n".join(
        [
            "import os, urllib.request",
            "",
            f"body = {body}",
            "headers = {",
            *headers,
            "}",
            f'url = os.environ["URL"] + {_python_target(event, secret)}',
            f"request = urllib.request.Request(url, body, headers, method={_printable(event.method)!r})",
            "with urllib.request.urlopen(request) as answer:",
            "    print(answer.status, answer.read().decode())",
        ]
    )


def _python_value(name: str, value: str) -> str:
    if is_sensitive(name):
        return f'os.environ["{_variable(name)}"]'
    return repr(_printable(value))


def _python_target(event: ReceivedEvent, secret: Collection[str]) -> str:
    """Return the path and the query as an expression."""
    parts, plain, separator = [], quote(event.path, safe=_IN_A_PATH), "?"
    for each in parameters(event.query, secret=secret):
        plain += separator + quote(each.label, safe=_IN_A_QUERY)
        separator = "&"
        if each.is_secret:
            parts += [repr(plain), f'os.environ["{_variable(each.name)}"]']
            plain = ""
        else:
            plain += quote(each.value, safe=_IN_A_QUERY)
    return " + ".join([*parts, *([repr(plain)] if plain or not parts else [])])


def _body_bytes(event: ReceivedEvent) -> str:
    if len(event.body) > LONGEST_INLINE:
        return f'open("{event.id}.body", "rb").read()'
    return repr(event.body)
