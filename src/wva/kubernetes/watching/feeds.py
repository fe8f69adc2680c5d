"""What is watched, where, and what the controller can do without."""

from collections.abc import Iterator
from dataclasses import dataclass

from wva.kubernetes.api import resource as resources
from wva.kubernetes.api.resource import Resource
from wva.kubernetes.configuration.parse import SATURATION, SCALE_TO_ZERO
from wva.kubernetes.scope import Scope
from wva.kubernetes.watching.kinds import Key, Kind


@dataclass(frozen=True, slots=True)
class Feed:
    """One list that is watched."""

    kind: Kind
    resources: tuple[Resource, ...]
    """Versions of it; the first that the API server has counts."""
    namespace: str | None = None
    """``None`` is the whole cluster."""
    name: str | None = None
    """Of the only objects that are asked for, so that the rights for these suffice."""
    labels: str | None = None
    """Selector of the only objects that are asked for; the others are as if they were not there."""
    needed: bool = True
    """Whether nothing may be decided without it, where the API server has it at all."""

    def covers(self, key: Key) -> bool:
        """Whether such an object would be in the list."""
        return self.namespace in (None, key[0]) and self.name in (None, key[1])

    @property
    def fields(self) -> str | None:
        """As a field selector."""
        return None if self.name is None else f"metadata.name={self.name}"

    def __str__(self) -> str:
        """For people, and different for every feed."""
        name = "" if self.name is None else f" {self.name}"
        place = "" if self.namespace is None else f" in {self.namespace}"
        return f"{self.kind}{name}{place}"


_WORKING: tuple[tuple[Kind, tuple[Resource, ...]], ...] = (
    (Kind.POD, (resources.PODS,)),
    (Kind.REPLICA_SET, (resources.REPLICA_SETS,)),
    (Kind.DEPLOYMENT, (resources.DEPLOYMENTS,)),
    (Kind.STATEFUL_SET, (resources.STATEFUL_SETS,)),
    (Kind.HPA, (resources.HORIZONTAL_POD_AUTOSCALERS, resources.HORIZONTAL_POD_AUTOSCALERS_V2BETA2)),
    (Kind.SCALED_OBJECT, (resources.SCALED_OBJECTS,)),
    (Kind.VARIANT_AUTOSCALING, (resources.VARIANT_AUTOSCALINGS,)),
)
_WAKING: tuple[tuple[Kind, tuple[Resource, ...]], ...] = (
    (Kind.SERVICE, (resources.SERVICES,)),
    (Kind.INFERENCE_POOL, (resources.INFERENCE_POOLS,)),
    (Kind.OLDER_INFERENCE_POOL, (resources.INFERENCE_POOLS_V1ALPHA2,)),
)
"""What leads to the endpoint pickers. Without it the queues in them are unknown, and the rest goes on."""


def feeds(scope: Scope) -> tuple[Feed, ...]:
    """Everything that is watched for a scope, the smaller lists first.

    A controller for one namespace asks for nothing outside it but the global ConfigMaps in its own, and nodes, which it
    may or may not be allowed to see; it does not choose among namespaces, so it needs none.
    """
    only = scope.only_namespace
    found = [] if only is not None else [Feed(Kind.NAMESPACE, (resources.NAMESPACES,))]
    found += _config_maps(scope)
    found += [Feed(Kind.NODE, (resources.NODES,), labels=scope.nodes, needed=False)]
    found += [Feed(kind, versions, only, needed=False) for kind, versions in _WAKING]
    found += [Feed(kind, versions, only) for kind, versions in reversed(_WORKING)]
    return tuple(found)


def _config_maps(scope: Scope) -> Iterator[Feed]:
    """Only those two names: the rest of a cluster's ConfigMaps is none of the controller's business."""
    places = (None,) if scope.only_namespace is None else tuple(dict.fromkeys((scope.home, scope.only_namespace)))
    for place in places:
        for name in (SATURATION, SCALE_TO_ZERO):
            yield Feed(Kind.CONFIG_MAP, (resources.CONFIG_MAPS,), place, name)
