"""``/docs`` and ``/redoc``: the API's description to read and to try, without the internet. Floor 8.

The libraries' files come from the installed package ``fastapi_offline``; nothing of it is imported. The
pages hold no code and no styles of their own, so that they keep the policy of every other page.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.util import find_spec
from pathlib import Path
from secrets import token_urlsafe

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from smart_api_integrations.core.page_policy import content_security_policy

OWN_FILES = "/docs/own"
LIBRARY_FILES = "/docs/library"
_LIBRARY = "fastapi_offline"
_REDOC = "redoc.standalone.js"
_LOGO = b"https://cdn.redoc.ly/redoc/logo-mini.svg"
_OWN = Path(__file__).parent / "static"
_TITLE = "API · Webhooks"

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
{styles}
</head>
<body>
<div id="{place}" data-description="{root}/openapi.json" data-nonce="{nonce}"></div>
<noscript><p>This page needs JavaScript. <a href="{root}/openapi.json">The description itself</a> does not.</p></noscript>
{scripts}
</body>
</html>
"""  # noqa: E501 - as it is sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """One way to read the description.

    Attributes:
        place: The id of the element that the library draws in.
        styles: The style sheets' addresses under the application's root, in order.
        scripts: Likewise, what starts the library last.
    """

    place: str
    styles: tuple[str, ...]
    scripts: tuple[str, ...]


READERS: Mapping[str, Reader] = {
    "/docs": Reader(
        place="swagger-ui",
        styles=(f"{LIBRARY_FILES}/swagger-ui.css", f"{OWN_FILES}/docs.css"),
        scripts=(f"{LIBRARY_FILES}/swagger-ui-bundle.js", f"{OWN_FILES}/docs.js"),
    ),
    "/redoc": Reader(
        place="redoc",
        styles=(f"{OWN_FILES}/docs.css",),
        scripts=(f"{OWN_FILES}/redoc-styles.js", f"{LIBRARY_FILES}/{_REDOC}", f"{OWN_FILES}/redoc.js"),
    ),
}


def is_documentation(path: str) -> bool:
    """Tell whether *path* is a reader's, or one of its files'."""
    return path in READERS or path.startswith("/docs/")


def documentation_routes() -> list[BaseRoute]:
    """Return the routes of both readers and of their files."""
    library = find_spec(_LIBRARY)
    folders = list(library.submodule_search_locations or ()) if library is not None else []
    files = Path(folders[0]) / "static"
    return [
        Route(f"{LIBRARY_FILES}/{_REDOC}", _without_logo(files / _REDOC)),
        Mount(LIBRARY_FILES, StaticFiles(directory=files)),
        Mount(OWN_FILES, StaticFiles(directory=_OWN)),
        *(Route(path, _page_of(reader), methods=["GET"]) for path, reader in READERS.items()),
    ]


def _without_logo(file: Path) -> Callable[[Request], Response]:
    """Return what serves Redoc's script; its logo, which it would fetch from its maker, is left out."""

    @cache
    def content() -> bytes:
        return file.read_bytes().replace(_LOGO, b"data:,")

    def serve(_request: Request) -> Response:
        return Response(content(), media_type="text/javascript")

    return serve


def _page_of(reader: Reader) -> Callable[[Request], Awaitable[Response]]:
    async def page(request: Request) -> Response:
        root = escape(request.scope.get("root_path", ""), quote=True)
        nonce = token_urlsafe(18)
        content = _PAGE.format(
            title=_TITLE,
            root=root,
            nonce=nonce,
            place=reader.place,
            styles="\n".join(f'<link rel="stylesheet" href="{root}{path}">' for path in reader.styles),
            scripts="\n".join(f'<script src="{root}{path}"></script>' for path in reader.scripts),
        )
        headers = {"Content-Security-Policy": content_security_policy(style_nonce=nonce)}
        return HTMLResponse(content, headers=headers)

    return page
