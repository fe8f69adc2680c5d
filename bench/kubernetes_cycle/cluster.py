"""The made-up cluster as the records that are kept of its objects, made of bodies as the API server sends them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from bench.kubernetes_cycle.layout import COSTS, NODE_GPUS, POD_HASH, PRODUCTS, Layout, VariantPlace
from wva.fleet.inventory import Supply
from wva.kubernetes.discovery import Cluster
from wva.kubernetes.inventory import PoolPolicy, Pools
from wva.kubernetes.objects.node import node
from wva.kubernetes.objects.pod import Pod, pod
from wva.kubernetes.objects.scaler import Scaler, horizontal_pod_autoscaler
from wva.kubernetes.objects.variant_autoscaling import VariantAutoscaling, variant_autoscaling
from wva.kubernetes.objects.workload import ReplicaSet, Workload, replica_set, workload
from wva.kubernetes.orders import ACT, Act
from wva.kubernetes.picture import View

POOLS = Pools(
    {
        "H100-80GB": PoolPolicy(Supply.FIXED),
        "A100-80GB": PoolPolicy(Supply.ELASTIC, limit_gpus=50_000, node_gpus=NODE_GPUS),
    }
)
"""One accelerator of which there is no more, one that can be ordered, two of which nothing is known."""


def view(layout: Layout, now: float) -> View:
    """All objects, every pod having served for an hour except for one in a hundred that starts."""
    pods = {place.number: tuple(_pods(place, now)) for place in layout.variants}
    workloads = [workload(_deployment(place)) for place in layout.variants]
    replica_sets = {place.number: replica_set(_replica_set(place)) for place in layout.variants}
    own = {found.meta.uid: number for number, found in enumerate(workloads)}
    sets: Mapping[str, tuple[ReplicaSet, ...]] = defaultdict(
        tuple, {uid: (replica_sets[number],) for uid, number in own.items()}
    )
    pods_of: Mapping[str, tuple[Pod, ...]] = defaultdict(tuple, {uid: pods[number] for uid, number in own.items()})
    return View(
        cluster=Cluster(
            variant_autoscalings=tuple(_declared(layout)),
            scalers=tuple(_scalers(layout)),
            workloads=_by_target(workloads),
        ),
        pods=[each for place in layout.variants for each in pods[place.number]],
        pods_of=pods_of.__getitem__,
        replica_sets=sets.__getitem__,
        nodes=[node(_node(name, accelerator)) for name, accelerator in layout.nodes],
    )


def _by_target(workloads: list[Workload]) -> dict[tuple[str, str, str], Workload]:
    return {(each.kind, *each.meta.key): each for each in workloads}


def _declared(layout: Layout) -> Iterator[VariantAutoscaling]:
    for place in layout.variants:
        if place.number % 2:
            found = variant_autoscaling(_variant_autoscaling(place))
            assert isinstance(found, VariantAutoscaling), found
            yield found


def _scalers(layout: Layout) -> Iterator[Scaler]:
    return (horizontal_pod_autoscaler(_hpa(place)) for place in layout.variants if not place.number % 2)


def _metadata(place: VariantPlace, kind: str, name: str, **more: Any) -> dict[str, Any]:
    uid = f"{kind}-{place.number:08d}-4000-8000-000000000000"
    return {"namespace": place.model.namespace, "name": name, "uid": uid, "generation": 3, **more}


def _owner(place: VariantPlace, kind: str) -> list[dict[str, Any]]:
    uid = f"{kind}-{place.number:08d}-4000-8000-000000000000"
    return [{"apiVersion": "apps/v1", "kind": kind, "name": place.name, "uid": uid, "controller": True}]


def _template(place: VariantPlace) -> dict[str, Any]:
    args = [f"--model={place.model.served.loaded}", f"--served-model-name={place.model.name}"]
    args += [f"--tensor-parallel-size={place.tensor_parallel}", "--max-num-seqs=256", "--port=8000"]
    gpus = {"nvidia.com/gpu": str(place.tensor_parallel)}
    container = {"name": "vllm", "image": "vllm/vllm-openai:v0.32.0", "args": args, "resources": {"limits": gpus}}
    return {
        "metadata": {"labels": {"app": place.name, "llm-d.ai/variant": place.name}},
        "spec": {
            "containers": [container],
            "nodeSelector": {"nvidia.com/gpu.product": PRODUCTS[place.accelerator]},
        },
    }


def _deployment(place: VariantPlace) -> dict[str, Any]:
    count = len(place.pods)
    counts = {"replicas": count, "readyReplicas": count, "updatedReplicas": count}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(place, "Deployment", place.name, annotations={"deployment.kubernetes.io/revision": "1"}),
        "spec": {
            "replicas": count,
            "selector": {"matchLabels": {"app": place.name}},
            "template": _template(place),
        },
        "status": {"observedGeneration": 3, **counts},
    }


def _replica_set(place: VariantPlace) -> dict[str, Any]:
    return {
        "metadata": _metadata(
            place,
            "ReplicaSet",
            f"{place.name}-{POD_HASH}",
            annotations={"deployment.kubernetes.io/revision": "1"},
            labels={"pod-template-hash": POD_HASH},
            ownerReferences=_owner(place, "Deployment"),
        ),
    }


def _pods(place: VariantPlace, now: float) -> Iterator[Pod]:
    template = _template(place)["spec"]
    for index, (name, host) in enumerate(zip(place.pods, place.nodes, strict=True)):
        starts = (place.number + index) % 100 == 99
        ready_at = datetime.fromtimestamp(now - (30 if starts else 3600), UTC).isoformat()
        scheduled_at = datetime.fromtimestamp(now - (60 if starts else 3720), UTC).isoformat()
        conditions = [
            {"type": "Ready", "status": "False" if starts else "True", "lastTransitionTime": ready_at},
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": scheduled_at},
        ]
        about = _metadata(
            place,
            "Pod",
            name,
            creationTimestamp=scheduled_at,
            labels={"pod-template-hash": POD_HASH, "llm-d.ai/variant": place.name},
            ownerReferences=_owner(place, "ReplicaSet"),
        )
        yield pod(
            {
                "metadata": {**about, "uid": f"{about['uid']}-{index}"},
                "spec": {"nodeName": host, **template},
                "status": {"phase": "Running", "podIP": address(place, index), "conditions": conditions},
            }
        )


def address(place: VariantPlace, index: int) -> str:
    """IP of a pod."""
    return f"10.{place.number // 200}.{place.number % 200}.{index % 250}"


def _node(name: str, accelerator: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {"nvidia.com/gpu.product": PRODUCTS[accelerator]}},
        "status": {
            "allocatable": {"nvidia.com/gpu": str(NODE_GPUS)},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def _cost(place: VariantPlace) -> str:
    return f"{COSTS[place.accelerator] * place.tensor_parallel:g}"


def _variant_autoscaling(place: VariantPlace) -> dict[str, Any]:
    return {
        "apiVersion": "llmd.ai/v1alpha1",
        "kind": "VariantAutoscaling",
        "metadata": _metadata(place, "VariantAutoscaling", place.name, annotations={ACT: Act.DIRECT.value}),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": place.name},
            "modelID": place.model.name,
            "variantCost": _cost(place),
            "minReplicas": 0,
            "maxReplicas": 2000,
        },
    }


def _hpa(place: VariantPlace) -> dict[str, Any]:
    selector = {"matchLabels": {"variant_name": place.name, "exported_namespace": place.model.namespace}}
    metric = {
        "metric": {"name": "wva_desired_replicas", "selector": selector},
        "target": {"type": "AverageValue", "averageValue": "1"},
    }
    declared = {
        "llm-d.ai/managed": "true",
        "llm-d.ai/model-id": place.model.name,
        "llm-d.ai/variant-cost": _cost(place),
    }
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": _metadata(place, "HorizontalPodAutoscaler", place.name, annotations=declared),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": place.name},
            "minReplicas": 1,
            "maxReplicas": 2000,
            "metrics": [{"type": "External", "external": metric}],
        },
    }
