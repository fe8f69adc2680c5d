"""One variant as it is in the cluster now: how it is declared, what it runs, who else acts on it, and its bounds."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from wva.fleet.observation import VariantObservation
from wva.fleet.readings import Endpoint
from wva.fleet.replica import Phase, Replica
from wva.fleet.variant import Variant
from wva.kubernetes.acting.drain import Draining, DrainMethod, chooses_victims, drain_method
from wva.kubernetes.arguments.server import DEFAULT_PORT, ServerArguments
from wva.kubernetes.conditions import Condition
from wva.kubernetes.discovery import Discovered
from wva.kubernetes.follower import traits
from wva.kubernetes.objects.config_map import Namespace
from wva.kubernetes.objects.pod import Pod
from wva.kubernetes.objects.scaler import Scaler
from wva.kubernetes.objects.workload import Workload
from wva.kubernetes.orders import Act, VariantOrders, variant_orders
from wva.kubernetes.ownership import Mode, Truce, conflict, followers, mode_of, remarks
from wva.kubernetes.replicas import current_revision, variant_observation
from wva.kubernetes.unchanged import Unchanged
from wva.kubernetes.view import Setting, View


@dataclass(frozen=True, slots=True)
class Managed:
    """One declared variant as it is now, with all that acting on it needs."""

    found: Discovered
    """Its variant, model and workload are known."""
    variant: Variant
    """With the bounds that hold now: what is declared, people's pins, quota, and what is kept from zero."""
    workload: Workload
    pods: tuple[Pod, ...]
    """Those of the workload that have not ended."""
    orders: VariantOrders
    scalers: tuple[Scaler, ...]
    """All that scale its target."""
    following: tuple[Scaler, ...]
    """Those of them that follow its gauge."""
    mode: Mode
    conflict: Condition
    drain: DrainMethod
    """The way of taking pods out of service that the workload offers."""
    draining: Mapping[str, Draining]
    """Pods that are out of service, by their names."""
    observation: VariantObservation

    @property
    def follower(self) -> Scaler | None:
        """The scaler that carries its counts out, where one does."""
        return self.following[0] if self.mode in (Mode.HPA, Mode.KEDA) else None

    @property
    def pod_ids(self) -> tuple[str, ...]:
        """What its pods are called as replicas."""
        return tuple(pod.id for pod in self.pods)

    @property
    def notices(self) -> tuple[str, ...]:
        """What its users should know of how it is declared, ordered and followed, one line each."""
        followed = (line for scaler in self.following for line in remarks(scaler))
        return (*self.found.notices, *self.orders.notices, *followed)


@dataclass(frozen=True, slots=True)
class Moment:
    """What holds of the fleet at the moment of a look."""

    now: float
    """Seconds since the epoch."""
    short: Collection[str]
    """Variants whose quota is used up, and accelerators that are out of stock, by their names."""
    awake: Collection[str]
    """Variants that keep a replica though their minimum is 0, by their names."""


def managed_variant(
    each: Discovered,
    view: View,
    setting: Setting,
    moment: Moment,
    on_target: Sequence[Scaler],
    pods: tuple[Pod, ...],
    truce: Truce,
    unchanged: Unchanged,
) -> Managed:
    """Join what is declared with the workload, its ``pods``, and all that scales ``on_target``."""
    workload, declaration = each.workload, each.declaration
    assert each.variant is not None
    assert workload is not None
    assert declaration is not None
    name, now = each.variant.name, moment.now
    stated = view.cluster.namespaces.get(each.meta.namespace)
    orders = unchanged.once(("orders", name), _orders, each, stated, setting.act)
    own = tuple(scaler for scaler in on_target if scaler.target.same(declaration.target))
    following = followers(own, declaration.target, each.meta.name)
    mode = mode_of(orders.act is Act.DIRECT, orders.follows, following)
    quota = sum(pod.deleted_at is None for pod in pods) if name in moment.short else None
    variant = _bounded(each.variant, orders.pin, quota, name in moment.awake)
    follower = following[0] if mode in (Mode.HPA, Mode.KEDA) else None
    namespace = workload.meta.namespace
    method = drain_method(workload, view.pools(namespace), view.services(namespace))
    draining = view.draining(pods)
    chosen = chooses_victims(workload, method, setting.version)
    carrier = traits(mode, follower, workload.replicas, drains=method.drains, chooses_victims=chosen)
    revision = current_revision(workload, view.replica_sets(workload.meta.uid))
    return Managed(
        found=each,
        variant=variant,
        workload=workload,
        pods=pods,
        orders=orders,
        scalers=own,
        following=following,
        mode=mode,
        conflict=conflict(mode, workload, own, following, truce, now),
        drain=method,
        draining=draining,
        observation=variant_observation(
            variant,
            workload,
            pods,
            revision,
            carrier,
            now,
            {pod: known.since for pod, known in draining.items()},
            setting.patience.over(now) if variant.accelerator in moment.short else None,
            unchanged,
        ),
    )


def _orders(each: Discovered, stated: Namespace | None, default: Act) -> VariantOrders:
    assert each.variant is not None
    bounds = (each.variant.min_replicas, each.variant.max_replicas)
    return variant_orders(each.meta, stated, default, bounds)


def _bounded(variant: Variant, pin: int | None, quota: int | None, kept_awake: bool) -> Variant:
    """The variant within the bounds that hold now; ``quota`` is how many it has where it gets no more."""
    if pin is not None:
        return replace(variant, min_replicas=pin, max_replicas=pin)
    least, most = variant.min_replicas, variant.max_replicas
    if kept_awake:
        least = max(least, 1)
    if quota is not None:
        # More would be refused, as those of its count are that it does not have: another variant is asked for instead.
        most = max(min(most, quota), 1)
    return replace(variant, min_replicas=min(least, most), max_replicas=most)


def endpoints_of(each: Managed, unchanged: Unchanged) -> list[Endpoint]:
    """Where the pods of a variant are asked for metrics."""
    name, model = each.variant.name, each.variant.model
    of = (name, model, each.workload, each.observation.replicas, *each.pods)
    return unchanged.once(("endpoints", name), _endpoints, *of)


def _endpoints(variant: str, model: str, workload: Workload, replicas: Sequence[Replica], *pods: Pod) -> list[Endpoint]:
    server = workload.template.server
    port = server.port if isinstance(server, ServerArguments) and server.port is not None else DEFAULT_PORT
    serving = {replica.id for replica in replicas if replica.phase in (Phase.READY, Phase.DRAINING)}
    return [
        Endpoint(pod.id, model, variant, f"http://{pod.ip}:{port}")
        for pod in pods
        if pod.ip is not None and pod.id in serving
    ]
