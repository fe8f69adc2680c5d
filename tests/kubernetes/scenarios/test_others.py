"""Others who act on the same count: WVA steps back, says so, and goes on when they are gone."""

from typing import Any

import pytest

from tests.kubernetes.apply import apply, resource_of
from tests.kubernetes.fleet_kit import variant_autoscaling, vllm
from tests.kubernetes.node_agent import A100
from tests.kubernetes.scenarios.stage import Stage
from wva.kubernetes.api.resource import CONFIG_MAPS, DEPLOYMENTS, VARIANT_AUTOSCALINGS

pytestmark = pytest.mark.slow

BY_CPU: dict[str, Any] = {
    "apiVersion": "autoscaling/v2beta2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "by-cpu"},
    "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "llama"},
        "minReplicas": 1,
        "maxReplicas": 10,
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
            }
        ],
    },
}
"""Somebody's HPA that knows nothing of WVA."""


async def declared(stage: Stage, **annotations: str) -> None:
    """A Deployment and its variant."""
    await apply(stage.api, stage.namespace, vllm("llama", product=stage.product(A100)))
    await apply(stage.api, stage.namespace, variant_autoscaling("llama", "llama"))
    await stage.annotate(VARIANT_AUTOSCALINGS, "llama", **annotations)


async def test_nothing_is_written_while_somebody_elses_hpa_scales_the_target(stage: Stage) -> None:
    async with stage.nodes({A100: 8}), stage.controller() as controller:
        await declared(stage, pin="2")
        await stage.counts("llama", 2)
        await apply(stage.api, stage.namespace, BY_CPU)
        told = await stage.condition("llama", "Conflict", status="True", reason="ForeignScaler")
        assert "by-cpu" in told["message"]
        await stage.annotate(VARIANT_AUTOSCALINGS, "llama", pin="3")
        await controller.turns(4)
        assert await stage.count("llama") == 2
        await stage.api.delete(resource_of(BY_CPU), stage.namespace, "by-cpu")
        await stage.counts("llama", 3)
        await stage.condition("llama", "Conflict", status="False")


async def test_a_count_that_somebody_sets_by_hand_is_left_to_them_for_a_while(stage: Stage) -> None:
    async with stage.nodes({A100: 8}) as agent, stage.trickle(agent), stage.controller() as controller:
        await declared(stage, pin="2")
        await stage.counts("llama", 2)
        await controller.turns(1)
        await stage.api.patch(DEPLOYMENTS, stage.namespace, "llama", {"spec": {"replicas": 4}}, "scale")
        told = await stage.condition("llama", "Conflict", status="True", reason="ChangedByOthers")
        assert "set the count to 4" in told["message"]
        await controller.turns(4)
        assert await stage.count("llama") == 4
        await controller.desires("llama", 2.0)


async def test_a_count_that_belongs_to_another_controller_is_left_alone(stage: Stage) -> None:
    async with stage.nodes({A100: 8}), stage.controller() as controller:
        (owner,) = await apply(
            stage.api, stage.namespace, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "service"}}
        )
        body = vllm("llama", product=stage.product(A100))
        reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "service", "uid": owner["metadata"]["uid"]}
        body["metadata"]["ownerReferences"] = [{**reference, "controller": True}]
        await apply(stage.api, stage.namespace, body, variant_autoscaling("llama", "llama"))
        await stage.annotate(VARIANT_AUTOSCALINGS, "llama", pin="3")
        told = await stage.condition("llama", "Conflict", status="True", reason="OwnedByController")
        assert "ConfigMap service" in told["message"]
        await controller.turns(3)
        assert await stage.count("llama") == 1
        await stage.api.delete(CONFIG_MAPS, stage.namespace, "service")
