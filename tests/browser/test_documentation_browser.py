"""The pages of the API's description in a real browser: they draw, keep the policy, and ask nobody else."""

import pytest

from tests.browser.serving import serving

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize(
    ("path", "drawn"),
    [("/docs", "#operations-sending-trigger_event"), ("/redoc", "p:has-text('Register an endpoint')")],
)
async def test_the_description_is_drawn_without_the_internet(browser, platform, path, drawn):
    page, asked, said = await browser.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)

    async with serving(platform) as server:
        await page.goto(server + path)
        await page.wait_for_selector(drawn, timeout=20_000)

    assert said == []
    assert [url for url in asked if not url.startswith((server, "data:"))] == []
