"""What observations repeat until a replica changes its phase: everything of the fleet but metrics and traffic."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np

from wva.engine.batch.state import PICOSECONDS
from wva.fleet.observation import CarrierTraits, VariantObservation
from wva.fleet.replica import Instance, InstanceMetrics, Phase, Replica
from wva.fleet.variant import Variant
from wva.simulate.body import SimulatedFleet
from wva.simulate.replicas import SimulatedReplica

REVISION = "1"
"""Template revision of every replica: a simulated fleet rolls out no other."""

TRAITS = CarrierTraits(owner="wva", chooses_victims=True, drains=True, reaches_zero=True, restores=False)
"""What the simulated body can do with a plan."""


class Roster:
    """The fleet at one of its revisions."""

    def __init__(self, fleet: SimulatedFleet, kv_tokens: Sequence[int]) -> None:
        """``kv_tokens`` is the KV capacity of a replica of each variant."""
        self.revision = fleet.revision
        members = [[r for r in fleet.replicas if r.variant == index] for index in range(len(fleet.variants))]
        self.rows = np.array([r.row for own in members for r in own if r.row is not None], np.int64)
        """Rows of the replicas that serve, in the order in which ``observe`` takes their metrics."""
        self._variants = [
            (_variant(variant, own), [_Entry(replica, _node(fleet, replica), capacity) for replica in own])
            for variant, own, capacity in zip(fleet.variants, members, kv_tokens, strict=True)
        ]

    def observe(self, metrics: Iterable[InstanceMetrics | None]) -> tuple[VariantObservation, ...]:
        """The variants with these metrics of the replicas at ``rows``; ``None`` is a replica not scraped yet."""
        newest = iter(metrics)
        return tuple(
            [
                variant(replicas=tuple([entry.show(next(newest) if entry.serves else None) for entry in entries]))
                for variant, entries in self._variants
            ]
        )


class _Entry:
    """One replica."""

    __slots__ = ("_capacity", "_id", "_replica", "_unseen", "serves")

    def __init__(self, replica: SimulatedReplica, node: str | None, capacity: int) -> None:
        self.serves = replica.row is not None
        self._id = replica.id
        self._capacity = capacity
        self._replica = _replica(replica, node)
        self._unseen = self._replica(instances=(Instance(replica.id, None, None),))

    def show(self, metrics: InstanceMetrics | None) -> Replica:
        """The replica with what it shows of its engine: nothing before the first scrape."""
        if metrics is None:
            return self._unseen
        return self._replica(instances=(Instance(self._id, self._capacity, metrics),))


def _node(fleet: SimulatedFleet, replica: SimulatedReplica) -> str | None:
    return None if replica.node is None else fleet.stock.name(fleet.variants[replica.variant], replica.node)


def _replica(replica: SimulatedReplica, node: str | None) -> Callable[..., Replica]:
    """What makes the replica, given its ``instances``."""
    served = replica.phase in (Phase.READY, Phase.DRAINING)
    return partial(
        Replica,
        id=replica.id,
        phase=replica.phase,
        reason=replica.reason,
        since=replica.since / PICOSECONDS,
        ordered_at=replica.ordered_at / PICOSECONDS,
        started_at=_seconds(replica.started_at),
        ready_at=_seconds(replica.ready_at) if served else None,
        revision=REVISION,
        node=node,
    )


def _variant(variant: Variant, replicas: Sequence[SimulatedReplica]) -> Callable[..., VariantObservation]:
    """What makes the variant's observation, given its ``replicas``."""
    return partial(
        VariantObservation,
        variant=variant,
        desired=sum(replica.phase is not Phase.DRAINING for replica in replicas),
        ready=sum(replica.phase is Phase.READY for replica in replicas),
        revision=REVISION,
        traits=TRAITS,
    )


def _seconds(time: int | None) -> float | None:
    return None if time is None else time / PICOSECONDS
