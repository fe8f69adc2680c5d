"""The fleet as it is in the cluster now: what was declared, joined with who else acts on it and what it runs.

What has to be known of earlier to understand it is plain data that goes in and comes out with every look.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from wva.control.seams import FleetState
from wva.decide.memory import Quiet
from wva.fleet.inventory import Inventory
from wva.fleet.model import Model
from wva.fleet.readings import Endpoint
from wva.kubernetes.discovery import Discovered, discover
from wva.kubernetes.follower import watched
from wva.kubernetes.inventory import inventory
from wva.kubernetes.managed import Managed, Moment, endpoints_of, managed_variant
from wva.kubernetes.objects.pod import Pod
from wva.kubernetes.objects.scaler import Scaler
from wva.kubernetes.ownership import Truce, seen
from wva.kubernetes.quiet import kept_awake
from wva.kubernetes.shortage import Attempt, Patience, Shortages, learn, refused, updated, waiting
from wva.kubernetes.unchanged import Unchanged
from wva.kubernetes.view import Setting, View
from wva.policies.hpa.memory import VariantMemory


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
    moment = Moment(now, before.shortages.short_of(now), kept_awake(decidable, before.quiet))
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
        one = managed_variant(each, view, setting, moment, on_target, pods[name], truces[name], unchanged)
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
    endpoints = tuple(one for each in managed.values() for one in endpoints_of(each, unchanged))
    return Picture(found, managed, models, stock, endpoints), after


def _present(each: Discovered, view: View) -> tuple[Pod, ...]:
    assert each.workload is not None
    return tuple([pod for pod in view.pods_of(each.workload.meta.uid) if not pod.ended])


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
