"""A fleet that is measured by a Prometheus server: followed while it says something, held while it does not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from tests.kubernetes.apply import apply
from tests.kubernetes.fleet_kit import variant_autoscaling, vllm
from tests.kubernetes.monitoring import monitoring
from tests.kubernetes.node_agent import NodeAgent
from tests.kubernetes.picker import picker
from tests.kubernetes.scenarios.stage import Controller, Stage
from tests.kubernetes.scenarios.traffic import ended, load
from tests.prometheus.servers import serving
from tests.waiting import free_port

pytestmark = pytest.mark.slow
STALE_LIMIT_S = 150.0
"""Figures count for 60 s, bad news is told once it has lasted for 30 s, and the machine is busy."""
NONSENSE = (
    ("<html>Welcome</html>", "text/html"),
    ('{"status":"success","data":{"resultType":"vector","result":[{"metric":7}]}}', "application/json"),
    ('{"status":"success","data":{"resultType":"scalar","result":[0,"NaN"]}}', "application/json"),
    ("[1, 2", "application/json"),
)


@dataclass
class Watched:
    """Every count of a variant, written and published, that was seen."""

    stage: Stage
    controller: Controller
    variant: str
    counts: set[int] = field(default_factory=set)
    published: set[float | None] = field(default_factory=set)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.counts.add(await self.stage.count(self.variant))
            self.published.add(await self.controller.desired(self.variant))
            await asyncio.sleep(0.3)


@asynccontextmanager
async def watched(stage: Stage, controller: Controller, variant: str) -> AsyncIterator[Watched]:
    """Look at a variant's counts until the end of the block."""
    found = Watched(stage, controller, variant)
    looking = asyncio.create_task(found.run())
    try:
        yield found
    finally:
        await ended(looking)


def measured_by(url: str) -> dict[str, str]:
    """Settings of a controller that asks that server."""
    return {"PROMETHEUS_BASE_URL": url, "PROMETHEUS_ALLOW_HTTP": "true"}


async def test_it_grows_by_what_prometheus_says_and_is_held_while_prometheus_is_away(
    stage: Stage, agent: NodeAgent
) -> None:
    await apply(stage.api, stage.namespace, vllm("llama"), variant_autoscaling("llama", "llama"))
    port, directory = free_port(), stage.directory / "prometheus"
    async with (
        picker(stage.api, stage.admin, stage.namespace) as gateway,
        stage.controller(None, measured_by(f"http://127.0.0.1:{port}")) as controller,
    ):
        async with monitoring(directory, stage.admin, [stage.namespace], port=port):
            async with load(gateway.url, 20.0):
                grown = await stage.counts("llama", *range(2, 17))
                await stage.pods_are("llama", grown)
            await stage.condition("llama", "MetricsAvailable", status="True")
        before = await stage.count("llama")
        async with watched(stage, controller, "llama") as seen:
            lost = await stage.condition("llama", "MetricsAvailable", limit_s=STALE_LIMIT_S, status="False")
        async with monitoring(directory, stage.admin, [stage.namespace], port=port):
            await stage.condition("llama", "MetricsAvailable", status="True")

    assert lost["reason"] == "PrometheusError"
    assert seen.counts == {before}
    assert seen.published <= {before, None}, "never another count for unknown"


async def test_nothing_is_made_of_nonsense(stage: Stage, agent: NodeAgent) -> None:
    await apply(stage.api, stage.namespace, vllm("llama", replicas=2), variant_autoscaling("llama", "llama"))
    sense = list[str]()
    asked = list[str]()

    async with aiohttp.ClientSession() as http:

        async def answer(request: web.Request) -> web.Response:
            if not sense:
                text, kind = NONSENSE[len(asked) % len(NONSENSE)]
                asked.append(request.path)
                return web.Response(text=text, content_type=kind)
            async with http.get(f"{sense[0]}{request.path}", params=request.query) as answered:
                return web.Response(body=await answered.read(), status=answered.status, content_type="application/json")

        async with (
            serving(answer, "/{path:.*}") as url,
            picker(stage.api, stage.admin, stage.namespace) as gateway,
            stage.controller(None, measured_by(url)) as controller,
            load(gateway.url, 1.0),
        ):
            async with watched(stage, controller, "llama") as seen:
                lost = await stage.condition("llama", "MetricsAvailable", status="False")
            assert len(asked) > len(NONSENSE)
            async with monitoring(stage.directory / "prometheus", stage.admin, [stage.namespace]) as source:
                sense.append(source.url)
                found = await stage.condition("llama", "MetricsAvailable", status="True")

    assert lost["reason"] == "PrometheusError"
    assert found["reason"] == "MetricsFound"
    assert seen.counts == {2}
    assert seen.published <= {2, None}, "never another count for unknown"


async def test_figures_that_are_too_old_count_as_none(stage: Stage, agent: NodeAgent) -> None:
    await apply(stage.api, stage.namespace, vllm("llama", replicas=2), variant_autoscaling("llama", "llama"))
    scraped = [stage.namespace]
    async with (
        picker(stage.api, stage.admin, stage.namespace) as gateway,
        monitoring(stage.directory / "prometheus", stage.admin, scraped) as source,
        stage.controller(None, measured_by(source.url)) as controller,
    ):
        async with load(gateway.url, 1.0):
            await stage.condition("llama", "MetricsAvailable", status="True")
        # Prometheus answers as before, and nobody scrapes the pods any more.
        scraped.clear()
        async with watched(stage, controller, "llama") as seen:
            lost = await stage.condition("llama", "MetricsAvailable", limit_s=STALE_LIMIT_S, status="False")
        scraped.append(stage.namespace)
        await stage.condition("llama", "MetricsAvailable", status="True")

    assert lost["reason"] == "MetricsStale"
    assert seen.counts == {2}
    assert seen.published <= {2, None}, "never another count for unknown"
