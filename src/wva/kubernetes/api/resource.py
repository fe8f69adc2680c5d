"""Kinds of objects and where the API server has them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object in one version of its API group."""

    group: str
    """Empty for the core group."""
    version: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """As in ``apiVersion`` of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """The path of all its objects, of those in one namespace, of one object, or of a part of one.

        Raises ``ValueError`` for a name without its namespace, which would be the path of something else.
        """
        if self.namespaced and name is not None and namespace is None:
            raise ValueError(f"{self.plural} are named within a namespace")
        base = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        place = ("namespaces", namespace) if self.namespaced and namespace is not None else ()
        return "/".join(part for part in (base, *place, self.plural, name, subresource) if part is not None)


NAMESPACES = Resource("", "v1", "namespaces", namespaced=False)
NODES = Resource("", "v1", "nodes", namespaced=False)
PODS = Resource("", "v1", "pods")
SERVICES = Resource("", "v1", "services")
CONFIG_MAPS = Resource("", "v1", "configmaps")
EVENTS = Resource("", "v1", "events")
DEPLOYMENTS = Resource("apps", "v1", "deployments")
REPLICA_SETS = Resource("apps", "v1", "replicasets")
STATEFUL_SETS = Resource("apps", "v1", "statefulsets")
LEASES = Resource("coordination.k8s.io", "v1", "leases")
HORIZONTAL_POD_AUTOSCALERS = Resource("autoscaling", "v2", "horizontalpodautoscalers")
HORIZONTAL_POD_AUTOSCALERS_V2BETA2 = Resource("autoscaling", "v2beta2", "horizontalpodautoscalers")
SCALED_OBJECTS = Resource("keda.sh", "v1alpha1", "scaledobjects")
VARIANT_AUTOSCALINGS = Resource("llmd.ai", "v1alpha1", "variantautoscalings")
INFERENCE_POOLS = Resource("inference.networking.k8s.io", "v1", "inferencepools")
INFERENCE_POOLS_V1ALPHA2 = Resource("inference.networking.x-k8s.io", "v1alpha2", "inferencepools")
TOKEN_REVIEWS = Resource("authentication.k8s.io", "v1", "tokenreviews", namespaced=False)
SUBJECT_ACCESS_REVIEWS = Resource("authorization.k8s.io", "v1", "subjectaccessreviews", namespaced=False)
