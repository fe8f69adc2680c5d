"""To zero when nobody asks for a model, and back for the first who does."""

import asyncio
import time

import pytest

from tests.kubernetes.apply import apply
from tests.kubernetes.fleet_kit import hpa, variant_autoscaling, vllm
from tests.kubernetes.node_agent import A100, H100, NodeAgent
from tests.kubernetes.picker import picker
from tests.kubernetes.pod_command import EMULATE
from tests.kubernetes.scenarios.stage import Stage
from tests.kubernetes.scenarios.traffic import Request, clients
from tests.kubernetes.waiting import until
from wva.kubernetes.configuration.parse import SCALE_TO_ZERO

pytestmark = pytest.mark.slow
RETENTION_S = 6
STARTUP_S = 20
TURNS_S = 10
"""Between usual turns of the loop, for which nobody has to wait."""
WOKEN_WITHIN_S = 1.5


async def goes_to_zero(stage: Stage) -> None:
    """Have all models of the namespace go to zero soon after their last request."""
    said = f"enable_scale_to_zero: true\nretention_period: {RETENTION_S}s\n"
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": SCALE_TO_ZERO}, "data": {"default": said}}
    await apply(stage.api, stage.namespace, body)


@pytest.mark.parametrize("act", ["direct", "gauge"])
async def test_the_first_request_wakes_the_cheapest_variant_at_once_and_keeps_it(
    stage: Stage, agent: NodeAgent, act: str
) -> None:
    # A pod takes longer to start than a model is kept without requests: the one that waits for it has to keep it.
    slowly = {EMULATE: f"--startup {STARTUP_S}s"}
    await goes_to_zero(stage)
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
