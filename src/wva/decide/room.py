"""Hardware that is left while one decision hands it out."""

from collections.abc import Iterable
from dataclasses import dataclass

from wva.fleet.inventory import Inventory
from wva.fleet.variant import Variant


@dataclass(slots=True)
class _Node:
    """Free GPUs of one node."""

    name: str | None
    free: int
    kept: int = 0
    """Of these, how many wait for more to come free beside them."""


class Room:
    """Free GPUs by node of every accelerator whose supply is known, less what this decision has given away."""

    def __init__(self, inventory: Inventory) -> None:
        self._nodes: dict[str, list[_Node] | None] = {}
        for pool in inventory.pools:
            nodes = self._nodes.setdefault(pool.accelerator, [])
            if nodes is None or pool.free_by_node is None:
                self._nodes[pool.accelerator] = None
            else:
                names = pool.nodes or (None,) * len(pool.free_by_node)
                nodes.extend(_Node(name, free) for name, free in zip(names, pool.free_by_node, strict=True))

    def limited(self, accelerator: str) -> bool:
        """Whether something is known to limit the accelerator."""
        return self._nodes.get(accelerator) is not None

    def fits(self, variant: Variant) -> int | None:
        """More replicas that find hardware; ``None`` where nothing is known to limit them."""
        nodes = self._nodes.get(variant.accelerator)
        return None if nodes is None else sum((node.free - node.kept) // variant.gpus_per_replica for node in nodes)

    def take(self, variant: Variant, replicas: int) -> int:
        """Give hardware to that many replicas, on the fullest nodes that have room; returns how many found some.

        It stops where a body that fills the fullest node first would put a replica on hardware that is kept.
        """
        nodes = self._nodes.get(variant.accelerator)
        if nodes is None:
            return replicas
        gpus = variant.gpus_per_replica
        for taken in range(replicas):
            roomy = [(node.free, place) for place, node in enumerate(nodes) if node.free >= gpus]
            if not roomy:
                return taken
            node = nodes[min(roomy)[1]]
            if node.free - node.kept < gpus:
                return taken
            node.free -= gpus
        return replicas

    def open_nodes(self, accelerator: str) -> dict[str, int]:
        """Free GPUs that are not kept, of each node that is known by name."""
        nodes = self._nodes.get(accelerator) or ()
        return {node.name: node.free - node.kept for node in nodes if node.name is not None}

    def keep(self, accelerator: str, name: str, gpus: int) -> None:
        """Keep free GPUs of a node for a replica that waits for more of them."""
        for node in self._nodes.get(accelerator) or ():
            if node.name == name:
                node.kept += gpus

    def copy(self) -> "Room":
        """The same room, to try something out."""
        room = Room(Inventory())
        room._nodes = {
            name: None if nodes is None else [_Node(node.name, node.free, node.kept) for node in nodes]
            for name, nodes in self._nodes.items()
        }
        return room

    def trial(self, orders: Iterable[tuple[Variant, int]]) -> list[int]:
        """How many of these replicas find hardware, the first order first, without giving any away."""
        room = self.copy()
        return [room.take(variant, replicas) for variant, replicas in orders]
