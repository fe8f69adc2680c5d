"""Pods that are kept from serving: whose they are, and which of them this controller puts back."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.kubernetes import bodies
from tests.kubernetes.reporting.scene import custom
from wva.kubernetes.objects.pod import DRAINING, SERVING_GATE
from wva.kubernetes.picture import Remembered, look
from wva.kubernetes.scope import INSTANCE, Scope
from wva.kubernetes.snapshot import view_of
from wva.kubernetes.strays import strays
from wva.kubernetes.view import Setting
from wva.kubernetes.watching.kinds import Kind
from wva.kubernetes.watching.mirror import Mirror

KINDS = {
    "VariantAutoscaling": Kind.VARIANT_AUTOSCALING,
    "HorizontalPodAutoscaler": Kind.HPA,
    "Namespace": Kind.NAMESPACE,
}
MARKED: dict[str, Any] = {"annotations": {DRAINING: "{}"}}
MODEL = "meta-llama/Llama-3.1-8B-Instruct"
SERVED = bodies.template(f"--model={MODEL}")


def held(name: str = "llama-1", *, gate: str | None = None, **more: Any) -> dict[str, Any]:
    """A pod of the Deployment ``llama``; ``gate`` is the condition of the gate that it has."""
    body = bodies.pod(name, ownerReferences=bodies.owned_by("ReplicaSet", "rs"), **more)
    if gate is not None:
        body["spec"]["readinessGates"] = [{"conditionType": SERVING_GATE}]
        body["status"]["conditions"].append({"type": SERVING_GATE, "status": gate})
    return body


def found(*declared: Mapping[str, Any], pods: list[dict[str, Any]], pod: Any = SERVED, scope: Scope) -> set[str]:
    mirror = Mirror()
    replica_set = {"metadata": bodies.metadata("rs", ownerReferences=bodies.owned_by("Deployment", "llama"))}
    objects = [(Kind.DEPLOYMENT, bodies.deployment("llama", pod=pod)), (Kind.REPLICA_SET, replica_set)]
    objects += [(KINDS[each["kind"]], dict(each)) for each in declared] + [(Kind.POD, each) for each in pods]
    for version, (kind, body) in enumerate(objects, 1):
        mirror.seen(kind, {**body, "metadata": {**body["metadata"], "resourceVersion": str(version)}})
    picture, _ = look(view_of(mirror, lambda _: {}), Setting(scope), Remembered(), bodies.NOW_S)
    return {each.name for each in strays(mirror, scope, picture.managed.values())}


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        ([held()], set()),
        ([held(**MARKED)], {"llama-1"}),
        ([held(annotations={DRAINING: "?"})], {"llama-1"}),
        ([held(gate="False")], {"llama-1"}),
        ([held(gate="True")], set()),
        ([held(**MARKED, deletionTimestamp=bodies.NOW)], set()),
    ],
)
def test_what_nobody_declares_is_put_back(pods: list[dict[str, Any]], expected: set[str]) -> None:
    assert found(pods=pods, scope=Scope("wva")) == expected


OWN = custom()
OTHERS = custom(labels={INSTANCE: "blue"})
THEIRS = bodies.hpa("x", "llama", annotations=bodies.managed(MODEL), labels={INSTANCE: "blue"})
UNREADABLE = {**custom("odd"), "spec": {}}
EXCLUDED = {
    "kind": "Namespace",
    "metadata": {"name": "team", "annotations": {"wva.llmd.ai/exclude": "true"}},
}
UNMODELLED = bodies.template(f"--model={MODEL}", "--pipeline-parallel-size=2", gpus=2)


@pytest.mark.parametrize(
    ("declared", "pod", "scope", "expected"),
    [
        ([OWN], SERVED, Scope("wva"), False),
        # Nothing is decided of it, so nothing is to be held.
        ([OWN], UNMODELLED, Scope("wva"), True),
        ([OTHERS], SERVED, Scope("wva"), False),
        ([THEIRS], SERVED, Scope("wva"), False),
        ([OTHERS], SERVED, Scope("wva", instance="blue"), False),
        ([OWN], SERVED, Scope("wva", instance="blue"), False),
        # What it is about cannot be read.
        ([UNREADABLE], SERVED, Scope("wva"), False),
        # There is another controller's business.
        ([], SERVED, Scope("wva", only_namespace="elsewhere"), False),
        ([EXCLUDED], SERVED, Scope("wva"), False),
    ],
)
def test_whose_pods_they_are(declared: list[dict[str, Any]], pod: dict[str, Any], scope: Scope, expected: bool) -> None:
    expects = {"llama-1", "llama-2"} if expected else set()
    assert found(*declared, pods=[held(**MARKED), held("llama-2", gate="False")], pod=pod, scope=scope) == expects
