"""API objects projected to the records that everything else reads."""

import tracemalloc
from copy import deepcopy
from typing import Any

import pytest

from tests.kubernetes import bodies
from tests.kubernetes.bodies import NOW_S
from wva.kubernetes.arguments.server import ServerArguments
from wva.kubernetes.objects.config_map import config_map, namespace
from wva.kubernetes.objects.meta import Owner, instant, meta
from wva.kubernetes.objects.node import node
from wva.kubernetes.objects.pod import CRASH_LOOP, Pod, PodPhase, pod
from wva.kubernetes.objects.scaler import ExternalMetric, Target, horizontal_pod_autoscaler, scaled_object
from wva.kubernetes.objects.selector import selector
from wva.kubernetes.objects.workload import Refusal, replica_set, workload
from wva.kubernetes.resources import Gpus
from wva.kubernetes.status import time_text
from wva.policies.hpa.settings import Behavior, RatePolicy, ScaleDownRules, ScaleUpRules, Select, Unit


def test_metadata_keeps_what_matters_and_tells_when_deletion_was_asked_for() -> None:
    found = meta(
        {
            "metadata": bodies.metadata(
                "a",
                labels={"llm-d.ai/role": "decode", "app": "x", "inference.optimization/acceleratorName": "H100"},
                annotations={"llm-d.ai/managed": "true", "kubectl.kubernetes.io/last-applied-configuration": "{}"},
                ownerReferences=[{"kind": "X", "name": "x"}, *bodies.owned_by("ReplicaSet", "rs")],
                deletionTimestamp="2026-02-19T10:01:00Z",
                deletionGracePeriodSeconds=60,
            )
        }
    )
    assert found.labels == (("inference.optimization/acceleratorName", "H100"), ("llm-d.ai/role", "decode"))
    assert (found.annotation("llm-d.ai/managed"), found.annotation("x"), found.label("app")) == ("true", None, None)
    assert found.owner == Owner("ReplicaSet", "rs", "uid-rs")
    assert (found.key, found.created_at, found.deleted_at) == (("team", "a"), NOW_S, NOW_S)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(bodies.NOW, NOW_S), ("2026-02-19T10:00:00.250000Z", NOW_S + 0.25), (None, None), ("", None), ("soon", None)],
)
def test_times(text: str | None, seconds: float | None) -> None:
    assert instant(text) == seconds


def test_a_deployment() -> None:
    found = workload(bodies.deployment("d", 3, pod=bodies.template("--model=m", "-tp", "2", gpus=2)))
    assert (found.kind, found.meta.name, found.replicas, found.ready, found.present) == ("Deployment", "d", 3, 3, 3)
    assert isinstance(found.template.server, ServerArguments)
    assert (found.template.server.tensor_parallel, found.template.gpus) == (2, Gpus("nvidia.com/gpu", 2))
    assert found.template.grace_s == 30
    assert found.selector.selects({"app": "d", "x": "y"})
    assert not found.rolling
    assert found.refusal is None


@pytest.mark.parametrize(
    ("status", "rolling"),
    [
        ({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2}, True),
        ({"observedGeneration": 3, "replicas": 3, "updatedReplicas": 2}, True),
        ({"observedGeneration": 3, "replicas": 2, "updatedReplicas": 2}, False),
        ({}, True),
        ({"observedGeneration": 3}, False),
    ],
)
def test_a_workload_rolls_while_old_pods_or_an_unread_spec_remain(status: dict[str, Any], rolling: bool) -> None:
    assert workload({**bodies.deployment("d"), "status": status}).rolling is rolling


def test_a_stateful_set_an_absent_count_and_a_refusal() -> None:
    body = bodies.deployment("s")
    body["kind"] = "StatefulSet"
    del body["spec"]["replicas"]
    message = 'pods "s-1" is forbidden: exceeded quota: gpus, requested: requests.nvidia.com/gpu=8'
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
    body["status"] = {"updateRevision": "s-7d", "conditions": [{**failure, "lastTransitionTime": bodies.NOW}]}
    found = workload(body)
    assert (found.replicas, found.revision) == (1, "s-7d")
    assert found.refusal == Refusal("FailedCreate", message, NOW_S)
    assert found.refusal.by_quota
    body["status"]["conditions"][0]["status"] = "False"
    assert workload(body).refusal is None


def test_a_replica_set_tells_which_hash_a_revision_has() -> None:
    more = {"labels": {"pod-template-hash": "5f"}, "annotations": {"deployment.kubernetes.io/revision": "4"}}
    found = replica_set(
        {"metadata": bodies.metadata("d-5f", ownerReferences=bodies.owned_by("Deployment", "d"), **more)}
    )
    assert (found.revision, found.template_hash, found.meta.owner) == ("4", "5f", Owner("Deployment", "d", "uid-d"))


def test_a_pod_that_serves() -> None:
    body = bodies.pod(
        "p",
        labels={"pod-template-hash": "5f", "llm-d.ai/variant": "v"},
        ownerReferences=bodies.owned_by("ReplicaSet", "r"),
    )
    assert pod(body) == Pod(
        namespace="team",
        name="p",
        uid="uid-p",
        owner=Owner("ReplicaSet", "r", "uid-r"),
        phase=PodPhase.RUNNING,
        ready=True,
        changed_at=NOW_S + 120,
        node="n1",
        ip="10.0.0.1",
        gpus=Gpus("nvidia.com/gpu", 1),
        created_at=NOW_S,
        scheduled_at=NOW_S + 10,
        deleted_at=None,
        unschedulable=None,
        unschedulable_since=None,
        waiting=None,
        restarts=0,
        revision="5f",
        variant="v",
        deletion_cost=None,
    )


def test_a_pod_that_no_node_takes_and_one_that_crashes() -> None:
    waits = bodies.pod("p", None, ready=False)
    message = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."
    waits["status"]["conditions"].append(
        {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": message,
            "lastTransitionTime": "2026-02-19T10:00:05Z",
        }
    )
    found = pod(waits)
    assert (found.phase, found.node, found.unschedulable, found.unschedulable_since) == (
        PodPhase.PENDING,
        None,
        message,
        NOW_S + 5,
    )
    crashes = bodies.pod("p", ready=False)
    state = {"waiting": {"reason": "CrashLoopBackOff"}}
    crashes["status"]["containerStatuses"] = [{"restartCount": 4, "state": state}, {"restartCount": 1, "state": {}}]
    assert (pod(crashes).waiting, pod(crashes).restarts) == ("CrashLoopBackOff", 5)
    state["waiting"]["reason"] = "ContainerCreating"
    assert pod(crashes).waiting is None


@pytest.mark.parametrize(
    ("restarts", "ran_s", "ready", "expected"),
    [(2, 30, False, CRASH_LOOP), (2, 30, True, None), (1, 30, False, None), (2, 700, False, None)],
)
def test_a_pod_that_runs_once_more_between_two_crashes_is_in_a_loop_still(
    restarts: int, ran_s: int, ready: bool, expected: str | None
) -> None:
    crashes = bodies.pod("p", ready=ready)
    ended = {"startedAt": time_text(NOW_S), "finishedAt": time_text(NOW_S + ran_s), "exitCode": 1}
    crashes["status"]["containerStatuses"] = [
        {"restartCount": restarts, "ready": ready, "state": {"running": {}}, "lastState": {"terminated": ended}}
    ]
    assert pod(crashes).waiting == expected


def test_a_pod_without_status_is_pending_and_unknown() -> None:
    found = pod({"metadata": bodies.metadata("p", annotations={"controller.kubernetes.io/pod-deletion-cost": "-5"})})
    assert (found.phase, found.ready, found.node, found.deletion_cost) == (PodPhase.PENDING, False, None, -5)
    assert (found.scheduled_at, found.changed_at, found.unschedulable_since) == (None, None, None)


@pytest.mark.parametrize(
    ("spec", "usable"),
    [
        ({}, True),
        ({"unschedulable": True}, False),
        ({"taints": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}]}, True),
        ({"taints": [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]}, False),
        ({"taints": [{"key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule"}]}, False),
    ],
)
def test_nodes(spec: dict[str, Any], usable: bool) -> None:
    found = node(bodies.node("n", 8, **spec))
    assert (found.accelerator, found.gpus.count, found.usable) == ("H100-80GB", 8, usable)


def test_a_node_that_is_not_ready_or_not_known() -> None:
    body = bodies.node("n", product="NVIDIA-GH200-480GB")
    body["status"]["conditions"][0]["status"] = "Unknown"
    found = node(body)
    assert (found.accelerator, found.product, found.ready) == (None, "NVIDIA-GH200-480GB", False)


def test_the_references_hpa() -> None:
    rules = {
        "scaleUp": {"stabilizationWindowSeconds": 0, "policies": [{"type": "Pods", "value": 10, "periodSeconds": 15}]}
    }
    found = horizontal_pod_autoscaler(bodies.hpa("v", "d", spec={"behavior": rules}, annotations=bodies.managed()))
    assert found.target == Target("apps/v1", "Deployment", "team", "d")
    assert (found.min_replicas, found.max_replicas, found.other_metrics) == (1, 10, 0)
    labels = (("exported_namespace", "team"), ("variant_name", "v"))
    assert found.metrics == (ExternalMetric("wva_desired_replicas", labels, "AverageValue", "1"),)
    assert found.behavior == Behavior(ScaleUpRules(policies=(RatePolicy(Unit.PODS, 10, 15.0),)))


def test_behavior_in_full_in_part_and_wrong() -> None:
    full = {
        "scaleUp": {"selectPolicy": "Min", "tolerance": "50m"},
        "scaleDown": {
            "stabilizationWindowSeconds": 60,
            "tolerance": "0.2",
            "policies": [{"type": "Percent", "value": 5, "periodSeconds": 60}],
        },
    }
    assert horizontal_pod_autoscaler(bodies.hpa("v", "d", spec={"behavior": full})).behavior == Behavior(
        ScaleUpRules(select=Select.MIN, tolerance=0.05),
        ScaleDownRules(60.0, (RatePolicy(Unit.PERCENT, 5, 60.0),), tolerance=0.2),
    )
    plain = horizontal_pod_autoscaler(bodies.hpa("v", "d"))
    assert (plain.behavior, plain.problem) == (None, None)
    wrong = horizontal_pod_autoscaler(bodies.hpa("v", "d", spec={"behavior": {"scaleUp": {"selectPolicy": "Most"}}}))
    assert wrong.behavior == Behavior()
    assert "cannot be read" in (wrong.problem or "")


def test_an_hpa_of_the_first_version_scales_by_cpu() -> None:
    body = bodies.hpa("v", "d", spec={"targetCPUUtilizationPercentage": 80})
    del body["spec"]["metrics"]
    del body["spec"]["minReplicas"]
    found = horizontal_pod_autoscaler({**body, "apiVersion": "autoscaling/v1"})
    assert (found.min_replicas, found.metrics, found.other_metrics) == (1, (), 1)


def test_the_references_scaled_object_and_kedas_defaults() -> None:
    found = scaled_object(bodies.scaled_object("v", "d"))
    assert (found.min_replicas, found.max_replicas, found.polling_s, found.cooldown_s) == (0, 10, 5.0, 30.0)
    assert (found.target.kind, found.target.api_version, found.paused) == ("Deployment", "apps/v1", False)
    bare = scaled_object(
        {
            "metadata": bodies.metadata("v", annotations={"autoscaling.keda.sh/paused": "true"}),
            "spec": {"scaleTargetRef": {"name": "d"}},
            "status": {"conditions": [{"type": "Active", "status": "False"}]},
        }
    )
    assert (bare.max_replicas, bare.polling_s, bare.cooldown_s, bare.paused, bare.active) == (100, 30, 300, True, False)


def test_targets_are_the_same_in_any_version_of_their_group() -> None:
    one = Target("apps/v1", "Deployment", "team", "d")
    assert one.same(Target("apps/v1beta1", "Deployment", "team", "d"))
    assert not one.same(Target("other/v1", "Deployment", "team", "d"))
    assert str(one) == "Deployment/team/d"


@pytest.mark.parametrize(
    ("operator", "values", "labels", "selected"),
    [
        ("In", ["a", "b"], {"k": "b"}, True),
        ("In", ["a"], {}, False),
        ("NotIn", ["a"], {}, True),
        ("NotIn", ["a"], {"k": "a"}, False),
        ("Exists", [], {"k": ""}, True),
        ("DoesNotExist", [], {"k": ""}, False),
        ("Like", ["a"], {"k": "a"}, False),
    ],
)
def test_selectors(operator: str, values: list[str], labels: dict[str, str], selected: bool) -> None:
    body = {"matchLabels": {"z": "1"}, "matchExpressions": [{"key": "k", "operator": operator, "values": values}]}
    assert selector(body).selects({"z": "1", **labels}) is selected
    assert not selector(body).selects(labels), "every requirement must hold"


def test_config_maps_and_namespaces() -> None:
    found = config_map({"metadata": bodies.metadata("c", resourceVersion="7"), "data": {"b": "2", "a": "1"}})
    assert (found.version, found.data) == ("7", (("a", "1"), ("b", "2")))
    plain = {"metadata": {"name": "n"}}
    assert (namespace(plain).excluded, namespace(plain).opted_in) == (False, False)
    marked = {"name": "n", "labels": {"wva.llmd.ai/config-enabled": "true"}}
    assert namespace({"metadata": marked}).opted_in
    assert namespace({"metadata": {**marked, "annotations": {"wva.llmd.ai/exclude": "true"}}}).excluded
    assert namespace({"metadata": {**marked, "deletionTimestamp": bodies.NOW}}).excluded


def test_a_pod_takes_little_memory() -> None:
    body = bodies.pod("p", labels={"pod-template-hash": "5f"}, ownerReferences=bodies.owned_by("ReplicaSet", "r"))
    tracemalloc.start()
    try:
        kept = []
        for number in range(500):
            one = deepcopy(body)
            one["metadata"].update(name=f"pod-{number}", uid=f"{number:036d}")
            kept.append(pod(one))
            del one
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size / len(kept) < 1500, "bytes; the object as JSON has thousands"
