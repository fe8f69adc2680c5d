"""What people order: a pause, a count to hold, and a limit of how fast counts move."""

import time

import pytest

from tests.kubernetes.apply import apply
from tests.kubernetes.fleet_kit import variant_autoscaling, vllm
from tests.kubernetes.node_agent import A100
from tests.kubernetes.scenarios.stage import Stage
from wva.kubernetes.api.resource import VARIANT_AUTOSCALINGS

pytestmark = pytest.mark.slow


async def declared(stage: Stage, name: str = "llama", **annotations: str) -> None:
    """A Deployment and the variant of its name."""
    await apply(stage.api, stage.namespace, vllm(name, product=stage.product(A100)), variant_autoscaling(name, name))
    if annotations:
        await stage.annotate(VARIANT_AUTOSCALINGS, name, **annotations)


async def test_a_pin_is_kept_until_it_is_taken_away(stage: Stage) -> None:
    async with stage.nodes({A100: 8}) as agent, stage.trickle(agent), stage.controller() as controller:
        await declared(stage, pin="3")
        await stage.counts("llama", 3)
        await controller.desires("llama", 3.0)
        await controller.turns(3)
        assert await stage.count("llama") == 3
        await stage.annotate(VARIANT_AUTOSCALINGS, "llama", pin="2")
        await stage.counts("llama", 2)
        await stage.annotate(VARIANT_AUTOSCALINGS, "llama", pin="no number")
        await stage.condition("llama", "Accepted", status="True")
        await controller.turns(2)
        assert await stage.count("llama") == 2


async def test_a_paused_variant_stays_and_goes_on_when_it_is_resumed(stage: Stage) -> None:
    async with stage.nodes({A100: 8}), stage.controller() as controller:
        await declared(stage, paused="true", pin="3")
        await stage.condition("llama", "ActuationLimited", status="True", reason="Paused")
        await controller.turns(3)
        assert await stage.count("llama") == 1
        assert await controller.desired("llama") is None, "who follows the gauge of what is paused would move it"
        await stage.annotate(VARIANT_AUTOSCALINGS, "llama", paused=None)
        await stage.counts("llama", 3)
        await stage.condition("llama", "ActuationLimited", status="False")


async def test_counts_move_no_faster_than_people_allow(stage: Stage) -> None:
    async with stage.nodes({A100: 8}), stage.controller(WVA_MAX_REPLICAS_PER_MINUTE="2") as controller:
        await declared(stage, pin="4")
        await stage.counts("llama", 3)
        began = time.monotonic()
        await stage.condition("llama", "ActuationLimited", status="True", reason="RateLimited")
        await controller.turns(4)
        assert await stage.count("llama") == 3
        await stage.counts("llama", 4)
        assert time.monotonic() - began > 55
