"""Settings that change while the controller runs, and which controller a variant is the business of."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.kubernetes.apply import apply, create_namespace
from tests.kubernetes.fleet_kit import variant_autoscaling, vllm
from tests.kubernetes.node_agent import A100
from tests.kubernetes.scenarios.stage import Stage
from tests.kubernetes.waiting import until
from wva.kubernetes.api.client import Api
from wva.kubernetes.api.resource import NAMESPACES, VARIANT_AUTOSCALINGS
from wva.kubernetes.configuration.parse import SCALE_TO_ZERO
from wva.kubernetes.scope import INSTANCE

pytestmark = pytest.mark.slow


def scale_to_zero(text: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": SCALE_TO_ZERO}, "data": {"default": text}}


async def test_a_bad_config_map_is_refused_and_the_last_good_one_stays(stage: Stage) -> None:
    async with stage.nodes({A100: 8}):
        good = scale_to_zero("enable_scale_to_zero: true\nretention_period: 5s\n")
        await apply(stage.api, stage.namespace, good, vllm("llama", product=stage.product(A100), replicas=0))
        await apply(stage.api, stage.namespace, variant_autoscaling("llama", "llama"))
        async with stage.controller() as controller:
            await stage.condition("llama", "TargetResolved", status="True")
            await controller.turns(3)
            assert await stage.count("llama") == 0, "it may be at zero"
            bad = scale_to_zero("enable_scale_to_zero: no\nretention_period: soon\n")
            await apply(stage.api, stage.namespace, bad)

            async def refused() -> list[str]:
                events = await stage.events("InvalidConfiguration")
                return [each["message"] for each in events if each["involvedObject"]["name"] == SCALE_TO_ZERO]

            (message,) = await until(refused, "an event about the ConfigMap")
            assert "retention_period" in message
            await controller.turns(3)
            assert await stage.count("llama") == 0
            await apply(stage.api, stage.namespace, scale_to_zero("enable_scale_to_zero: false\n"))
            await stage.counts("llama", 1)


@pytest.fixture
async def neighbour(api: Api, namespace: str) -> AsyncIterator[str]:
    """Another namespace."""
    name = f"{namespace}-b"
    await create_namespace(api, name)
    yield name
    await api.delete(NAMESPACES, None, name)


async def test_a_namespace_can_be_excluded_and_taken_in_again(stage: Stage, neighbour: str) -> None:
    instance = stage.namespace
    async with stage.nodes({A100: 8}), stage.controller(instance=instance, everywhere=True) as controller:
        here, there = (Stage(stage.api, stage.admin, name, stage.directory) for name in (stage.namespace, neighbour))
        await there.annotate(NAMESPACES, neighbour, exclude="true")
        for place in (here, there):
            body = variant_autoscaling("llama", "llama", **{INSTANCE: instance})
            await apply(stage.api, place.namespace, vllm("llama", product=stage.product(A100)), body)
            await stage.api.patch(
                VARIANT_AUTOSCALINGS, place.namespace, "llama", {"metadata": {"annotations": {"wva.llmd.ai/pin": "2"}}}
            )
        await here.counts("llama", 2)
        await controller.turns(3)
        assert (await there.status("llama"), await there.count("llama")) == ({}, 1)
        assert not await controller.series("wva_current_replicas", namespace=neighbour)

        await there.annotate(NAMESPACES, neighbour, exclude=None)
        await there.counts("llama", 2)
        assert await controller.series("wva_current_replicas", namespace=neighbour)

        await there.annotate(NAMESPACES, neighbour, exclude="true")
        await stage.api.patch(
            VARIANT_AUTOSCALINGS, neighbour, "llama", {"metadata": {"annotations": {"wva.llmd.ai/pin": "3"}}}
        )

        async def withdrawn() -> bool:
            return not await controller.series("wva_current_replicas", namespace=neighbour)

        await until(withdrawn, "the gauges of the excluded namespace are withdrawn")
        await controller.turns(2)
        assert await there.count("llama") == 2
        assert await here.count("llama") == 2


async def test_instances_decide_each_for_their_own(stage: Stage) -> None:
    names = {"blue": "b", "green": "g", None: "nobodys"}
    async with (
        stage.nodes({A100: 8}) as agent,
        stage.trickle(agent),
        stage.controller(instance="blue") as blue,
        stage.controller(instance="green") as green,
    ):
        for instance, name in names.items():
            labels = {} if instance is None else {INSTANCE: instance}
            body = variant_autoscaling(name, name, **labels)
            await apply(stage.api, stage.namespace, vllm(name, product=stage.product(A100)), body)
            await stage.annotate(VARIANT_AUTOSCALINGS, name, pin="2")
        await stage.counts("b", 2)
        await stage.counts("g", 2)
        await blue.desires("b", 2.0)
        await green.desires("g", 2.0)
        assert (await stage.count("nobodys"), await stage.status("nobodys")) == (1, {})
        for controller, instance in ((blue, "blue"), (green, "green")):
            (shown,) = map(dict, await controller.series("wva_desired_replicas"))
            assert (shown["variant_name"], shown["controller_instance"]) == (names[instance], instance)
