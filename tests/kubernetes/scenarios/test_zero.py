"""To zero when nobody asks for a model, and back for the first who does."""

import asyncio
import time

import pytest

from tests.kubernetes.apply import apply
from tests.kubernetes.fleet_kit import hpa, variant_autoscaling, vllm
from tests.kubernetes.node_agent import A100, H100, NodeAgent
from tests.kubernetes.picker import picker
from tests.kubernetes.pod_command import EMULATE
from tests.kubernetes.scenarios.stage import INTERVAL_S, Stage
from tests.kubernetes.scenarios.traffic import Request, clients
from tests.kubernetes.waiting import until

pytestmark = pytest.mark.slow
RETENTION_S = 6
STARTUP_S = 20
SEEN_RETENTION_S = 20
TURNS_S = 10
"""Between usual turns of the loop, for which nobody has to wait."""
WOKEN_WITHIN_S = 1.5
FIRST_WOKEN_WITHIN_S = 8.0


@pytest.mark.parametrize("act", ["direct", "gauge"])
async def test_the_first_request_wakes_the_cheapest_variant_at_once_and_keeps_it(
    stage: Stage, agent: NodeAgent, act: str
) -> None:
    # A pod takes longer to start than a model is kept without requests: the one that waits for it has to keep it.
    slowly = {EMULATE: f"--startup {STARTUP_S}s"}
    await stage.to_zero_after(RETENTION_S)
    await apply(
        stage.api,
        stage.namespace,
        vllm("cheap", product=A100, replicas=0, annotations=slowly),
        vllm("dear", product=H100, replicas=0, annotations=slowly),
        variant_autoscaling("cheap", "cheap", cost="10"),
        variant_autoscaling("dear", "dear", cost="40"),
    )
    if act == "gauge":
        # Both do nothing at zero, whatever is published.
        await apply(stage.api, stage.namespace, *(hpa(stage.namespace, name, name) for name in ("cheap", "dear")))
    async with (
        picker(stage.api, stage.admin, stage.namespace) as gateway,
        stage.controller(None, WVA_ACT=act, GLOBAL_OPT_INTERVAL=f"{TURNS_S}s") as controller,
        clients(gateway.url) as traffic,
    ):
        await stage.condition("cheap", "MetricsAvailable", status="True")
        assert await stage.count("cheap") == await stage.count("dear") == 0

        request = traffic.ask(answer=20)
        woken_s = await _woken_after(stage, request)
        print(f"{act}: woken {woken_s:.2f} s after the request came")
        counts = await _counts_until_answered(stage, request)
        assert await controller.desired("cheap") in (1, None)

    assert request.answered, request
    assert request.ended is not None
    assert request.ended - request.asked > STARTUP_S, "it was not held"
    assert counts == {("cheap", 1), ("dear", 0)}
    assert woken_s < WOKEN_WITHIN_S


async def _woken_after(stage: Stage, request: Request) -> float:
    """Seconds from the request until some Deployment is to have a pod."""

    async def woken() -> bool:
        return await stage.count("cheap") + await stage.count("dear") > 0

    await until(woken, "the model is woken", every_s=0.02)
    return time.monotonic() - request.asked


async def _counts_until_answered(stage: Stage, request: Request) -> set[tuple[str, int]]:
    """Every count that each Deployment had until the request was answered."""
    counts = set()
    while request.ended is None:
        counts |= {(name, await stage.count(name)) for name in ("cheap", "dear")}
        assert time.monotonic() < request.asked + 90.0, "it is not answered"
        await asyncio.sleep(0.2)
    return counts


@pytest.mark.parametrize("asked", [True, False], ids=["asked before", "never asked"])
async def test_a_model_goes_to_zero_after_its_retention_and_comes_back(
    stage: Stage, agent: NodeAgent, asked: bool
) -> None:
    await stage.to_zero_after(SEEN_RETENTION_S)
    await apply(stage.api, stage.namespace, vllm("llama"), variant_autoscaling("llama", "llama"))
    async with (
        picker(stage.api, stage.admin, stage.namespace) as gateway,
        stage.controller() as controller,
        clients(gateway.url) as traffic,
    ):
        await stage.pods_are("llama", 1)
        await controller.turns(1)
        rested = time.monotonic()
        if asked:
            for _ in range(20):
                traffic.ask(prompt=200, answer=20)
                await asyncio.sleep(0.5)
            await traffic.over()
            rested = time.monotonic()
        await stage.counts("llama", 0)
        kept_s = time.monotonic() - rested
        await stage.pods_are("llama", 0)
        await controller.desires("llama", 0.0)

        request = traffic.ask(answer=20)
        # Its picker is looked at seldom until it is known to be at zero.
        await stage.counts("llama", 1, limit_s=FIRST_WOKEN_WITHIN_S)
        await traffic.over()
    assert request.ended is not None
    print(f"at zero {kept_s:.1f} s after the last request, answered {request.ended - request.asked:.1f} s")
    assert set(traffic.outcomes()) == {"answered"}
    # A sample of the picker may be 5 s old, and the pod is drained before it is stopped.
    assert SEEN_RETENTION_S - 3 * INTERVAL_S <= kept_s < SEEN_RETENTION_S + 25.0
