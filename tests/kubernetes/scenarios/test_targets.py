"""A variant whose target is not there yet, or not any more."""

import pytest

from tests.kubernetes.apply import apply
from tests.kubernetes.fleet_kit import variant_autoscaling, vllm
from tests.kubernetes.node_agent import A100
from tests.kubernetes.scenarios.stage import Controller, Stage
from tests.kubernetes.waiting import until
from wva.kubernetes.api.resource import DEPLOYMENTS, VARIANT_AUTOSCALINGS

pytestmark = pytest.mark.slow
GAUGES = ("wva_desired_replicas", "wva_current_replicas", "wva_desired_ratio")


async def shown(controller: Controller) -> dict[str, float]:
    """What the gauges say of the variant."""
    return {
        f"{name}{labels}": value
        for name in GAUGES
        for labels, value in (await controller.series(name, variant_name="llama")).items()
    }


async def test_a_target_comes_and_goes(stage: Stage) -> None:
    async with stage.nodes({A100: 8}) as agent, stage.trickle(agent), stage.controller() as controller:
        await apply(stage.api, stage.namespace, variant_autoscaling("llama", "llama"))
        told = await stage.condition("llama", "TargetResolved", status="False", reason="TargetNotFound")
        assert "llama" in told["message"]
        await controller.turns(2)
        assert not await shown(controller), "of what is not there, nothing is known"

        await apply(stage.api, stage.namespace, vllm("llama", product=stage.product(A100)))
        await stage.condition("llama", "TargetResolved", status="True", reason="TargetFound")
        found = await until(lambda: shown(controller), "its gauges")
        assert set(found.values()) == {1.0}

        await stage.api.delete(DEPLOYMENTS, stage.namespace, "llama")
        await stage.condition("llama", "TargetResolved", status="False", reason="TargetNotFound")
        await controller.turns(1)
        assert not await shown(controller)
        await stage.condition("llama", "Accepted", status="True")

        await stage.api.delete(VARIANT_AUTOSCALINGS, stage.namespace, "llama")
        await controller.turns(2)
        assert not await shown(controller)
        assert controller.process.returncode is None
        await controller.ready()
