"""Who holds the hardware: replicas by node, those that leave it and those that could."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from wva.decide.room import Room
from wva.fleet.observation import VariantObservation
from wva.fleet.replica import Phase, Replica

LONGEST_DRAIN_S = 900.0
"""Seconds after which a replica that drains is no longer believed to go: most answers take less, and what hangs in the
cluster for longer may hang for ever."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A replica that holds hardware."""

    replica: str
    variant: str
    gpus: int
    named: bool
    """Whether a plan can say that it is this replica that goes, so that what becomes free is known by node."""
    order: tuple[bool, float]
    """Which of a variant's replicas goes first: one that does not serve yet, then the newest."""


@dataclass(slots=True)
class Leaving:
    """Hardware that comes free when a replica has gone."""

    replica: str | None
    """``None`` where the body chooses which one goes."""
    gpus: int
    """Those that are not promised to anyone yet."""


@dataclass(slots=True)
class Site:
    """One node. A replica that could be on any has a site of its own: it frees its own hardware and no more."""

    node: str | None
    leaving: list[Leaving] = field(default_factory=list)
    tenants: list[Tenant] = field(default_factory=list)


def sites_of(variants: Iterable[VariantObservation], room: Room, now: float) -> dict[str, list[Site]]:
    """The sites of every accelerator whose supply is known, in a fixed order."""
    limited = [seen for seen in variants if room.limited(seen.variant.accelerator)]
    accelerators = {seen.variant.accelerator for seen in limited}
    by_node = {(each, name): Site(name) for each in accelerators for name in room.open_nodes(each)}
    for seen in limited:
        for replica in seen.in_phase(Phase.STARTING, Phase.READY, Phase.DRAINING):
            _add(replica, seen, by_node, now)
    sites: dict[str, list[Site]] = {}
    for (accelerator, _), site in sorted(by_node.items()):
        sites.setdefault(accelerator, []).append(site)
    return sites


def _add(replica: Replica, seen: VariantObservation, by_node: dict[tuple[str, str], Site], now: float) -> None:
    gpus, leaves = seen.variant.gpus_per_replica, replica.phase is Phase.DRAINING
    if leaves and now - replica.since > LONGEST_DRAIN_S:
        return
    node = replica.node if leaves or seen.traits.chooses_victims else None
    # No name of a node has a line feed in it.
    key = (seen.variant.accelerator, f"\n{replica.id}" if node is None else node)
    site = by_node.setdefault(key, Site(node))
    if leaves:
        site.leaving.append(Leaving(replica.id, gpus))
    else:
        order = (replica.phase is not Phase.STARTING, -replica.since)
        site.tenants.append(Tenant(replica.id, seen.variant.name, gpus, seen.traits.chooses_victims, order))
