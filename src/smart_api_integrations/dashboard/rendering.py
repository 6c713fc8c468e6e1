"""Templates to HTML: autoescape on, undefined names refused, every address relative to the mount. Floor 8."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from smart_api_integrations.core.journal import Backlog
from smart_api_integrations.dashboard.first_mark import mark_of
from smart_api_integrations.dashboard.icons import Icons, read_symbols
from smart_api_integrations.dashboard.permissions import has_session, may, principal_of
from smart_api_integrations.dashboard.views.measures import counted

PACKAGE = "smart_api_integrations.dashboard"
_MARKS = ("/", ".", "_")
VERSION_MARK = "v-"
FRAGMENT = "x-fragment"
"""A page that is asked for with this header comes without its frame: what it is brought up to date with."""


class Renderer:
    """Renders pages."""

    def __init__(self, store: str) -> None:
        """Load the templates; *store* says where the journal is, for the foot of the rail."""
        self._store = store
        self._assets = _asset_paths()
        self._symbols = read_symbols()
        self._environment = Environment(
            loader=PackageLoader(PACKAGE),
            undefined=StrictUndefined,
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["breakable"] = breakable

    def render(
        self,
        request: Request,
        template: str,
        *,
        backlog: Backlog | None,
        status: int = 200,
        **context: Any,
    ) -> HTMLResponse:
        """Return the page *template* with *context*; *backlog* gives the rail its count."""
        icons = Icons(self._symbols)
        root: str = request.scope.get("root_path", "")
        text = self._environment.get_template(template).render(
            icon=icons.draw,
            sprite=icons.sprite,
            link=_linker(root),
            asset=lambda name: f"{root}/static/{self._assets[name]}",
            dead_count=counted(backlog.dead) if backlog is not None and backlog.dead else "",
            store=self._store,
            may=lambda scope: may(request, scope),
            who=principal_of(request),
            signed_in=has_session(request),
            q=request.query_params.get("q", "")[:128],
            is_fragment=FRAGMENT in request.headers,
            is_live=request.method == "GET" and status == 200,  # what a form was answered with stays
            mark=mark_of(request),
            **context,
        )
        return HTMLResponse(text, status_code=status)


def breakable(text: str) -> Markup:
    """Return *text* escaped, with a place to break after each dot, slash and underscore."""
    parts = re.split("([/._])", text)
    return Markup("").join(
        Markup("{}<wbr>").format(part) if part in _MARKS else escape(part) for part in parts
    )


def _linker(root: str) -> Callable[..., str]:
    def link(path: str, query: Mapping[str, str] | None = None, anchor: str = "") -> str:
        kept = {name: value for name, value in (query or {}).items() if value}
        return root + path + (f"?{urlencode(kept)}" if kept else "") + (f"#{anchor}" if anchor else "")

    return link


def _asset_paths() -> dict[str, str]:
    """Return each file's path below ``/static``: in a folder that is named by what is in all of them.

    A module that imports another one names it beside itself, and so gets it in the same version.
    """
    found = {file.name: file.read_bytes() for file in (files(PACKAGE) / "static").iterdir() if file.is_file()}
    both = hashlib.sha256(b"\0".join(name.encode() + found[name] for name in sorted(found)))
    return {name: f"{VERSION_MARK}{both.hexdigest()[:12]}/{name}" for name in found}
