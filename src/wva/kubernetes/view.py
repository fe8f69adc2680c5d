"""What a look at a cluster takes in: the objects as they are at one instant, and what the controller is set to."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from wva.kubernetes.acting.drain import Draining, out_of_service
from wva.kubernetes.discovery import Cluster, Defaults
from wva.kubernetes.inventory import Pools
from wva.kubernetes.objects.node import Node
from wva.kubernetes.objects.pod import Pod
from wva.kubernetes.objects.selector import Selector
from wva.kubernetes.objects.workload import ReplicaSet
from wva.kubernetes.orders import Act
from wva.kubernetes.scope import Scope
from wva.kubernetes.shortage import Patience


@dataclass(frozen=True, slots=True)
class View:
    """Every object that matters, at one instant."""

    cluster: Cluster
    pods: Collection[Pod]
    """All pods that may be seen, also of other workloads."""
    pods_of: Callable[[str], Sequence[Pod]]
    """Those of a workload, by its uid."""
    replica_sets: Callable[[str], Sequence[ReplicaSet]]
    """Those of a Deployment, by its uid."""
    nodes: Collection[Node] | None
    """``None`` where they may not be read."""
    pools: Callable[[str], Sequence[Selector]] = lambda _: ()
    """Selectors of a namespace's inference pools."""
    services: Callable[[str], Sequence[Selector]] = lambda _: ()
    """And of its Services."""
    draining: Callable[[Sequence[Pod]], Mapping[str, Draining]] = out_of_service
    """Those of some pods that are out of service, by their names."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a controller is set to, and does not change while it runs."""

    scope: Scope
    defaults: Defaults = field(default_factory=Defaults)
    pools: Pools = field(default_factory=Pools)
    patience: Patience = field(default_factory=Patience)
    act: Act = Act.ADVISORY
    """Of variants of which no annotation says it."""
    version: tuple[int, int] = (1, 20)
    """The API server's."""
