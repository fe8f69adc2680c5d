"""API objects as the API server sends them, with what a test does not care about filled in."""

from typing import Any

NOW = "2026-02-19T10:00:00Z"
NOW_S = 1_771_495_200.0


def metadata(name: str, **more: Any) -> dict[str, Any]:
    """``metadata`` in the namespace ``team``; keys with ``None`` are left out."""
    found = {"namespace": "team", "name": name, "uid": f"uid-{name}", "creationTimestamp": NOW, "generation": 3, **more}
    return {key: value for key, value in found.items() if value is not None}


def owned_by(kind: str, name: str) -> list[dict[str, Any]]:
    return [{"apiVersion": "x/v1", "kind": kind, "name": name, "uid": f"uid-{name}", "controller": True}]


def template(*args: str, gpus: int = 1, product: str | None = "NVIDIA-H100-80GB-HBM3", **labels: str) -> dict[str, Any]:
    """A pod template whose only container is vLLM's image with these arguments."""
    container = {
        "name": "vllm",
        "image": "vllm/vllm-openai:v0.32.0",
        "args": [*args],
        "resources": {"limits": {"nvidia.com/gpu": str(gpus)}},
    }
    spec: dict[str, Any] = {"containers": [container]}
    if product is not None:
        spec["nodeSelector"] = {"nvidia.com/gpu.product": product}
    return {"metadata": {"labels": {"app": "x", **labels}}, "spec": spec}


def deployment(name: str, replicas: int = 2, *, pod: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A Deployment at rest; ``more`` goes into its metadata."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(name, **more),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": pod or template("--model=m", "--tensor-parallel-size=1"),
        },
        "status": {
            "observedGeneration": 3,
            "replicas": replicas,
            "readyReplicas": replicas,
            "updatedReplicas": replicas,
        },
    }


def pod(name: str, node: str | None = "n1", *, ready: bool = True, gpus: int = 1, **more: Any) -> dict[str, Any]:
    """A pod on a node, or one that waits for one; ``more`` goes into its metadata."""
    conditions = [
        {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": "2026-02-19T10:02:00Z"}
    ]
    if node is not None:
        conditions.append({"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-02-19T10:00:10Z"})
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata(name, **more),
        "spec": {"nodeName": node, **template(gpus=gpus)["spec"]},
        "status": {"phase": "Pending" if node is None else "Running", "podIP": "10.0.0.1", "conditions": conditions},
    }


def node(name: str, gpus: int = 8, product: str | None = "NVIDIA-H100-80GB-HBM3", **spec: Any) -> dict[str, Any]:
    """A node that is ready."""
    labels = {} if product is None else {"nvidia.com/gpu.product": product}
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
        "status": {
            "allocatable": {"nvidia.com/gpu": str(gpus), "cpu": "64"},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def managed(model: str = "m", cost: str | None = None, **more: str) -> dict[str, str]:
    """The reference's annotations on a scaler."""
    found = {"llm-d.ai/managed": "true", "llm-d.ai/model-id": model, **more}
    return found if cost is None else {**found, "llm-d.ai/variant-cost": cost}


def hpa(name: str, target: str, *, spec: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """The reference's HPA of ``autoscaling/v2``; ``spec`` goes over its own, ``more`` into its metadata."""
    selector = {"matchLabels": {"variant_name": name, "exported_namespace": "team"}}
    metric = {
        "type": "External",
        "external": {
            "metric": {"name": "wva_desired_replicas", "selector": selector},
            "target": {"type": "AverageValue", "averageValue": "1"},
        },
    }
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(name, **more),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
            "minReplicas": 1,
            "maxReplicas": 10,
            "metrics": [metric],
            **(spec or {}),
        },
    }


def scaled_object(name: str, target: str, *, spec: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """The reference's ScaledObject."""
    query = f'wva_desired_replicas{{variant_name="{name}",namespace="team"}}'
    trigger = {"type": "prometheus", "metadata": {"query": query, "threshold": "1", "activationThreshold": "0"}}
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": metadata(name, **more),
        "spec": {
            "scaleTargetRef": {"name": target},
            "maxReplicaCount": 10,
            "pollingInterval": 5,
            "cooldownPeriod": 30,
            "triggers": [trigger],
            **(spec or {}),
        },
    }
