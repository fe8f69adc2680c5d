"""Down without cutting an answer short: pods end what they have before they are stopped, and can be taken back."""

import asyncio
import time
from typing import Any

import pytest

from tests.kubernetes.apply import apply
from tests.kubernetes.fleet_kit import MODEL_LABEL, variant_autoscaling, vllm
from tests.kubernetes.node_agent import NodeAgent
from tests.kubernetes.picker import Picker, picker
from tests.kubernetes.scenarios.pace import SLOWER, at_pace
from tests.kubernetes.scenarios.stage import Stage, is_ready
from tests.kubernetes.scenarios.traffic import Traffic, clients
from tests.kubernetes.waiting import until
from wva.kubernetes.objects.pod import DRAINING, SERVING_GATE
from wva.kubernetes.orders import PIN

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("way", ["label", "gate"])]
STREAMS = 12
TOKENS = 300
SHORT_GRACE_S = 2
"""What a pod that is only told to stop gets: far less than its streams need."""


def served_by(way: str) -> dict[str, Any]:
    """Three pods that are drained in that way."""
    gate = {"readinessGates": [{"conditionType": SERVING_GATE}]} if way == "gate" else {}
    return vllm("llama", replicas=3, pod={"terminationGracePeriodSeconds": SHORT_GRACE_S, **gate})


async def streaming(stage: Stage, traffic: Traffic) -> None:
    """Have answers under way in all pods that go on until they are ``hurried``."""
    await at_pace(SLOWER, stage, traffic)
    for number in range(STREAMS):
        traffic.ask(prompt=200, answer=TOKENS, text=f"{number} ")

    async def begun() -> bool:
        return all(each.tokens > 0 for each in traffic.requests)

    await until(begun, "all streams have begun")


async def hurried(stage: Stage, traffic: Traffic) -> None:
    """Let the answers come to their ends, none of which has ended before."""
    assert traffic.outcomes() == {"open": STREAMS}
    await at_pace(1.0, stage, traffic)


async def test_a_pod_that_is_too_many_ends_its_streams_before_it_is_stopped(
    stage: Stage, agent: NodeAgent, way: str
) -> None:
    await apply(stage.api, stage.namespace, served_by(way), pinned(3))
    async with (
        picker(stage.api, stage.admin, stage.namespace) as gateway,
        stage.controller() as controller,
        clients(gateway.url) as traffic,
    ):
        await stage.pods_are("llama", 3)
        await until(lambda: routed(gateway, 3), "the gateway knows all pods")
        await streaming(stage, traffic)
        first = {pod["metadata"]["name"] for pod in await stage.pods("llama")}
        await apply(stage.api, stage.namespace, pinned(1))

        await until(lambda: routed(gateway, 1), "the gateway sends to one pod only")
        assert await stage.count("llama") == 3, "stopped with streams in flight"
        await hurried(stage, traffic)
        await stage.counts("llama", 1)
        stopped = time.monotonic()
        await stage.pods_are("llama", 1)
        await traffic.over()
        left = {pod["metadata"]["name"] for pod in await stage.pods("llama")}
        assert await controller.desired("llama") in (1, None)

    assert traffic.outcomes() == {"answered": STREAMS}
    assert left < first, "no new pod for one that serves"
    ends = sorted(each.ended for each in traffic.requests if each.ended is not None)
    print(f"{way}: first pod stopped {stopped - ends[-1]:.1f} s after the last stream's end")


async def test_pods_that_drain_are_taken_back_when_they_are_wanted_again(
    stage: Stage, agent: NodeAgent, way: str
) -> None:
    await apply(stage.api, stage.namespace, served_by(way), pinned(3))
    async with (
        picker(stage.api, stage.admin, stage.namespace) as gateway,
        stage.controller(),
        clients(gateway.url) as traffic,
    ):
        await stage.pods_are("llama", 3)
        await until(lambda: routed(gateway, 3), "the gateway knows all pods")
        first = {pod["metadata"]["uid"] for pod in await stage.pods("llama")}
        await streaming(stage, traffic)
        await apply(stage.api, stage.namespace, pinned(1))
        await until(lambda: routed(gateway, 1), "the gateway sends to one pod only")
        await apply(stage.api, stage.namespace, pinned(3))

        await until(lambda: routed(gateway, 3), "the gateway sends to all pods again")
        await hurried(stage, traffic)
        await traffic.over()
        # Time for a pod to be stopped that is idle by now.
        await asyncio.sleep(10.0)
        pods = await stage.pods("llama")
        assert await stage.count("llama") == 3

    assert traffic.outcomes() == {"answered": STREAMS}
    assert {pod["metadata"]["uid"] for pod in pods} == first
    assert all(is_ready(pod) for pod in pods)
    for pod in pods:
        assert DRAINING not in (pod["metadata"].get("annotations") or {})
        assert pod["metadata"]["labels"][MODEL_LABEL] == "llama"


def pinned(count: int) -> dict[str, Any]:
    """The variant, held at a count."""
    declared = variant_autoscaling("llama", "llama")
    declared["metadata"]["annotations"] = {PIN: str(count)}
    return declared


async def routed(gateway: Picker, count: int) -> bool:
    """Whether a gateway sends to so many pods."""
    return len(gateway.backends) == count
