"""The fleet as it is in the cluster now: what was declared, joined with who else acts on it and what it runs.

What has to be known of earlier to understand it is plain data that goes in and comes out with every look.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from wva.control.seams import FleetState
from wva.decide.memory import Quiet
from wva.fleet.inventory import Inventory
from wva.fleet.model import Model
from wva.fleet.observation import VariantObservation
from wva.fleet.quick import quick
from wva.fleet.readings import Endpoint
from wva.fleet.replica import Phase, Replica
from wva.fleet.variant import Variant
from wva.kubernetes.acting.drain import Draining, DrainMethod, chooses_victims, drain_method, out_of_service
from wva.kubernetes.arguments.server import DEFAULT_PORT, ServerArguments
from wva.kubernetes.conditions import Condition
from wva.kubernetes.discovery import Cluster, Defaults, Discovered, discover
from wva.kubernetes.follower import traits, watched
from wva.kubernetes.inventory import Pools, inventory
from wva.kubernetes.objects.node import Node
from wva.kubernetes.objects.pod import Pod
from wva.kubernetes.objects.scaler import Scaler
from wva.kubernetes.objects.selector import Selector
from wva.kubernetes.objects.workload import ReplicaSet, Workload
from wva.kubernetes.orders import Act, VariantOrders, variant_orders
from wva.kubernetes.ownership import Mode, Truce, conflict, followers, mode_of, remarks, seen
from wva.kubernetes.replicas import current_revision, variant_observation
from wva.kubernetes.scope import Scope
from wva.kubernetes.shortage import Attempt, Patience, Shortages, learn, refused, updated, waiting
from wva.kubernetes.unchanged import Unchanged
from wva.policies.hpa.memory import VariantMemory


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


@dataclass(frozen=True, slots=True)
class Remembered:
    """What has to be known of earlier looks, by the name of the variant unless said otherwise."""

    truces: Mapping[str, Truce] = field(default_factory=dict)
    followers: Mapping[str, VariantMemory] = field(default_factory=dict)
    """What each one's follower remembers."""
    published: Mapping[str, int] = field(default_factory=dict)
    """What the gauge said last."""
    shortages: Shortages = field(default_factory=Shortages)
    quiet: Mapping[str, Quiet] = field(default_factory=dict)
    """Of the models that have no request, by their names."""


@quick
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
class Picture:
    """The fleet as it is now."""

    found: tuple[Discovered, ...]
    """All that is declared, also what cannot be decided on."""
    managed: Mapping[str, Managed]
    """What can be decided on, by the name of the variant."""
    models: tuple[Model, ...]
    inventory: Inventory
    endpoints: tuple[Endpoint, ...] = ()
    """Where the pods that serve, or still serve while they drain, are asked for metrics."""

    def state(self) -> FleetState:
        """As the loop takes it."""
        return FleetState(
            models=self.models,
            variants=tuple(each.observation for each in self.managed.values()),
            inventory=self.inventory,
            endpoints=self.endpoints,
        )


def look(
    view: View, setting: Setting, before: Remembered, now: float, unchanged: Unchanged | None = None
) -> tuple[Picture, Remembered]:
    """Join everything into the fleet as it is, and take in what has changed since the last look.

    Args:
        view: The objects.
        setting: What the controller is set to.
        before: What the last look left.
        now: Seconds since the epoch.
        unchanged: Spares the work on what is as it was at the last look.

    """
    unchanged = unchanged or Unchanged()
    found = discover(view.cluster, setting.scope, setting.defaults, unchanged)
    decidable = {each.variant.name: each for each in found if each.variant is not None}
    pods = {name: _present(each, view) for name, each in decidable.items()}
    before = replace(before, shortages=_shortages(decidable, pods, setting.patience, before.shortages, now))
    moment = _Moment(now, before.shortages.short_of(now), _kept_awake(decidable, before.quiet))
    scalers = defaultdict[tuple[str, str], list[Scaler]](list)
    for scaler in view.cluster.scalers:
        scalers[scaler.target.namespace, scaler.target.name].append(scaler)
    managed: dict[str, Managed] = {}
    truces: dict[str, Truce] = {}
    memories: dict[str, VariantMemory] = {}
    for name, each in decidable.items():
        assert each.workload is not None
        truces[name] = seen(before.truces.get(name, Truce()), each.workload.replicas, now)
        on_target = scalers[each.workload.meta.key]
        one = _managed(each, view, setting, moment, on_target, pods[name], truces[name], unchanged)
        managed[name] = one
        if one.follower is not None:
            memories[name] = watched(
                before.followers.get(name), one.follower, each.workload.replicas, before.published.get(name), now
            )
    accelerators = [each.variant.accelerator for each in managed.values()]
    stock = inventory(view.nodes, view.pods, accelerators, setting.pools, moment.short)
    models = tuple({each.model.name: each.model for each in decidable.values() if each.model is not None}.values())
    after = replace(
        before,
        truces={name: truce for name, truce in truces.items() if truce != Truce()},
        followers=memories,
        published={name: count for name, count in before.published.items() if name in managed},
        quiet={model.name: before.quiet[model.name] for model in models if model.name in before.quiet},
    )
    endpoints = tuple(one for each in managed.values() for one in _endpoints_of(each, unchanged))
    return Picture(found, managed, models, stock, endpoints), after


@dataclass(frozen=True, slots=True)
class _Moment:
    """What holds of the fleet at the moment of a look."""

    now: float
    """Seconds since the epoch."""
    short: Collection[str]
    """Variants whose quota is used up, and accelerators that are out of stock, by their names."""
    awake: Collection[str]
    """Variants that keep a replica though their minimum is 0, by their names."""


def _orders(each: Discovered, view: View, default: Act) -> VariantOrders:
    assert each.variant is not None
    bounds = (each.variant.min_replicas, each.variant.max_replicas)
    return variant_orders(each.meta, view.cluster.namespaces.get(each.meta.namespace), default, bounds)


def _present(each: Discovered, view: View) -> tuple[Pod, ...]:
    assert each.workload is not None
    return tuple(pod for pod in view.pods_of(each.workload.meta.uid) if not pod.ended)


def _managed(
    each: Discovered,
    view: View,
    setting: Setting,
    moment: _Moment,
    on_target: Sequence[Scaler],
    pods: tuple[Pod, ...],
    truce: Truce,
    unchanged: Unchanged,
) -> Managed:
    workload, declaration = each.workload, each.declaration
    assert each.variant is not None
    assert workload is not None
    assert declaration is not None
    name, now = each.variant.name, moment.now
    orders = _orders(each, view, setting.act)
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


def _kept_awake(decidable: Mapping[str, Discovered], quiet: Mapping[str, Quiet]) -> frozenset[str]:
    """Variants that keep a replica because their model may have had requests within its retention period.

    Of those of a model that have replicas, the cheapest of each role; one at zero is not woken for it.
    """
    kept: dict[tuple[str, str], Variant] = {}
    for each in decidable.values():
        variant, workload = each.variant, each.workload
        if variant is None or workload is None or workload.replicas == 0:
            continue
        known = quiet.get(variant.model)
        if known is not None and known.lasted_s >= each.settings.retention_s:
            continue
        place = (variant.model, variant.role)
        other = kept.get(place)
        if other is None or (variant.cost_per_hour, variant.name) < (other.cost_per_hour, other.name):
            kept[place] = variant
    return frozenset(variant.name for variant in kept.values())


def _shortages(
    decidable: Mapping[str, Discovered],
    pods: Mapping[str, Sequence[Pod]],
    patience: Patience,
    before: Shortages,
    now: float,
) -> Shortages:
    by_accelerator = defaultdict[str, list[Pod]](list)
    attempts: list[Attempt] = []
    for name, each in decidable.items():
        assert each.variant is not None
        assert each.workload is not None
        by_accelerator[each.variant.accelerator].extend(pods[name])
        attempts.append(refused(name, each.workload.refusal, pods[name], now))
    waits = learn(before.waits, by_accelerator, patience.least_s)
    attempts += [waiting(name, own, waits.get(name), now, patience) for name, own in by_accelerator.items()]
    return updated(replace(before, waits=waits), attempts, now, patience)


def _endpoints_of(each: Managed, unchanged: Unchanged) -> list[Endpoint]:
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
