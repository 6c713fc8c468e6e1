"""Chromium, and a platform to look at."""

import importlib
import os
import shutil

import pytest

from tests.journal_scenes import open_platform


@pytest.fixture
async def browser():
    """Start Chromium."""
    if os.environ.get("CI") == "true":
        playwright = importlib.import_module("playwright.async_api")
    else:
        playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")
    async with playwright.async_playwright() as driver:
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        opened = await driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        await opened.close()


@pytest.fixture
async def platform(tmp_path):
    async with open_platform(tmp_path) as opened:
        yield opened
