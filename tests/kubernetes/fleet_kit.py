"""The objects that users write for their model servers and for WVA."""

from typing import Any

from tests.kubernetes.node_agent import A100, GPU_LABEL

Body = dict[str, Any]
LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
MODEL_LABEL = "llm-d.ai/model"
DESIRED = "wva_desired_replicas"
GROUP = "llmd.ai"


def vllm(
    name: str, *args: str, model: str = LLAMA, product: str = A100, replicas: int = 1, gpus: int = 1,
    label: str = "llama", annotations: dict[str, str] | None = None, pod: Body | None = None,
) -> Body:  # fmt: skip
    """A Deployment of vLLM; ``label`` says which model its pods serve, ``pod`` goes over their spec."""
    labels = {"app": name, MODEL_LABEL: label}
    container = {
        "name": "vllm",
        "image": "vllm/vllm-openai:v0.32.0",
        "args": ["--model", model, "--port", "8000", *args],
        "ports": [{"name": "http", "containerPort": 8000}],
        "resources": {"limits": {"nvidia.com/gpu": str(gpus)}},
        "readinessProbe": {"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 5},
    }
    spec = {"containers": [container], "nodeSelector": {GPU_LABEL: product}, "terminationGracePeriodSeconds": 10}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": labels, "annotations": annotations or {}},
                "spec": {**spec, **(pod or {})},
            },
        },
    }


def variant_autoscaling(name: str, target: str, model: str = LLAMA, cost: str = "10.0", **labels: str) -> Body:
    """What declares a Deployment as a variant of a model."""
    return {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": "VariantAutoscaling",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
            "modelID": model,
            "variantCost": cost,
        },
    }


def hpa(
    namespace: str, name: str, target: str, *, version: str = "v2beta2", model: str | None = None,
    least: int = 1, most: int = 10, spec: Body | None = None,
) -> Body:  # fmt: skip
    """The reference's HPA, which follows the published target; ``model`` is the annotation of one without a VA."""
    selector = {"matchLabels": {"variant_name": name, "exported_namespace": namespace}}
    metric = {
        "metric": {"name": DESIRED, "selector": selector},
        "target": {"type": "AverageValue", "averageValue": "1"},
    }
    annotations = {} if model is None else {"llm-d.ai/managed": "true", "llm-d.ai/model-id": model}
    behavior = {each: {"stabilizationWindowSeconds": 0} for each in ("scaleUp", "scaleDown")}
    return {
        "apiVersion": f"autoscaling/{version}",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
            "minReplicas": least,
            "maxReplicas": most,
            "metrics": [{"type": "External", "external": metric}],
            "behavior": behavior,
            **(spec or {}),
        },
    }


def scaled_object(
    namespace: str, name: str, target: str, *, model: str | None = None, spec: Body | None = None
) -> Body:
    """The reference's ScaledObject; KEDA, which would follow it, does not run here."""
    query = f'{DESIRED}{{variant_name="{name}",exported_namespace="{namespace}"}}'
    where = {"serverAddress": "http://prometheus:9090", "query": query, "threshold": "1", "metricType": "AverageValue"}
    annotations = {} if model is None else {"llm-d.ai/managed": "true", "llm-d.ai/model-id": model}
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {
            "scaleTargetRef": {"name": target},
            "minReplicaCount": 0,
            "maxReplicaCount": 10,
            "triggers": [{"type": "prometheus", "metadata": where}],
            **(spec or {}),
        },
    }


def resource_quota(name: str, gpus: int) -> Body:
    """At most so many GPUs for all pods of a namespace."""
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": name},
        "spec": {"hard": {"requests.nvidia.com/gpu": str(gpus)}},
    }


def service(name: str, selector: dict[str, str], port: int = 8000) -> Body:
    """A Service in front of pods."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": selector, "ports": [{"name": "http", "port": port, "targetPort": port}]},
    }


def inference_pool(name: str, label: str, picker: str, version: str = "v1alpha2") -> Body:
    """A pool of a model's pods, and the Service of the endpoint picker in front of them."""
    selector = {MODEL_LABEL: label}
    spec: Body = {
        "selector": {"matchLabels": selector},
        "targetPorts": [{"number": 8000}],
        "endpointPickerRef": {"name": picker, "port": {"number": 9002}},
    }
    older: Body = {
        "selector": selector,
        "targetPortNumber": 8000,
        "extensionRef": {"name": picker, "portNumber": 9002},
    }
    group = "inference.networking.k8s.io" if version == "v1" else "inference.networking.x-k8s.io"
    return {
        "apiVersion": f"{group}/{version}",
        "kind": "InferencePool",
        "metadata": {"name": name},
        "spec": spec if version == "v1" else older,
    }


def custom_resource(group: str, kind: str, version: str) -> Body:
    """The least definition of somebody else's kind: it takes anything, and has a status of its own."""
    plural = f"{kind.lower()}s"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    served = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        # The API server lets groups of Kubernetes' own be defined only by those who say that this is so.
        "metadata": {"name": f"{plural}.{group}", "annotations": {"api-approved.kubernetes.io": "unapproved, test"}},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
            "versions": [{**served, "subresources": {"status": {}}}],
        },
    }


FOREIGN_KINDS = (
    custom_resource("keda.sh", "ScaledObject", "v1alpha1"),
    custom_resource("inference.networking.x-k8s.io", "InferencePool", "v1alpha2"),
    custom_resource("inference.networking.k8s.io", "InferencePool", "v1"),
)
"""KEDA's and the inference gateway's, as far as WVA reads them."""
