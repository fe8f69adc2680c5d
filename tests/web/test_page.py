"""The page in a real browser: the command, the control API and the client between it and a told fleet are real."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect

from tests.web.story import Story, ToldFleet
from wva.fleet.errors import UserError
from wva.live.run_directory import RUN_FILE, RunFile, write_run_file
from wva.live.server import ControlServer
from wva.web.launch import LaunchedPage, launch

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

CHROMIUM = "/usr/bin/chromium"
PATIENCE_MS = 30_000
WIDE, PHONE = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)
TOKEN = "secret"


@dataclass
class Stage:
    """A told fleet behind a real control API, and the page of it."""

    directory: Path
    browser: Browser
    page: LaunchedPage
    fleet: ToldFleet = field(default_factory=lambda: ToldFleet(Story(), seconds_a_tick=0.1))
    server: ControlServer | None = None
    starts: int = 0

    async def begin(self, until: float = 800.0) -> Story:
        """A fleet that was just started, at this time of its story."""
        await self.end()
        self.starts += 1
        story = Story(start=1_760_000_000.0 + 10_000.0 * self.starts)
        while story.now < until:
            story.tell()
        self.fleet = ToldFleet(story, seconds_a_tick=0.1)
        self.server = ControlServer(self.fleet, TOKEN, lambda: [])
        url = await self.server.start()
        write_run_file(self.directory, RunFile("demonstration", 1, url, TOKEN, "http://127.0.0.1:8000", "journals"))
        await asyncio.wait_for(self.fleet.heard.wait(), PATIENCE_MS / 1000)
        return story

    async def end(self) -> None:
        """The fleet stops, and tells nobody."""
        if self.server is not None:
            self.fleet.gone = True
            await self.server.stop()
            (self.directory / RUN_FILE).unlink()
            self.server = None

    @asynccontextmanager
    async def visit(self, size: ViewportSize = WIDE, *, dark: bool = False) -> AsyncIterator[Page]:
        """An open page; what it complains of, or asks of other hosts, fails the test."""
        context = await self.browser.new_context(viewport=size, color_scheme="dark" if dark else "light")
        page = await context.new_page()
        wrong: list[str] = []
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith(self.page.url) else wrong.append(asked.url))
        page.set_default_timeout(PATIENCE_MS)
        await page.goto(self.page.url)
        yield page
        await context.close()
        assert [text for text in wrong if not text.startswith(("data:", "blob:"))] == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    directory = tmp_path_factory.mktemp("run")
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = await launch(directory, "127.0.0.1", 0)
        stage = Stage(directory, browser, page)
        try:
            yield stage
        finally:
            await stage.end()
            await page.close()
            await browser.close()


async def _give_token(page: Page, token: str) -> None:
    await page.get_by_label("Token", exact=True).last.fill(token)
    await page.get_by_role("button", name="Go on").click()


async def test_replicas_figures_charts_and_decisions_are_shown(stage: Stage) -> None:
    story = await stage.begin()
    async with stage.visit() as page:
        for replica in story.replicas:
            await expect(page.get_by_text(replica.id, exact=True)).to_be_visible()
        await expect(page.get_by_role("heading", name="demonstration")).to_be_visible()
        await expect(page.locator(".tile").filter(has_text="TTFT p90")).to_contain_text("2 s")
        await expect(page.locator(".chart svg")).to_have_count(9)
        newest = next(tick for tick in reversed(story.ticks) if tick.changes)
        first = page.locator("details.changed").first
        for point in newest.variants:
            if point.before != point.target:
                await expect(first).to_contain_text(f"{point.name} {point.before} → {point.target}")
        story.tell()
        await expect(page.locator(".decisions .held").first).to_contain_text("Held for")


async def test_reasons_open_on_click_and_by_keyboard_and_stay_open(stage: Stage) -> None:
    story = await stage.begin()
    async with stage.visit() as page:
        moment = await page.locator("details.changed time").first.inner_text()
        entry = page.locator("details.changed").filter(has_text=moment)
        reason = entry.locator(".reasons li").filter(has_text="until engine time binds").first
        await expect(reason).to_be_hidden()
        await entry.locator("summary").click()
        await expect(reason).to_be_visible()
        story.tell()
        story.tell()
        await expect(page.locator(".facts")).to_contain_text("up for 14m")
        await expect(reason).to_be_visible()
        await entry.locator("summary").focus()
        await page.keyboard.press("Enter")
        await expect(reason).to_be_hidden()


async def test_pausing_needs_the_token_once(stage: Stage) -> None:
    story = await stage.begin()
    async with stage.visit() as page:
        await page.get_by_role("button", name="Pause").click()
        await _give_token(page, "guessed")
        await expect(page.locator("dialog")).to_contain_text("This is not the token")
        assert not story.paused
        await _give_token(page, TOKEN)
        await expect(page.locator(".banner")).to_contain_text("Paused.")
        await expect(page.locator("dialog")).to_be_hidden()
        await page.get_by_role("button", name="Resume").click()
        await expect(page.locator(".banner")).not_to_contain_text("Paused.")
        assert not story.paused
        await page.reload()
        await page.get_by_role("button", name="Pause").click()
        await expect(page.locator(".banner")).to_contain_text("Paused.")


async def test_a_variant_is_pinned_and_left_to_the_policy_again(stage: Stage) -> None:
    story = await stage.begin()
    async with stage.visit() as page:
        choice = page.get_by_label("Who decides on the count of a100")
        await choice.select_option("hold at 3")
        await expect(page.locator("dialog")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(choice).to_have_value("auto")
        await choice.select_option("hold at 2")
        await _give_token(page, "guessed")
        await page.get_by_role("button", name="Cancel").click()
        await expect(choice).to_have_value("auto")
        assert story.pins == {}
        await choice.select_option("hold at 2")
        await _give_token(page, TOKEN)
        await expect(choice).to_have_value("2")
        await expect(page.locator("dialog")).to_be_hidden()
        assert story.pins == {"a100": 2}
        await choice.select_option("policy decides")
        await expect(choice).to_have_value("auto")
        await page.wait_for_timeout(300)
        assert story.pins == {}


async def test_a_lost_fleet_is_said_to_be_lost_and_found_again_where_it_is_then(stage: Stage) -> None:
    await stage.begin()
    async with stage.visit() as page:
        await expect(page.locator(".pill")).to_have_text("live")
        await stage.end()
        await expect(page.locator(".banner")).to_contain_text("The fleet cannot be heard")
        await expect(page.get_by_role("button", name="Pause")).to_be_disabled()
        await expect(page.locator(".row.ready").first).to_be_visible()
        await stage.begin(until=120.0)
        await expect(page.locator(".pill")).to_have_text("live")
        await expect(page.locator(".facts")).to_contain_text("up for 2m,")


async def test_nothing_is_there_yet(stage: Stage) -> None:
    await stage.begin(until=0.0)
    async with stage.visit() as page:
        await expect(page.get_by_text("No replica. The first request brings one.")).to_have_count(2)
        await expect(page.get_by_text("No decision yet.")).to_be_visible()
        await expect(page.locator(".chart.replicas")).to_contain_text("nothing known yet")


async def test_problems_are_told_at_the_top(stage: Stage) -> None:
    story = await stage.begin()
    story.problems["journal"] = "cannot be written: No space left on device"
    async with stage.visit() as page:
        await expect(page.get_by_role("alert")).to_have_text(re.compile("journal cannot be written: No space left"))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("until", [0.0, 800.0])
async def test_it_fits_and_follows_the_system(stage: Stage, size: ViewportSize, dark: bool, until: float) -> None:
    await stage.begin(until)
    async with stage.visit(size, dark=dark) as page:
        await expect(page.locator(".chart svg")).to_have_count(9)
        assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        colour = "rgb(13, 18, 23)" if dark else "rgb(243, 246, 249)"
        await expect(page.locator("body")).to_have_css("background-color", colour)


async def test_colours_are_switched_and_kept(stage: Stage) -> None:
    await stage.begin()
    async with stage.visit() as page:
        button = page.locator("#theme")
        await expect(button).to_have_attribute("data-theme", "auto")
        await button.click()
        await button.click()
        await page.reload()
        await expect(page.locator("body")).to_have_css("background-color", "rgb(13, 18, 23)")


async def test_changing_numbers_move_nothing(stage: Stage) -> None:
    story = await stage.begin(until=400.0)
    async with stage.visit() as page:
        await expect(page.locator(".pill")).to_have_text("live")
        await expect(page.locator(".chart svg")).to_have_count(9)
        places = (
            "[...document.querySelectorAll('.tile, .chart, .variant, .decisions')].map(e => {"
            " const r = e.getBoundingClientRect(); return [r.x, r.y, r.width, r.height]})"
        )
        before = await page.evaluate(places)
        for _ in range(20):
            story.tell()
        await expect(page.locator(".facts")).to_contain_text("up for 11m")
        assert await page.evaluate(places) == before


async def test_without_a_fleet_it_says_where_it_looks_and_ends_with_who_launched_it(
    stage: Stage, tmp_path: Path
) -> None:
    launched = await launch(tmp_path, "127.0.0.1", 0)
    visitor = await stage.browser.new_page()
    await visitor.goto(launched.url)
    await expect(visitor.get_by_role("heading", name="Looking for a fleet")).to_be_visible()
    await expect(visitor.get_by_text(str(tmp_path)).first).to_be_visible()
    await visitor.close()
    await launched.close()
    with socket.socket() as free:
        # Connections that have ended may linger on the port; whoever listens there would still be noticed.
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", int(launched.url.rpartition(":")[2])))


async def test_a_taken_port_is_one_line(stage: Stage, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"the page cannot listen on 127\.0\.0\.1:\d+: Address already in use"):
        await launch(tmp_path, "127.0.0.1", int(stage.page.url.rpartition(":")[2]))
