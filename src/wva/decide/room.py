"""Hardware that is left while one decision hands it out."""

from collections.abc import Iterable

from wva.fleet.inventory import Inventory
from wva.fleet.variant import Variant


class Room:
    """Free GPUs by node of every accelerator whose supply is known, less what this decision has given away."""

    def __init__(self, inventory: Inventory) -> None:
        self._free: dict[str, list[int] | None] = {}
        for pool in inventory.pools:
            nodes = self._free.setdefault(pool.accelerator, [])
            if nodes is None or pool.free_by_node is None:
                self._free[pool.accelerator] = None
            else:
                nodes.extend(pool.free_by_node)

    def fits(self, variant: Variant) -> int | None:
        """More replicas that find hardware; ``None`` where nothing is known to limit them."""
        nodes = self._free.get(variant.accelerator)
        return None if nodes is None else sum(free // variant.gpus_per_replica for free in nodes)

    def take(self, variant: Variant, replicas: int) -> int:
        """Give hardware to that many replicas, on the fullest nodes that have room; returns how many found some."""
        nodes = self._free.get(variant.accelerator)
        if nodes is None:
            return replicas
        for taken in range(replicas):
            roomy = [(free, node) for node, free in enumerate(nodes) if free >= variant.gpus_per_replica]
            if not roomy:
                return taken
            nodes[min(roomy)[1]] -= variant.gpus_per_replica
        return replicas

    def trial(self, orders: Iterable[tuple[Variant, int]]) -> list[int]:
        """How many of these replicas find hardware, the first order first, without giving any away."""
        room = Room(Inventory())
        room._free = {name: None if nodes is None else list(nodes) for name, nodes in self._free.items()}
        return [room.take(variant, replicas) for variant, replicas in orders]
