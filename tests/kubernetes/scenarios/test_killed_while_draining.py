"""A controller that is killed while pods drain, and the next one, which goes on where it was."""

import signal
from typing import Any

import pytest

from tests.kubernetes.apply import apply
from tests.kubernetes.fleet_kit import variant_autoscaling, vllm
from tests.kubernetes.node_agent import A100
from tests.kubernetes.scenarios.leading import QUICK, declared, pinned
from tests.kubernetes.scenarios.pace import SLOWER, at_pace
from tests.kubernetes.scenarios.stage import Stage
from tests.kubernetes.scenarios.traffic import Traffic, clients
from tests.kubernetes.waiting import until
from wva.kubernetes.api.resource import VARIANT_AUTOSCALINGS
from wva.kubernetes.objects.pod import DRAINING, SERVING_GATE

pytestmark = pytest.mark.slow
GATED = {"readinessGates": [{"conditionType": SERVING_GATE}]}
TOKENS = 300


async def test_the_next_one_ends_what_it_began(stage: Stage) -> None:
    async with declared(stage, 3, per_s=0.0, pod=GATED) as gateway, clients(gateway.url) as traffic:
        staying = await _killed(stage, traffic)
        assert await stage.count("llama") == 3, "what serves is not stopped"
        async with stage.controller(**QUICK):
            assert traffic.outcomes() == {"open": 6}
            await at_pace(1.0, stage, traffic)
            await stage.counts("llama", 1)
            await traffic.over()
            await stage.pods_are("llama", 1)
        assert traffic.outcomes() == {"answered": 6}
        (left,) = await stage.pods("llama")
        assert left["metadata"]["name"] == staying
        assert not _draining(left)


async def test_the_next_one_takes_back_what_is_wanted_again(stage: Stage) -> None:
    async with declared(stage, 3, per_s=0.0, pod=GATED) as gateway, clients(gateway.url) as traffic:
        await _killed(stage, traffic)
        before = {pod["metadata"]["uid"] for pod in await stage.pods("llama")}
        await pinned(stage, "llama", 3)
        async with stage.controller(**QUICK):
            await stage.pods_are("llama", 3)
            await until(lambda: _none_drain(stage), "all serve again")
            assert await stage.count("llama") == 3
        after = await stage.pods("llama")
        assert {pod["metadata"]["uid"] for pod in after} == before
        assert traffic.outcomes().keys() <= {"answered", "open"}


async def test_the_next_one_puts_back_what_is_declared_no_longer(stage: Stage) -> None:
    async with declared(stage, 3, per_s=0.0, pod=GATED) as gateway, clients(gateway.url) as traffic:
        await _killed(stage, traffic)
        before = {pod["metadata"]["uid"] for pod in await stage.pods("llama")}
        await stage.api.delete(VARIANT_AUTOSCALINGS, stage.namespace, "llama")
        async with stage.controller(**QUICK):
            await until(lambda: _none_drain(stage), "nothing is left of the drains")
            await stage.pods_are("llama", 3)
        assert {pod["metadata"]["uid"] for pod in await stage.pods("llama")} == before


async def test_pods_with_a_gate_serve_though_nothing_can_be_decided_of_them(stage: Stage) -> None:
    deployed = vllm("llama", "--pipeline-parallel-size", "2", product=stage.product(A100), gpus=2, pod=GATED)
    async with stage.nodes({A100: 8}), stage.controller(**QUICK):
        await apply(stage.api, stage.namespace, deployed, variant_autoscaling("llama", "llama"))
        await stage.condition("llama", "OptimizationReady", status="False", reason="NotModelled")
        await stage.pods_are("llama", 1)


async def _killed(stage: Stage, traffic: Traffic) -> str:
    """Have a controller killed while two of three pods drain that serve; the name of the third."""
    async with stage.controller(**QUICK) as first:
        await stage.pods_are("llama", 3)
        await at_pace(SLOWER, stage, traffic)
        for _ in range(6):
            traffic.ask(prompt=50, answer=TOKENS)
        await until(lambda: _served(traffic), "each has begun")
        await pinned(stage, "llama", 1)

        async def marked() -> bool:
            return sum(map(_draining, await stage.pods("llama"))) == 2

        await until(marked, "two drain")
        first.send(signal.SIGKILL)
        await first.ended()
    (staying,) = [pod for pod in await stage.pods("llama") if not _draining(pod)]
    return str(staying["metadata"]["name"])


async def _served(traffic: Traffic) -> bool:
    return all(each.tokens for each in traffic.requests)


async def _none_drain(stage: Stage) -> bool:
    return not any(map(_draining, await stage.pods("llama")))


def _draining(pod: dict[str, Any]) -> bool:
    return DRAINING in (pod["metadata"].get("annotations") or {})
