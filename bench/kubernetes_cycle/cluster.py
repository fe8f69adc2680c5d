"""The made-up cluster as the records that are kept of its objects, made of bodies as the API server sends them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from bench.kubernetes_cycle.layout import COSTS, NODE_GPUS, POD_HASH, PRODUCTS, Layout, VariantPlace
from wva.fleet.inventory import Supply
from wva.kubernetes.inventory import PoolPolicy, Pools
from wva.kubernetes.orders import ACT, Act
from wva.kubernetes.watching.feeds import Feed
from wva.kubernetes.watching.kinds import Kind
from wva.kubernetes.watching.mirror import Mirror

POOLS = Pools(
    {
        "H100-80GB": PoolPolicy(Supply.FIXED),
        "A100-80GB": PoolPolicy(Supply.ELASTIC, limit_gpus=50_000, node_gpus=NODE_GPUS),
    }
)
"""One accelerator of which there is no more, one that can be ordered, two of which nothing is known."""


def mirror(layout: Layout, now: float) -> Mirror:
    """What is known of all objects, every pod having served for an hour except for one in a hundred that starts."""
    found = Mirror()
    for name, accelerator in layout.nodes:
        found.seen(Kind.NODE, _node(name, accelerator))
    found.listed(Feed(Kind.NODE, ()), {("", name) for name, _ in layout.nodes}, "7")
    for place in layout.variants:
        found.seen(Kind.DEPLOYMENT, _deployment(place))
        found.seen(Kind.REPLICA_SET, _replica_set(place))
        for body in _pods(place, now):
            found.seen(Kind.POD, body)
        if place.number % 2:
            found.seen(Kind.VARIANT_AUTOSCALING, _variant_autoscaling(place))
        else:
            found.seen(Kind.HPA, _hpa(place))
    return found


def written(layout: Layout, now: float, cycle: int) -> Iterator[dict[str, Any]]:
    """Pods that are written anew before a cycle, one in a hundred of all; ``now`` is that of ``mirror``."""
    for place in layout.variants[cycle % 10 :: 10]:
        for body in islice(_pods(place, now), cycle % 10, None, 10):
            body["metadata"]["resourceVersion"] = str(7 + cycle)
            yield body


def _metadata(place: VariantPlace, kind: str, name: str, **more: Any) -> dict[str, Any]:
    uid = f"{kind}-{place.number:08d}-4000-8000-000000000000"
    return {
        "namespace": place.model.namespace,
        "name": name,
        "uid": uid,
        "resourceVersion": "7",
        "generation": 3,
        **more,
    }


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


def _pods(place: VariantPlace, now: float) -> Iterator[dict[str, Any]]:
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
        yield {
            "metadata": {**about, "uid": f"{about['uid']}-{index}"},
            "spec": {"nodeName": host, **template},
            "status": {"phase": "Running", "podIP": address(place, index), "conditions": conditions},
        }


def address(place: VariantPlace, index: int) -> str:
    """IP of a pod."""
    return f"10.{place.number // 200}.{place.number % 200}.{index % 250}"


def _node(name: str, accelerator: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "resourceVersion": "7", "labels": {"nvidia.com/gpu.product": PRODUCTS[accelerator]}},
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
