"""Which GPUs each replica has."""

from collections.abc import Sequence
from dataclasses import dataclass

from wva.control.stock import Stock
from wva.fleet.inventory import Inventory
from wva.fleet.variant import Variant
from wva.local.schema import LocalNodesSpec


@dataclass(frozen=True, slots=True)
class Placement:
    """The hardware of one replica."""

    node: int
    """Its node's place among those of its accelerator."""
    gpus: tuple[str, ...] | None
    """What CUDA_VISIBLE_DEVICES calls them; ``None`` where GPUs are not counted."""


class Devices:
    """The GPUs of this machine, by node; a stock that also knows which of them are free."""

    def __init__(self, nodes: Sequence[LocalNodesSpec] | None) -> None:
        """Have all of them free; ``None`` is without limit, and without names for GPUs."""
        self._stock = Stock(nodes)
        self._counted = nodes is not None
        self._free: dict[tuple[str, int], dict[str, bool]] = {}
        numbered = 0
        for spec in nodes or ():
            devices = spec.devices or range(numbered, numbered + spec.gpus * spec.count)
            numbered += len(devices)
            first = sum(accelerator == spec.accelerator for accelerator, _ in self._free)
            for node in range(spec.count):
                own = devices[node * spec.gpus : (node + 1) * spec.gpus]
                self._free[spec.accelerator, first + node] = {str(device): True for device in own}

    def take(self, variant: Variant) -> Placement | None:
        """GPUs for one replica on the fullest node that has room, in the file's order; None without room."""
        node = self._stock.take(variant)
        if node is None or not self._counted:
            return None if node is None else Placement(node, None)
        gpus = self._free[variant.accelerator, node]
        taken = [name for name, free in gpus.items() if free][: variant.gpus_per_replica]
        gpus.update(dict.fromkeys(taken, False))
        return Placement(node, tuple(taken))

    def give_back(self, variant: Variant, placement: Placement) -> None:
        """Free the GPUs of one replica."""
        self._stock.give_back(variant, placement.node)
        if placement.gpus is not None:
            self._free[variant.accelerator, placement.node].update(dict.fromkeys(placement.gpus, True))

    def name(self, variant: Variant, placement: Placement) -> str | None:
        """What its node is called; None where there is no limit."""
        return self._stock.name(variant, placement.node)

    def inventory(self, accelerators: Sequence[str]) -> Inventory:
        """What policies see."""
        return self._stock.inventory(accelerators)
