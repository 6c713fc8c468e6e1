"""The dashboard under a prefix of a host application: every address on every page stays below it."""

import re

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from smart_api_integrations.core.access import LOCAL
from smart_api_integrations.dashboard import create_dashboard
from tests.asgi_call import call
from tests.journal_scenes import everything, open_platform

PREFIX = "/our/hooks"
ADDRESS = re.compile(r'(?<!\w)(?:href|action|src|data-stream)="([^"]*)"')
ELSEWHERE = ("#", "data:", "http:", "https:")


@pytest.fixture
async def platform(tmp_path):
    async with open_platform(tmp_path) as opened:
        yield opened


def mounted(platform):
    """Return a host application whose own authorisation lets everybody in."""
    dashboard = create_dashboard(platform)

    async def host(scope, receive, send):
        scope.setdefault("state", {})["principal"] = LOCAL
        await dashboard(scope, receive, send)

    return Starlette(routes=[Mount(PREFIX, app=host)])


async def test_every_page_can_be_walked_to_without_leaving_the_prefix(platform):
    await everything(platform)
    app, seen, waiting = mounted(platform), set(), [PREFIX + "/"]
    while waiting:
        path = waiting.pop().partition("#")[0]
        if path in seen or "/static/" in path or "/live/stream" in path:
            continue
        seen.add(path)
        answer = await call(app, "GET", path)
        assert answer.status in {200, 303}, path
        found = ADDRESS.findall(answer.text) if "text/html" in answer.headers.get("content-type", "") else []
        strays = [each for each in found if not each.startswith((PREFIX + "/", *ELSEWHERE))]
        assert strays == [], path
        forms = set(re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', answer.text))
        links = [
            each.replace("&amp;", "&") for each in found if each.startswith(PREFIX) and each not in forms
        ]
        waiting += [each for each in links if not re.search("range=|before=|body=|answer=|attempt=", each)]

    walked = {path.removeprefix(PREFIX).partition("?")[0] for path in seen}
    assert {"/issues", "/handlers", "/sources", "/endpoints/new", "/playground", "/settings/keys"} <= walked
    assert any(path.startswith("/issues/iss_") for path in walked)
    assert any(path.endswith("/edit") for path in walked)
