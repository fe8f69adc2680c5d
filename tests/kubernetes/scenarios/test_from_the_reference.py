"""Users of the reference WVA switch without changing a manifest."""

from functools import partial

import pytest

from tests.kubernetes.apply import apply, resource_of
from tests.kubernetes.fleet_kit import vllm
from tests.kubernetes.monitoring import Monitoring, monitoring
from tests.kubernetes.node_agent import A100
from tests.kubernetes.scenarios.reference import (
    AUGUST_HPA,
    AUGUST_SCALED_OBJECT,
    FEBRUARY,
    FEBRUARY_HPA,
    FEBRUARY_SCALED_OBJECT,
    query,
    sample,
)
from tests.kubernetes.scenarios.stage import Stage
from tests.kubernetes.waiting import until

pytestmark = pytest.mark.slow

FOLLOWERS = {
    "february-hpa": FEBRUARY_HPA,
    "february-keda": FEBRUARY_SCALED_OBJECT,
    "august-hpa": AUGUST_HPA,
    "august-keda": AUGUST_SCALED_OBJECT,
}
"""By what the variant is called that they follow; those of August declare it too."""
GAUGES = ("wva_desired_replicas", "wva_current_replicas", "wva_desired_ratio")


async def test_its_samples_work_unchanged_with_a_controller_as_it_is_installed(stage: Stage) -> None:
    space = stage.namespace
    async with stage.nodes({A100: 8}) as agent:
        (node,) = agent.nodes
        followers = {name: sample(text, name, space) for name, text in FOLLOWERS.items()}
        for name, follower in followers.items():
            august = "llm-d.ai/managed" in follower["metadata"].get("annotations", {})
            # The accelerator of February's is in the label of what declares it, that of August's in the template.
            where = {} if august else {"nodeSelector": {"kubernetes.io/hostname": node}}
            await apply(stage.api, space, vllm(name, product=stage.product(A100), pod=where), follower)
            if not august:
                await apply(stage.api, space, sample(FEBRUARY, name, space))
        async with (
            stage.trickle(agent),
            stage.controller(WVA_ACT="") as controller,
            monitoring(stage.directory / "prometheus", stage.admin, [space], {"wva": controller.metrics}) as prometheus,
        ):
            for name in followers:
                await controller.desires(name, 1.0)
            for gauge in GAUGES:
                found = await controller.series(gauge)
                wanted = {
                    (("accelerator_type", "A100"), ("namespace", space), ("variant_name", name)): 1.0
                    for name in followers
                }
                assert found == wanted, gauge
            for name, follower in followers.items():
                labels, value = await until(partial(_one, prometheus, query(follower)), name)
                assert (labels["variant_name"], labels["exported_namespace"], value) == (name, space, 1.0)
            await stage.condition("february-hpa", "TargetResolved", status="True", reason="TargetFound")

            await stage.annotate(resource_of(followers["august-hpa"]), "august-hpa", act="advisory")
            await controller.desires("august-hpa", None)
            await controller.desires("august-keda", 1.0)
            assert await controller.series("wva_current_replicas", variant_name="august-hpa")
        for name in followers:
            assert await stage.count(name) == 1


async def _one(source: Monitoring, expression: str) -> tuple[dict[str, str], float] | None:
    """The only series that the expression gives: KEDA takes no more than one."""
    found = await source.query(expression)
    assert len(found) <= 1, found
    return found[0] if found else None
