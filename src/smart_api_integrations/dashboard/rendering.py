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
from smart_api_integrations.dashboard.icons import Icons, read_symbols
from smart_api_integrations.dashboard.views.measures import counted

PACKAGE = "smart_api_integrations.dashboard"
_MARKS = ("/", ".", "_")
_ASSETS = ("tokens.css", "app.css", "pages.css", "theme.js", "copy.js", "keyboard.js", "select.js")


class Renderer:
    """Renders pages."""

    def __init__(self, store: str) -> None:
        """Load the templates; *store* says where the journal is, for the foot of the rail."""
        self._store = store
        self._assets = _asset_versions()
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
            asset=lambda name: f"{root}/static/{name}?v={self._assets[name]}",
            dead_count=counted(backlog.dead) if backlog is not None and backlog.dead else "",
            store=self._store,
            q=request.query_params.get("q", "")[:128],
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


def _asset_versions() -> dict[str, str]:
    folder = files(PACKAGE) / "static"
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest()[:10] for name in _ASSETS}
