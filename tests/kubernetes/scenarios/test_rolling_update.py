"""A new pod template under load: nothing shrinks while it rolls out, and no answer is lost."""

from typing import Any

import pytest

from tests.kubernetes.apply import apply
from tests.kubernetes.fleet_kit import variant_autoscaling, vllm
from tests.kubernetes.node_agent import NodeAgent
from tests.kubernetes.picker import picker
from tests.kubernetes.pod_command import EMULATE
from tests.kubernetes.scenarios.stage import Stage
from tests.kubernetes.scenarios.traffic import load
from tests.kubernetes.waiting import until
from wva.kubernetes.api.resource import DEPLOYMENTS
from wva.kubernetes.orders import PIN

pytestmark = pytest.mark.slow
REPLICAS = 3


async def test_a_rollout_under_load_loses_no_request_and_nothing_shrinks_before_it_is_over(
    stage: Stage, agent: NodeAgent
) -> None:
    declared = variant_autoscaling("llama", "llama")
    await apply(stage.api, stage.namespace, vllm("llama", replicas=REPLICAS), declared)
    async with picker(stage.api, stage.admin, stage.namespace) as gateway, stage.controller() as controller:
        await stage.pods_are("llama", REPLICAS)
        async with load(gateway.url, 8.0, prompt=1000, answer=100, stream=True) as traffic:
            await stage.condition("llama", "MetricsAvailable", status="True")
            old = {pod["metadata"]["uid"] for pod in await stage.pods("llama")}
            newer = vllm("llama", "--max-num-seqs", "200", replicas=REPLICAS, annotations={EMULATE: "--startup 3s"})
            template = {"spec": {"template": newer["spec"]["template"]}}
            await stage.api.patch(DEPLOYMENTS, stage.namespace, "llama", template)
            # People ask for less in the middle of it: that waits, whoever would be stopped is about to go anyway.
            declared["metadata"]["annotations"] = {PIN: str(REPLICAS - 1)}
            await apply(stage.api, stage.namespace, declared)

            counts = await _counts_while_rolling(stage)
            assert counts == {REPLICAS}
            await stage.counts("llama", REPLICAS - 1)
            await stage.pods_are("llama", REPLICAS - 1)
            assert await controller.desired("llama") in (REPLICAS - 1, None)
            new = {pod["metadata"]["uid"] for pod in await stage.pods("llama")}
        print(traffic.outcomes())

    assert not new & old
    assert set(traffic.outcomes()) <= {"answered", "open"}
    assert traffic.outcomes()["answered"] > 100


async def _counts_while_rolling(stage: Stage) -> set[int]:
    """Every count that the Deployment had from the beginning of its rollout to the end."""
    counts = set[int]()

    async def looked(*, rolling: bool) -> bool:
        found = await stage.api.read(DEPLOYMENTS, stage.namespace, "llama")
        if _is_rolling(found["status"]):
            counts.add(found["spec"]["replicas"])
        return _is_rolling(found["status"]) is rolling

    await until(lambda: looked(rolling=True), "the rollout has begun")
    await until(lambda: looked(rolling=False), "the rollout is over", 120.0)
    return counts


def _is_rolling(status: dict[str, Any]) -> bool:
    """Whether there are fewer pods of the new template than there are to be, or others beside them."""
    updated = status.get("updatedReplicas", 0)
    return bool(updated < REPLICAS or status["replicas"] > updated)
