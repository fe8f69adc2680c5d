"""Kinds of objects that are mirrored, and what becomes of one's body."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from wva.kubernetes.configuration.parse import Accepted
from wva.kubernetes.objects.config_map import Namespace, namespace
from wva.kubernetes.objects.inference_pool import InferencePool, inference_pool
from wva.kubernetes.objects.node import Node, node
from wva.kubernetes.objects.pod import Pod, pod
from wva.kubernetes.objects.scaler import Scaler, horizontal_pod_autoscaler, scaled_object
from wva.kubernetes.objects.service import Service, service
from wva.kubernetes.objects.variant_autoscaling import VariantAutoscaling, variant_autoscaling
from wva.kubernetes.objects.workload import ReplicaSet, Workload, replica_set, workload

Record = (
    Pod | ReplicaSet | Workload | Scaler | VariantAutoscaling | Node | Namespace | Accepted | Service | InferencePool
)
Key = tuple[str, str]
"""Namespace, empty for objects without one, and name."""


class Kind(StrEnum):
    """What is mirrored. Two API groups have an ``InferencePool``, and may both have one of the same name."""

    NAMESPACE = "Namespace"
    CONFIG_MAP = "ConfigMap"
    NODE = "Node"
    POD = "Pod"
    SERVICE = "Service"
    REPLICA_SET = "ReplicaSet"
    DEPLOYMENT = "Deployment"
    STATEFUL_SET = "StatefulSet"
    HPA = "HorizontalPodAutoscaler"
    SCALED_OBJECT = "ScaledObject"
    VARIANT_AUTOSCALING = "VariantAutoscaling"
    INFERENCE_POOL = "InferencePool"
    OLDER_INFERENCE_POOL = "InferencePool of v1alpha2"


PROJECTIONS: Mapping[Kind, Callable[[Mapping[str, Any]], Record | str]] = {
    Kind.NAMESPACE: namespace,
    Kind.NODE: node,
    Kind.POD: pod,
    Kind.SERVICE: service,
    Kind.REPLICA_SET: replica_set,
    Kind.DEPLOYMENT: workload,
    Kind.STATEFUL_SET: workload,
    Kind.HPA: horizontal_pod_autoscaler,
    Kind.SCALED_OBJECT: scaled_object,
    Kind.VARIANT_AUTOSCALING: variant_autoscaling,
    Kind.INFERENCE_POOL: inference_pool,
    Kind.OLDER_INFERENCE_POOL: inference_pool,
}
"""The record of an object, or why there is none. A ConfigMap's depends on what was accepted before."""


def projected(kind: Kind, body: Mapping[str, Any]) -> Record | str:
    """The record of an object, or why it cannot be read, in one line: custom resources may be anything."""
    try:
        return PROJECTIONS[kind](body)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return f"not as expected of a {kind}: {type(error).__name__}: {error}"
