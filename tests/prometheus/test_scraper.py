"""Direct scraping of real servers: what each says, and that none of them stands in another's way."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web

from tests.prometheus.pages import GATEWAY, REAL_VLLM
from tests.prometheus.servers import hanging, serving, showing
from tests.waiting import free_port, until
from wva.control.clock import SystemClock
from wva.fleet.readings import Endpoint, InstanceReading, LoadReading
from wva.prometheus.scraper import Scraper, ScraperSettings

FAST = ScraperSettings(interval_s=0.05, timeout_s=0.5)
OFTEN = 300.0
"""Longer than any test: only what is scraped at once is scraped."""


def endpoint(name: str, url: str) -> Endpoint:
    return Endpoint(name, "m", "v", url)


@contextlib.asynccontextmanager
async def scraping(
    *pages: Callable[..., object], settings: ScraperSettings = FAST, **more: object
) -> AsyncIterator[tuple[Scraper, list[Endpoint]]]:
    async with contextlib.AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(serving(page)) for page in pages]  # type: ignore[arg-type]
        scraper = await stack.enter_async_context(Scraper(SystemClock(), settings=settings, **more))  # type: ignore[arg-type]
        yield scraper, [endpoint(f"i{number}", url) for number, url in enumerate(urls)]


async def test_the_first_reading_waits_for_the_first_scrape() -> None:
    async with scraping(showing(REAL_VLLM), settings=ScraperSettings(OFTEN)) as (scraper, endpoints):
        readings = await scraper.read(endpoints, ["m"])
    reading = readings.instances["i0"]
    assert reading.kv_capacity_tokens == 40_000
    assert reading.metrics is not None
    assert (reading.metrics.running, reading.metrics.kv_usage, reading.metrics.prompt_tokens_total) == (4, 0.25, 8295)
    assert reading.metrics.prompt_tokens_rate_5m is None
    assert 0 <= reading.metrics.age_s < 5
    assert readings.traffic == {}


async def test_a_sample_that_is_wanted_comes_at_once() -> None:
    asked = list[int]()

    def page() -> str:
        asked.append(len(asked) + 1)
        return REAL_VLLM.replace("8295.0", str(1000 * len(asked)))

    async with scraping(showing(page), settings=ScraperSettings(OFTEN)) as (scraper, endpoints):
        await scraper.read(endpoints, ["m"])
        await asyncio.gather(scraper.sample(["i0"]), scraper.sample(["gone"]))
        reading = scraper.readings(["i0"])["i0"]
    assert asked == [1, 2]
    assert reading.metrics is not None
    assert reading.metrics.prompt_tokens_total == 2000


async def test_rates_come_with_the_second_scrape_and_listeners_hear_of_each() -> None:
    scrapes = 0
    heard: list[LoadReading] = []

    def page() -> str:
        nonlocal scrapes
        scrapes += 1
        return REAL_VLLM.replace("8295.0", str(1000 * scrapes))

    def listen(instance: str, reading: LoadReading) -> None:
        assert instance == "i0"
        heard.append(reading)
        raise RuntimeError("a listener that fails")

    async with scraping(showing(page), on_reading=listen) as (scraper, endpoints):
        scraper.follow(endpoints)
        await until(lambda: len(heard) >= 3)
        last = (await scraper.read(endpoints, [])).instances["i0"].metrics
    assert {(one.running, one.waiting, one.kv_usage, one.kv_capacity_tokens) for one in heard} == {(4, 2, 0.25, 40_000)}
    assert last is not None
    assert last.prompt_tokens_rate_5m is not None
    assert last.prompt_tokens_rate_5m > 0


@pytest.mark.parametrize(
    "broken",
    [
        showing("no metrics at all\n"),
        showing(REAL_VLLM[:-1]),
        showing(REAL_VLLM.replace("} 4.0", "} NaN")),
        showing(REAL_VLLM.replace("} 4.0", "} -4")),
        hanging,
    ],
)
async def test_what_one_says_or_does_not_say_leaves_the_others_alone(broken: Callable[..., object]) -> None:
    async with scraping(showing(REAL_VLLM), broken, showing(REAL_VLLM)) as (scraper, endpoints):
        readings = await scraper.read(endpoints, [])
        assert readings.instances["i1"] == InstanceReading(None, None)
        assert [one for one in readings.instances.values() if one.metrics is not None] != []
        for name in ("i0", "i2"):
            metrics = readings.instances[name].metrics
            assert metrics is not None
            assert metrics.running == 4
        assert list(scraper.problems.now) == ["scrape of i1"]


async def test_a_page_that_breaks_off_is_not_believed() -> None:
    async def page(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(REAL_VLLM))})
        await response.prepare(request)
        await response.write(REAL_VLLM[: len(REAL_VLLM) // 2].encode())
        assert request.transport is not None
        request.transport.close()
        return response

    async with scraping(page) as (scraper, endpoints):
        assert (await scraper.read(endpoints, [])).instances["i0"].metrics is None


async def test_what_is_gone_keeps_its_last_reading_as_it_ages_and_nonsense_is_unknown_until_sense() -> None:
    text = REAL_VLLM
    heard: list[bool] = []

    async def page(_: web.Request) -> web.Response:
        return web.Response(status=503) if text == "" else web.Response(text=text)

    def listen(_: str, reading: LoadReading) -> None:
        heard.append(reading.running is not None)

    async with scraping(page, on_reading=listen) as (scraper, endpoints):
        first = (await scraper.read(endpoints, [])).instances["i0"]
        text = ""
        await until(lambda: bool(scraper.problems.now))
        await asyncio.sleep(0.1)
        aged = (await scraper.read(endpoints, [])).instances["i0"]
        assert first.metrics is not None
        assert aged.metrics is not None
        assert aged.metrics.age_s > first.metrics.age_s
        assert aged.metrics.running == 4
        assert "503" in scraper.problems.now["scrape of i0"]
        text = "garbage\n"
        await until(lambda: not heard[-1])
        assert (await scraper.read(endpoints, [])).instances["i0"] == InstanceReading(None, 40_000)
        text = REAL_VLLM
        await until(lambda: heard[-1])
        await until(lambda: not scraper.problems.now)


async def test_what_routing_asks_for_in_between_enters_no_window() -> None:
    asked = 0
    heard: list[LoadReading] = []

    def page() -> str:
        nonlocal asked
        asked += 1
        return REAL_VLLM.replace("8295.0", str(1000 * asked))

    settings = ScraperSettings(interval_s=0.02, sample_s=OFTEN, timeout_s=5.0)
    async with scraping(showing(page), settings=settings, on_reading=lambda _, load: heard.append(load)) as (
        scraper,
        endpoints,
    ):
        scraper.follow(endpoints)
        await until(lambda: len(heard) >= 5)
        seen = (await scraper.read(endpoints, [])).instances["i0"].metrics
    assert seen is not None
    assert (seen.prompt_tokens_total, seen.prompt_tokens_rate_5m) == (1000, None)


async def test_a_hung_instance_is_asked_again_only_when_its_time_is_up() -> None:
    asked = 0

    async def page(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return await hanging(request)

    async with scraping(page, settings=ScraperSettings(0.01, timeout_s=0.3)) as (scraper, endpoints):
        scraper.follow(endpoints)
        await asyncio.sleep(0.7)
    assert 1 <= asked <= 4


async def test_an_instance_that_is_not_followed_any_more_is_forgotten() -> None:
    async with scraping(showing(REAL_VLLM)) as (scraper, endpoints):
        gone = endpoint("gone", f"http://127.0.0.1:{free_port()}")
        await scraper.read([*endpoints, gone], [])
        assert list(scraper.problems.now) == ["scrape of gone"]
        readings = await scraper.read(endpoints, [])
        assert readings.instances.keys() == {"i0"}
        await asyncio.sleep(0.1)
        assert not scraper.problems.now


async def test_an_instance_that_goes_while_its_first_scrape_is_waited_for_is_unknown() -> None:
    async with scraping(hanging) as (scraper, endpoints):
        reading = asyncio.create_task(scraper.read(endpoints, []))
        await asyncio.sleep(0.05)
        scraper.follow([])
        assert (await reading).instances == {}
        scraper.follow(endpoints)
        scraper.follow([])
        await asyncio.sleep(0.05)
        assert not scraper.problems.now


async def test_traffic_is_the_gateways() -> None:
    text = GATEWAY
    async with (
        serving(showing(lambda: text)) as gateway,
        Scraper(SystemClock(), gateway, FAST) as scraper,
    ):
        seen = (await scraper.read([], ["m", "never"])).traffic
        assert seen.keys() == {"m"}
        assert (seen["m"].arrivals_total, seen["m"].queue_requests, seen["m"].in_flight) == (111, 7, 9)
        assert seen["m"].failed_total == 2
        text = "garbage\n"
        await until(lambda: bool(scraper.problems.now))
        assert (await scraper.read([], ["m"])).traffic == {}
        text = GATEWAY
        await until(lambda: not scraper.problems.now)
        assert (await scraper.read([], ["m"])).traffic["m"].arrivals_total == 111
