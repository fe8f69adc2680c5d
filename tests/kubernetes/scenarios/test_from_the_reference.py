"""Users of the reference WVA switch without changing a manifest, and without losing an object."""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.kubernetes.apply import apply, create_namespace, resource_of
from tests.kubernetes.control_plane import ControlPlane, running
from tests.kubernetes.fleet_kit import FOREIGN_KINDS, vllm
from tests.kubernetes.monitoring import Monitoring, monitoring
from tests.kubernetes.node_agent import A100
from tests.kubernetes.scenarios.reference import (
    AUGUST_HPA,
    AUGUST_SCALED_OBJECT,
    FEBRUARY,
    FEBRUARY_HPA,
    FEBRUARY_SCALED_OBJECT,
    definition,
    query,
    sample,
)
from tests.kubernetes.scenarios.stage import Stage
from tests.kubernetes.waiting import until
from wva.kubernetes.api.client import Api, configuration
from wva.kubernetes.api.resource import DEPLOYMENTS, VARIANT_AUTOSCALINGS
from wva.kubernetes.crd.schema import custom_resource_definition

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
            found = await stage.api.read(DEPLOYMENTS, space, name)
            assert "wva" not in {each["manager"] for each in found["metadata"]["managedFields"]}
            assert found["spec"]["replicas"] == 1


async def _one(source: Monitoring, expression: str) -> tuple[dict[str, str], float] | None:
    """The only series that the expression gives: KEDA takes no more than one."""
    found = await source.query(expression)
    assert len(found) <= 1, found
    return found[0] if found else None


@pytest.fixture
def own_control_plane(monkeypatch: pytest.MonkeyPatch) -> Iterator[ControlPlane]:
    """One for this test alone: definitions are the whole cluster's."""
    monkeypatch.delenv("WVA_TEST_KUBECONFIG", raising=False)
    with running() as found:
        yield found


@pytest.fixture
async def upgraded(own_control_plane: ControlPlane, tmp_path: Path) -> AsyncIterator[Stage]:
    """A namespace in a cluster of the reference's users."""
    async with Api(await configuration(own_control_plane.kubeconfig)) as api:
        await create_namespace(api, "team")
        await apply(api, None, *FOREIGN_KINDS)
        yield Stage(api, own_control_plane.kubeconfig, "team", tmp_path)


@pytest.mark.parametrize("spring", [False, True], ids=["february", "spring"])
async def test_objects_survive_our_definition(upgraded: Stage, spring: bool) -> None:
    stage = upgraded
    await apply(stage.api, None, definition(spring))
    body = sample(FEBRUARY, "llama", stage.namespace)
    body["spec"] |= {"minReplicas": 2, "maxReplicas": 4} if spring else {}
    allocation = {"lastRunTime": "2026-02-19T10:00:00Z", "numReplicas": 3} | ({} if spring else {"accelerator": "A100"})
    condition = {"status": "True", "message": "said by the reference", "lastTransitionTime": "2026-02-19T10:00:00Z"}
    status = {
        "desiredOptimizedAlloc": allocation,
        "actuation": {"applied": False},
        "conditions": [
            {"type": "TargetResolved", "reason": "TargetFound", **condition},
            {"type": "MetricsAvailable", "reason": "MetricsFound", **condition},
        ],
    }
    await apply(stage.api, stage.namespace, body, vllm("llama", product=stage.product(A100), replicas=3))
    before = await stage.api.patch(VARIANT_AUTOSCALINGS, stage.namespace, "llama", {"status": status}, "status")
    assert before["status"] == status

    await _server_side_apply(stage.api, custom_resource_definition())
    after = await stage.api.read(VARIANT_AUTOSCALINGS, stage.namespace, "llama")
    assert (after["spec"], after["status"]) == (before["spec"], before["status"])
    assert after["metadata"]["uid"] == before["metadata"]["uid"]

    async with stage.controller(WVA_ACT="") as controller:
        written = await stage.condition("llama", "Accepted", status="True")
        assert written["observedGeneration"] == before["metadata"]["generation"]
        await controller.turns(2)
        found = await stage.api.read(VARIANT_AUTOSCALINGS, stage.namespace, "llama")
        resolved = next(each for each in found["status"]["conditions"] if each["type"] == "TargetResolved")
        assert resolved["message"] != condition["message"]
        assert resolved["lastTransitionTime"] == condition["lastTransitionTime"], "it has held all the time"
        assert found["status"]["desiredOptimizedAlloc"]["numReplicas"] == 3
        assert found["status"]["currentReplicas"] == 3
        assert found["spec"] == before["spec"]
        assert await stage.count("llama") == 3


async def _server_side_apply(api: Api, body: dict[str, Any]) -> None:
    """What ``kubectl apply --server-side --force-conflicts`` does, as the page on upgrading says."""
    path = resource_of(body).path(None, body["metadata"]["name"])
    await api._request(
        "PATCH", path, body, query={"fieldManager": "kubectl", "force": "true"}, kind="application/apply-patch+yaml"
    )

    async def taken() -> bool:
        found = await api.read(resource_of(body), None, body["metadata"]["name"])
        return "objectives" in str(found["spec"]["versions"])

    await until(taken, "our definition")
