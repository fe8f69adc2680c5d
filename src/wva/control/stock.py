"""GPUs on nodes: which replicas have hardware."""

from collections.abc import Sequence
from typing import Protocol

from wva.fleet.inventory import Inventory, Pool, Supply
from wva.fleet.variant import Variant


class Nodes(Protocol):
    """Nodes of one kind."""

    @property
    def accelerator(self) -> str:
        """Catalogue name of their accelerator."""

    @property
    def gpus(self) -> int:
        """GPUs in each node."""

    @property
    def count(self) -> int:
        """How many there are."""


class Stock:
    """Free GPUs of every node; an accelerator without nodes is without limit."""

    def __init__(self, nodes: Sequence[Nodes] | None) -> None:
        """Have all of them free; ``None`` is without any limit."""
        self._limited = nodes is not None
        self._free: dict[str, list[int]] = {}
        self._total: dict[str, int] = {}
        for spec in nodes or ():
            self._free.setdefault(spec.accelerator, []).extend([spec.gpus] * spec.count)
            self._total[spec.accelerator] = self._total.get(spec.accelerator, 0) + spec.gpus * spec.count

    def take(self, variant: Variant) -> int | None:
        """Occupy the GPUs of one replica on the fullest node that has room; return the node, or None without room."""
        if not self._limited:
            return 0
        free = self._free.get(variant.accelerator, [])
        rooms = [(left, node) for node, left in enumerate(free) if left >= variant.gpus_per_replica]
        if not rooms:
            return None
        _, node = min(rooms)
        free[node] -= variant.gpus_per_replica
        return node

    def give_back(self, variant: Variant, node: int) -> None:
        """Free the GPUs of one replica."""
        if self._limited:
            self._free[variant.accelerator][node] += variant.gpus_per_replica

    def name(self, variant: Variant, node: int) -> str | None:
        """What the node is called; None where there is no limit, so that there are no nodes to tell apart."""
        return _name(variant.accelerator, node) if self._limited else None

    def inventory(self, accelerators: Sequence[str]) -> Inventory:
        """What policies see: one fixed pool an accelerator; none at all where there is no limit."""
        if not self._limited:
            return Inventory()
        return Inventory(tuple(self._pool(accelerator) for accelerator in accelerators))

    def _pool(self, accelerator: str) -> Pool:
        free = [(left, node) for node, left in enumerate(self._free.get(accelerator, [])) if left]
        return Pool(
            name=accelerator,
            accelerator=accelerator,
            supply=Supply.FIXED,
            total_gpus=self._total.get(accelerator, 0),
            free_by_node=tuple(left for left, _ in free),
            nodes=tuple(_name(accelerator, node) for _, node in free),
        )


def _name(accelerator: str, node: int) -> str:
    return f"{accelerator}/{node + 1}"
