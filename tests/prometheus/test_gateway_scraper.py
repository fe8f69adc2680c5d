"""Several gateways, or endpoint pickers, of which each is asked for itself."""

from pathlib import Path

from aiohttp import web

from tests.prometheus.pages import GATEWAY
from tests.prometheus.servers import serving, showing
from tests.waiting import until
from wva.control.clock import SystemClock
from wva.prometheus.gateway_scraper import GatewayScraper, GatewayTarget
from wva.prometheus.polling import PollingSettings
from wva.record.problems import Problems

FAST = PollingSettings(interval_s=0.05, timeout_s=0.5)


async def test_two_gateways_add_up_and_one_that_is_not_believed_makes_all_unknown() -> None:
    text, problems = GATEWAY, Problems()
    queues: dict[str, float] = {}
    async with (
        serving(showing(GATEWAY)) as first,
        serving(showing(lambda: text)) as second,
        GatewayScraper(SystemClock(), FAST, problems, queues.__setitem__) as scraper,
    ):
        targets = [GatewayTarget("a", first, namespace="team"), GatewayTarget("b", second, namespace="team")]
        scraper.follow(targets)
        seen = await scraper.read(["team/m", "m"])
        assert seen.keys() == {"team/m"}
        assert (seen["team/m"].arrivals_total, seen["team/m"].queue_requests) == (222, 14)
        assert queues["team/m"] == 7

        text = "garbage\n"
        await until(lambda: bool(problems.now))
        assert await scraper.read(["team/m"]) == {}
        # Followed no longer, it has no say.
        scraper.follow(targets[:1])
        assert (await scraper.read(["team/m"]))["team/m"].arrivals_total == 111
        assert not problems.now


async def test_a_token_is_shown_as_it_is_now(tmp_path: Path) -> None:
    shown: list[str | None] = []

    async def page(request: web.Request) -> web.Response:
        shown.append(request.headers.get("Authorization"))
        return web.Response(text=GATEWAY)

    file = tmp_path / "token"
    file.write_text("one\n")
    async with serving(page) as url, GatewayScraper(SystemClock(), FAST, Problems()) as scraper:
        scraper.follow([GatewayTarget("a", url, token="never", token_file=file)])
        await until(lambda: "Bearer one" in shown)
        file.write_text("two\n")
        await until(lambda: "Bearer two" in shown)
    assert "Bearer never" not in shown


async def test_each_is_asked_as_often_as_it_is_to_be() -> None:
    counts = {"often": 0, "seldom": 0}

    def counting(name: str) -> str:
        counts[name] += 1
        return GATEWAY

    async with (
        serving(showing(lambda: counting("often"))) as often,
        serving(showing(lambda: counting("seldom"))) as seldom,
        GatewayScraper(SystemClock(), FAST, Problems()) as scraper,
    ):
        scraper.follow([GatewayTarget("a", often), GatewayTarget("b", seldom, interval_s=300.0)])
        await until(lambda: counts["often"] > 5)
        assert counts["seldom"] == 1
        # From now on it is watched closely.
        scraper.follow([GatewayTarget("a", often), GatewayTarget("b", seldom)])
        await until(lambda: counts["seldom"] > 3)
