"""Hardware that replicas can still be put on."""

from dataclasses import dataclass
from enum import StrEnum


class Supply(StrEnum):
    """How much a pool's figures promise."""

    FIXED = "fixed"
    """What is free is all there is."""
    ELASTIC = "elastic"
    """More can be ordered, up to the limit."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Pool:
    """GPUs of one accelerator that share a limit."""

    name: str
    accelerator: str
    supply: Supply
    total_gpus: int | None
    """All GPUs, or the limit of an elastic pool; ``None`` is unknown or without limit."""
    free_by_node: tuple[int, ...] | None
    """Free GPUs of each node that has any: a replica does not span nodes. ``None`` is unknown or without limit."""
    nodes: tuple[str, ...] | None = None
    """Names of these nodes, in the same order, as replicas name theirs; ``None`` is unknown."""

    def fits(self, gpus_per_replica: int) -> int | None:
        """Replicas of that many GPUs that fit now; ``None`` when unknown or without limit."""
        if self.free_by_node is None:
            return None
        return sum(free // gpus_per_replica for free in self.free_by_node)


@dataclass(frozen=True, slots=True)
class Inventory:
    """All pools; an accelerator in no pool is without known limit."""

    pools: tuple[Pool, ...] = ()

    def pools_of(self, accelerator: str) -> tuple[Pool, ...]:
        """The pools that hold this accelerator."""
        return tuple(pool for pool in self.pools if pool.accelerator == accelerator)

    def fits(self, accelerator: str, gpus_per_replica: int) -> int | None:
        """More replicas of that size that fit now; ``None`` when unknown or without limit."""
        rooms = [pool.fits(gpus_per_replica) for pool in self.pools_of(accelerator)]
        if not rooms or any(room is None for room in rooms):
            return None
        return sum(room for room in rooms if room is not None)
