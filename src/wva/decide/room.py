"""Hardware that is left while one decision hands it out."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush

from wva.fleet.inventory import Inventory
from wva.fleet.variant import Variant


@dataclass(slots=True)
class _Node:
    """Free GPUs of one node."""

    name: str | None
    free: int
    kept: int = 0
    """Of these, how many wait for more to come free beside them."""

    @property
    def open(self) -> int:
        """Those that do not."""
        return self.free - self.kept


class _Nodes:
    """The nodes of one accelerator, found by what is free on them: there may be thousands."""

    def __init__(self, nodes: Iterable[_Node] = ()) -> None:
        self.all: list[_Node] = []
        self._places: defaultdict[int, list[int]] = defaultdict(list)
        """Places of nodes by their free GPUs, as heaps. An entry counts while the node still has as many."""
        self._open: Counter[int] = Counter()
        """How many nodes have so many open GPUs."""
        self.extend(nodes)

    def extend(self, nodes: Iterable[_Node]) -> None:
        """Put more nodes after these."""
        for node in nodes:
            heappush(self._places[node.free], len(self.all))
            self._open[node.open] += 1
            self.all.append(node)

    def fullest(self, gpus: int) -> int | None:
        """Place of the fullest node with so many free GPUs, the first of several."""
        for free in sorted(self._places):
            places = self._places[free]
            while places and self.all[places[0]].free != free:
                heappop(places)
            if places and free >= gpus:
                return places[0]
        return None

    def fits(self, gpus: int) -> int:
        """Replicas of that size that find open GPUs."""
        return sum(count * (open_gpus // gpus) for open_gpus, count in self._open.items())

    def change(self, place: int, *, free: int = 0, kept: int = 0) -> None:
        """Change what is free on a node, and what of it is kept."""
        node = self.all[place]
        self._open[node.open] -= 1
        node.free += free
        node.kept += kept
        self._open[node.open] += 1
        if free:
            heappush(self._places[node.free], place)

    def copy(self) -> "_Nodes":
        """The same nodes, to try something out."""
        return _Nodes(_Node(node.name, node.free, node.kept) for node in self.all)


class Room:
    """Free GPUs by node of every accelerator whose supply is known, less what this decision has given away."""

    def __init__(self, inventory: Inventory) -> None:
        self._nodes: dict[str, _Nodes | None] = {}
        for pool in inventory.pools:
            nodes = self._nodes.setdefault(pool.accelerator, _Nodes())
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
        return None if nodes is None else nodes.fits(variant.gpus_per_replica)

    def take(self, variant: Variant, replicas: int) -> int:
        """Give hardware to that many replicas, on the fullest nodes that have room; returns how many found some.

        It stops where a body that fills the fullest node first would put a replica on hardware that is kept.
        """
        nodes = self._nodes.get(variant.accelerator)
        return replicas if nodes is None else sum(1 for _ in _taken(nodes, variant.gpus_per_replica, replicas))

    def open_nodes(self, accelerator: str) -> dict[str, int]:
        """Free GPUs that are not kept, of each node that is known by name."""
        nodes = self._nodes.get(accelerator)
        return {} if nodes is None else {node.name: node.open for node in nodes.all if node.name is not None}

    def keep(self, accelerator: str, name: str, gpus: int) -> None:
        """Keep free GPUs of a node for a replica that waits for more of them."""
        nodes = self._nodes.get(accelerator)
        if nodes is not None:
            for place, node in enumerate(nodes.all):
                if node.name == name:
                    nodes.change(place, kept=gpus)

    def copy(self) -> "Room":
        """The same room, to try something out."""
        room = Room(Inventory())
        room._nodes = {name: None if nodes is None else nodes.copy() for name, nodes in self._nodes.items()}
        return room

    def trial(self, orders: Iterable[tuple[Variant, int]]) -> list[int]:
        """How many of these replicas find hardware, the first order first, without giving any away."""
        found, given = [], []
        for variant, replicas in orders:
            nodes, gpus = self._nodes.get(variant.accelerator), variant.gpus_per_replica
            places = [] if nodes is None else list(_taken(nodes, gpus, replicas))
            found.append(replicas if nodes is None else len(places))
            given += [(nodes, place, gpus) for place in places]
        for nodes, place, gpus in given:
            assert nodes is not None
            nodes.change(place, free=gpus)
        return found


def _taken(nodes: _Nodes, gpus: int, replicas: int) -> Iterator[int]:
    """Give GPUs to replicas one by one; the places of the nodes that they are on."""
    for _ in range(replicas):
        place = nodes.fullest(gpus)
        if place is None or nodes.all[place].open < gpus:
            return
        nodes.change(place, free=-gpus)
        yield place
