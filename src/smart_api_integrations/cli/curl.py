"""A request as a curl command that can be pasted into a shell. Floor 10."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smart_api_integrations.core.webhook_schema import RawRequest


def as_curl(request: RawRequest, url: str) -> str:
    """Return a command that sends *request* to the server at *url*, byte for byte."""
    headers = " ".join(f"-H {shlex.quote(f'{name}: {value}')}" for name, value in request.headers.items())
    return f"curl -X POST {headers} --data-binary {shlex.quote(request.body.decode())} {url}{request.path}"
