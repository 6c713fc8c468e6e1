"""The pages that show the API's description: their files are here, and they hold no code."""

import json
import re

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from smart_api_integrations.api.documentation import READERS, is_documentation
from smart_api_integrations.server.application import create_app, create_pages
from smart_api_integrations.server.doorkeeper import HostDoorkeeper
from tests.asgi_call import call
from tests.journal_scenes import open_platform


async def ingest(scope, receive, send):
    raise AssertionError


@pytest.fixture
async def platform(tmp_path):
    async with open_platform(tmp_path) as opened:
        yield opened


@pytest.fixture
def app(platform):
    return create_app(platform, ingest=ingest)


def files_of(page):
    return re.findall(r'(?:href|src)="([^"]+)"', page)


@pytest.mark.parametrize("path", READERS)
async def test_a_page_holds_no_code_and_loads_what_is_here(app, path):
    page = await call(app, "GET", path)
    files = [file for file in files_of(page.text) if not file.startswith("data:")]

    assert page.status == 200
    assert not re.search(r"<script>|<style|\sstyle=|\son[a-z]+=", page.text)
    assert any(file.endswith(".js") for file in files)
    for file in files:
        assert file.startswith("/")
        assert (await call(app, "GET", file)).status == 200, file


async def test_only_styles_of_the_page_itself_have_its_nonce(app):
    page = await call(app, "GET", "/redoc")
    again = await call(app, "GET", "/redoc")
    nonce = re.search(r'data-nonce="([^"]+)"', page.text)
    policy = page.headers["content-security-policy"]

    assert nonce is not None
    assert f"style-src 'self' 'nonce-{nonce[1]}'" in policy
    assert "script-src 'self';" in policy
    assert policy != again.headers["content-security-policy"]


async def test_no_library_asks_its_maker_for_a_logo(app):
    script = await call(app, "GET", "/docs/library/redoc.standalone.js")

    assert len(script.body) > 500_000
    assert b"https://cdn.redoc.ly" not in script.body


@pytest.mark.parametrize("path", [*READERS, "/openapi.json"])
async def test_they_work_under_a_prefix(platform, path):
    pages = create_pages(platform, HostDoorkeeper(lambda _: "viewer"))
    app = Starlette(routes=[Mount("/ops/hooks", pages)])

    page = await call(app, "GET", f"/ops/hooks{path}")

    assert page.status == 200
    if path in READERS:
        assert all(file.startswith(("/ops/hooks/", "data:")) for file in files_of(page.text))
        assert 'data-description="/ops/hooks/openapi.json"' in page.text


async def test_the_description_is_of_openapi_3_1_with_stable_names(app):
    document = json.loads((await call(app, "GET", "/openapi.json")).body)
    names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]

    assert document["openapi"].startswith("3.1")
    assert len(names) == len(set(names))
    assert {"trigger_event", "list_received", "create_key", "get_stats"} <= set(names)


@pytest.mark.parametrize(
    ("path", "is_one"), [("/docs", True), ("/redoc", True), ("/docs/own/docs.js", True), ("/docsx", False)]
)
def test_which_addresses_are_theirs(path, is_one):
    assert is_documentation(path) is is_one
