"""Mode (a): the count is published, and the HPA that follows it through Prometheus and an adapter writes it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.kubernetes.apply import apply
from tests.kubernetes.external_metrics import external_metrics
from tests.kubernetes.fleet_kit import hpa, variant_autoscaling, vllm
from tests.kubernetes.monitoring import monitoring
from tests.kubernetes.node_agent import A100, ADDRESS, NodeAgent
from tests.kubernetes.picker import picker
from tests.kubernetes.rights import Recording, recorded
from tests.kubernetes.scenarios.stage import Controller, Stage
from tests.kubernetes.scenarios.traffic import load
from tests.kubernetes.waiting import until
from wva.kubernetes.api.resource import Resource
from wva.kubernetes.orders import PIN

pytestmark = pytest.mark.slow
HPAS = Resource("autoscaling", "v2beta2", "horizontalpodautoscalers")
CROWD = 11
"""Replicas of which one more is a change that an HPA ignores: less than a tenth."""


@asynccontextmanager
async def publishing(stage: Stage, act: str = "gauge") -> AsyncIterator[tuple[Controller, Recording]]:
    """A controller that only publishes, whose requests to the API server are noted, and what carries its gauges on.

    ``act`` is how it acts where nobody says; empty is as it is installed.
    """
    account = await stage.account("publisher")
    async with (
        recorded(account.kubeconfig, stage.directory) as recording,
        stage.controller(recording.kubeconfig, WVA_ACT=act) as controller,
        monitoring(
            stage.directory / "prometheus", stage.admin, [stage.namespace], {"wva": controller.metrics}
        ) as source,
        external_metrics(stage.api, stage.namespace, source, stage.directory),
    ):
        yield controller, recording


async def test_an_hpa_follows_the_published_count_up_and_nobody_else_writes_it(stage: Stage, agent: NodeAgent) -> None:
    follower = hpa(stage.namespace, "llama", "llama")
    await apply(stage.api, stage.namespace, vllm("llama"), variant_autoscaling("llama", "llama"), follower)
    async with (
        picker(stage.api, stage.admin, stage.namespace) as gateway,
        publishing(stage, act="") as (controller, recording),
    ):
        async with load(gateway.url, 20.0):
            grown = await stage.counts("llama", *range(2, 11), limit_s=120.0)
            await stage.pods_are("llama", grown)
        desired = await controller.desired("llama")
        assert desired is not None
        assert desired >= grown
        # The HPA controller says itself that it was it.
        rescaled = await until(lambda: stage.events("SuccessfulRescale"), "the HPA tells of its write")
        said = await stage.status("llama")

    assert {each["source"]["component"] for each in rescaled} == {"horizontal-pod-autoscaler"}
    assert not {use for use in recording.uses if use.resource.endswith("/scale") and use.verb != "get"}
    assert not recording.refused
    assert said["desiredOptimizedAlloc"]["numReplicas"] == desired


async def test_a_change_that_the_hpa_ignores_is_said_and_not_forced(stage: Stage, agent: NodeAgent) -> None:
    declared = variant_autoscaling("crowd", "crowd")
    declared["metadata"]["annotations"] = {PIN: str(CROWD)}
    await agent.add_nodes(A100, 1, 16)
    await apply(stage.api, stage.namespace, vllm("one", label="other"))
    await stage.pods_are("one", 1)
    address = agent.addresses[stage.namespace, (await stage.pods("one"))[0]["metadata"]["name"]]
    # One server stands for all of them: nothing is asked of it but how it is.
    crowd = vllm("crowd", replicas=CROWD, annotations={ADDRESS: address})
    crowd["spec"]["template"]["spec"]["containers"][0].pop("readinessProbe")
    await apply(stage.api, stage.namespace, crowd, declared, hpa(stage.namespace, "crowd", "crowd", most=20))
    async with publishing(stage) as (controller, recording):
        await stage.pods_are("crowd", CROWD)
        await stage.condition("crowd", "ActuationLimited", status="False")
        await apply(stage.api, stage.namespace, _pinned(declared, CROWD + 1))
        await until(lambda: _measures(stage, "1091m"), "the HPA has seen the change")
        limited = await stage.condition("crowd", "ActuationLimited", status="True")
        assert limited["reason"] == "WithinTolerance"
        assert await controller.desired("crowd") == CROWD + 1
        assert await stage.count("crowd") == CROWD

        await apply(stage.api, stage.namespace, _pinned(declared, CROWD + 2))
        await stage.counts("crowd", CROWD + 2)
        await stage.condition("crowd", "ActuationLimited", status="False")

    assert not {use for use in recording.uses if use.resource.endswith("/scale")}
    assert not recording.refused


async def _measures(stage: Stage, wanted: str) -> bool:
    """Whether the HPA has seen the published count, in counts for each replica."""
    found = await stage.api.read(HPAS, stage.namespace, "crowd")
    measured = (found.get("status") or {}).get("currentMetrics") or ()
    return any(each["external"]["current"].get("averageValue") == wanted for each in measured if "external" in each)


def _pinned(declared: dict[str, Any], count: int) -> dict[str, Any]:
    """The variant held at a count."""
    metadata = {**declared["metadata"], "annotations": {PIN: str(count)}}
    return {**declared, "metadata": metadata}
