"""Our definition of VariantAutoscalings over the reference's: no object is lost, and none of what is in it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.kubernetes.apply import apply, resource_of
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.fleet_kit import FOREIGN_KINDS, custom_resource, vllm
from tests.kubernetes.node_agent import A100
from tests.kubernetes.scenarios.reference import FEBRUARY, definition, sample
from tests.kubernetes.scenarios.stage import Stage
from tests.kubernetes.waiting import until
from wva.kubernetes.api.client import Api
from wva.kubernetes.api.errors import ApiError
from wva.kubernetes.api.resource import VARIANT_AUTOSCALINGS
from wva.kubernetes.crd.schema import custom_resource_definition

# Definitions are the whole cluster's.
pytestmark = [pytest.mark.slow, pytest.mark.stops]


@pytest.fixture
async def theirs(api: Api, control_plane: ControlPlane, namespace: str, tmp_path: Path) -> AsyncIterator[Stage]:
    """A namespace in a cluster in which VariantAutoscalings are not defined yet."""
    if control_plane.directory is None:
        pytest.skip("this control plane is somebody else's; unset WVA_TEST_KUBECONFIG")
    await apply(api, None, *FOREIGN_KINDS)
    yield Stage(api, control_plane.kubeconfig, namespace, tmp_path)
    ours = custom_resource_definition()
    definitions, name = resource_of(ours), ours["metadata"]["name"]
    await api.delete(definitions, None, name)

    async def gone() -> bool:
        try:
            await api.read(definitions, None, name)
        except ApiError as error:
            return error.reason == "NotFound"
        return False

    await until(gone, "the definition is gone")


@pytest.mark.parametrize("spring", [False, True], ids=["february", "spring"])
async def test_objects_survive_our_definition(theirs: Stage, spring: bool) -> None:
    stage = theirs
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

    with pytest.raises(ApiError, match="conflict"):
        await _server_side_apply(stage.api, custom_resource_definition(), force="false")
    await _server_side_apply(stage.api, custom_resource_definition(), force="true")
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


async def test_what_a_looser_definition_took_is_told_of_once(theirs: Stage) -> None:
    stage = theirs
    await apply(stage.api, None, custom_resource("llmd.ai", "VariantAutoscaling", "v1alpha1"))
    body = sample(FEBRUARY, "llama", stage.namespace)
    body["spec"]["modelID"] = ""
    await apply(stage.api, stage.namespace, vllm("llama", product=stage.product(A100), replicas=1), body)
    async with stage.controller() as controller:
        told = await stage.condition("llama", "Accepted", status="False", reason="InvalidSpec")
        assert "spec.modelID" in told["message"]
        (event,) = await until(lambda: stage.events("InvalidConfiguration"), "an event")
        assert "spec.modelID" in event["message"]
        before = (await stage.api.read(VARIANT_AUTOSCALINGS, stage.namespace, "llama"))["metadata"]["resourceVersion"]
        await controller.turns(8)
        found = await stage.api.read(VARIANT_AUTOSCALINGS, stage.namespace, "llama")
        assert found["metadata"]["resourceVersion"] == before, "it is said once"
        assert [each["count"] for each in await stage.events("InvalidConfiguration")] == [1]

        await stage.api.patch(VARIANT_AUTOSCALINGS, stage.namespace, "llama", {"spec": {"modelID": "m"}})
        await stage.condition("llama", "Accepted", status="True")


async def _server_side_apply(api: Api, body: dict[str, Any], *, force: str) -> None:
    """What ``kubectl apply --server-side`` does, and with ``--force-conflicts``, as the page on upgrading says."""
    path = resource_of(body).path(None, body["metadata"]["name"])
    await api._request(
        "PATCH", path, body, query={"fieldManager": "kubectl", "force": force}, kind="application/apply-patch+yaml"
    )

    async def taken() -> bool:
        found = await api.read(resource_of(body), None, body["metadata"]["name"])
        return "objectives" in str(found["spec"]["versions"])

    await until(taken, "our definition")
