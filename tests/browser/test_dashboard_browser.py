"""The dashboard in a real browser: every width and theme, with and without scripts, by keyboard."""

from pathlib import Path

import pytest

from tests.browser.serving import serving
from tests.journal_scenes import Scene, everything

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MEASURE = (Path(__file__).parent / "measure.js").read_text("utf-8")
HOSTILE = "</script><script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"


def paths_of(ids):
    return [
        "/", "/?range=1h", "/live", "/live?show=failed", "/events", "/events?status=attention", "/messages",
        "/rejections", "/endpoints", "/dead-letters", "/issues", "/issues?state=muted", "/sources",
        "/replays", "/replays?kind=delivery&mode=all",
        "/sources?find=nosuch", "/sources/github/default", "/sources/linear/default", "/handlers",
        "/handlers/github:default:orders.sync_invoice", *(f"/issues/{each}" for each in ids["issues"]),
        "/playground", "/playground/sample", "/playground/expression?expression=data.total", "/settings",
        "/settings/keys", "/settings/audit", "/search?q=nothing", "/nowhere",
        *(f"/events/{ids[name]}" for name in ("event", "quiet", "dead", "waiting", "repeat", "hostile")),
        f"/events/{ids['event']}?body=hex&answer=sent", f"/events/{ids['event']}?body=headers&answer=headers",
        *(f"/rejections/{ids[name]}" for name in ("rejection", "unknown", "late")),
        *(f"/endpoints/{ids[name]}" for name in ("endpoint", "slack", "off")), "/endpoints/new",
        f"/endpoints/{ids['endpoint']}/edit", f"/endpoints/{ids['endpoint']}/test",
        f"/messages/{ids['message']}", f"/events/{ids['event']}/edit", f"/events/{ids['event']}/forward",
    ]  # fmt: skip


def plain(text):
    return text.replace("\u00a0", " ")


async def fill(platform):
    ids = await everything(platform)
    hostile = await Scene(platform=platform).event(
        event_type="w" * 180,
        action=HOSTILE[:60],
        body=('{"' + "k" * 300 + '":"' + HOSTILE.replace('"', "'") * 40 + '"}').encode(),
    )
    issues = await platform.journal.issues.issues()
    return ids | {"hostile": hostile.id, "issues": [issue.id for issue in issues]}


@pytest.mark.parametrize(
    ("width", "theme", "scripts"),
    [
        (360, "light", True),
        (360, "dark", True),
        (768, "dark", True),
        (1440, "light", True),
        (1440, "dark", True),
        (360, "dark", False),
        (1440, "light", False),
    ],
)
async def test_every_page_holds_in_every_width_and_theme(browser, platform, width, theme, scripts):
    ids = await fill(platform)
    async with serving(platform) as url:
        context = await browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=theme, java_script_enabled=scripts
        )
        page = await context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        for path in paths_of(ids):
            await page.goto(url + path)

            assert await page.evaluate(MEASURE) == [], path
            assert await page.title() != "run"
            assert await page.locator("main").inner_text()
        assert [text for text in said if "status of 404" not in text] == []
        await context.close()


@pytest.mark.parametrize("width", [360, 1440])
async def test_the_first_page_of_an_empty_journal_holds(browser, platform, width):
    async with serving(platform) as url:
        page = await browser.new_page(viewport={"width": width, "height": 800})
        for path in (
            "/",
            "/events",
            "/issues",
            "/handlers",
            "/sources",
            "/dead-letters",
            "/endpoints",
            "/messages",
            "/rejections",
        ):
            await page.goto(url + path)

            assert await page.evaluate(MEASURE) == [], path
        await page.close()


async def test_nothing_is_asked_of_another_host(browser, platform):
    ids = await fill(platform)
    async with serving(platform) as url:
        page = await browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        for path in paths_of(ids):
            await page.goto(url + path)

        assert asked
        assert [address for address in asked if not address.startswith((url, "data:"))] == []
        await page.close()


async def test_it_is_used_by_keyboard(browser, platform):
    ids = await everything(platform)
    async with serving(platform) as url:
        page = await browser.new_page(color_scheme="light")
        await page.goto(url + "/events")

        await page.keyboard.press("j")
        await page.keyboard.press("j")
        await page.keyboard.press("k")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{url}/events/evt_*")
        await page.keyboard.press("t")
        assert await page.evaluate("document.documentElement.dataset.theme") == "dark"
        await page.keyboard.press("/")
        await page.keyboard.type(ids["rejection"])
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{url}/rejections/{ids['rejection']}")
        assert await page.evaluate("document.documentElement.dataset.theme") == "dark"
        await page.keyboard.press("g")
        await page.keyboard.press("d")
        await page.wait_for_url(f"{url}/dead-letters")
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.className") == "skip"
        await page.close()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
async def test_its_forms_work_from_its_own_pages(browser, platform, scripts):
    await everything(platform)
    async with serving(platform) as url:
        context = await browser.new_context(java_script_enabled=scripts)
        page = await context.new_page()
        await page.goto(url + "/dead-letters")
        boxes = page.locator("tbody").get_by_role("checkbox")
        before = await boxes.count()
        await boxes.first.check()
        await page.get_by_role("button", name="Replay selected").click()
        assert "1 dead letter made due again" in plain(await page.get_by_role("status").last.inner_text())
        assert await boxes.count() == before - 1

        await page.goto(url + "/endpoints/new")
        await page.get_by_label("URL").fill("https://example.com/in")
        await page.get_by_label("Types").fill("order.*")
        await page.get_by_role("button", name="Add endpoint").click()
        assert "whsec_" in await page.locator("main").inner_text()
        await page.get_by_role("link", name="Open the endpoint").click()
        await page.get_by_label("More actions").click()
        await page.get_by_role("button", name="Switch off").click()
        assert "Switched off by a person" in await page.locator("main").inner_text()
        await context.close()


async def test_a_page_of_another_site_can_neither_read_nor_change(browser, platform):
    await everything(platform)
    dead = (await platform.journal.work.dead_letters())[0]
    async with serving(platform) as url:
        page = await browser.new_page()
        await page.route(
            "http://evil.example/",
            lambda route: route.fulfill(body="<title>evil</title>", content_type="text/html"),
        )
        await page.goto("http://evil.example/")

        read = await page.evaluate(f"fetch('{url}/api/received').then((a) => a.text(), () => 'refused')")
        form = "{method: 'POST', mode: 'no-cors', body: new URLSearchParams()}"
        await page.evaluate(f"fetch('{url}/dead-letters/{dead.id}/replay', {form}).catch(() => 'refused')")

        assert read == "refused"
        assert (await platform.journal.work.work(dead.id)).state == dead.state
        await page.close()
