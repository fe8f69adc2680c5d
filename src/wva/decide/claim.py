"""One model while the hardware is handed out: what it needs, what it has, what it gives up and what it waits for."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from wva.decide.choice import Option, capacity_of, covers
from wva.decide.sites import Tenant
from wva.decide.supply import placed
from wva.decide.view import bounded
from wva.fleet.model import Model
from wva.fleet.observation import VariantObservation


@dataclass(frozen=True, slots=True)
class Gift:
    """A replica that a model gives up for another model."""

    tenant: Tenant
    to: Model
    for_minimum: bool
    """Whether the other is below its minimum; otherwise it is short."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Hardware for one replica that others have not left yet."""

    awaits: tuple[str, ...]
    """Replicas that must be gone."""
    certain: bool
    """Whether these are all; otherwise the body chooses some that go, and nobody knows which before they do."""
    givers: tuple[Model, ...]
    """Models that give up a replica for it, one entry a replica."""


@dataclass(slots=True, eq=False)
class Claim:
    """A model and the replicas that it gets, which change while hardware is handed out."""

    model: Model
    variants: tuple[VariantObservation, ...]
    options: tuple[Option, ...]
    """The variants that it can choose from; the counts of others stay."""
    before: Mapping[str, int]
    """Replicas of each option, inside their bounds."""
    need: float = 0.0
    """Capacity needed now, in the options' unit."""
    held: float = 0.0
    """The largest need of late: the measure of its share."""
    stuck: float = 0.0
    """Part of both needs, and of the capacity, that is counted but has no hardware."""
    yields: bool = False
    """Whether replicas of it may be given up."""
    counts: dict[str, int] = field(default_factory=dict)
    """Replicas of each option as handed out so far, the slots left out."""
    gifts: list[Gift] = field(default_factory=list)
    slots: dict[str, list[Slot]] = field(default_factory=dict)
    """By variant."""
    withdrawn: dict[str, Model] = field(default_factory=dict)
    """Options of which replicas without hardware no longer wait for it, and the model that takes it."""

    secured: Counter[str] = field(default_factory=Counter)
    """Replicas of each variant that hardware was found for before all others, because they are part of its minimum."""
    changes: int = 0
    """How often its counts, gifts or slots have changed."""
    _shares: dict[tuple[str, ...], float] = field(default_factory=dict, repr=False)
    """Those that were worked out since the last change: under scarcity they are asked for again and again."""

    def __post_init__(self) -> None:
        self.counts = dict(self.before)

    def settle(self, counts: dict[str, int]) -> None:
        """Have these replicas of each option."""
        self.counts = counts
        self._changed()

    def add(self, name: str) -> None:
        """Have one more replica of an option."""
        self.counts[name] += 1
        self._changed()

    def give(self, gift: Gift) -> None:
        """Give up a replica."""
        self.counts[gift.tenant.variant] -= 1
        self.gifts.append(gift)
        self._changed()

    def wait(self, name: str, slot: Slot) -> None:
        """Have one more replica of an option once its hardware is free."""
        self.slots.setdefault(name, []).append(slot)
        self._changed()

    def _changed(self) -> None:
        self.changes += 1
        self._shares.clear()

    @property
    def short(self) -> bool:
        """Whether what it gets does not cover its need."""
        return bool(self.options) and not covers(self._capacity(()), self.need)

    def total(self, name: str) -> int:
        """Replicas of an option, those included that wait for hardware to come free."""
        return self.counts[name] + len(self.slots.get(name, ()))

    def share(self, gone: tuple[str, ...] = ()) -> float:
        """Part of the largest need of late that its replicas cover, less those ``gone``, which are told by variant."""
        known = self._shares.get(gone)
        if known is None:
            held = self.held - self.stuck
            known = self._shares[gone] = (self._capacity(gone) - self.stuck) / held if held > 0.0 else math.inf
        return known

    def missing(self) -> float:
        """What its largest need of late exceeds its capacity by; negative where it does not."""
        return self.held - self._capacity(())

    def given(self, name: str) -> int:
        """Replicas of a variant that it gives up."""
        return sum(gift.tenant.variant == name for gift in self.gifts)

    def orders(self) -> list[tuple[VariantObservation, int]]:
        """The replicas of each variant that still have to find hardware, the slots left out."""
        orders = []
        for seen in self.variants:
            name = seen.variant.name
            count = self.counts.get(name, bounded(seen.variant, seen.desired))
            orders.append((seen, max(0, count - self._placed(seen) - self.secured[name])))
        return orders

    def withdraw(self, option: Option, to: Model) -> None:
        """Do without the replicas of an option that only wait for hardware, down to its least count."""
        (seen,) = (seen for seen in self.variants if seen.variant.name == option.name)
        count = max(option.least, self._placed(seen))
        if count < self.counts[option.name]:
            self.counts[option.name] = count
            self.withdrawn[option.name] = to
            self._changed()

    def _placed(self, seen: VariantObservation) -> int:
        return placed(seen) - self.given(seen.variant.name)

    def _capacity(self, gone: tuple[str, ...]) -> float:
        totals = {option.name: self.total(option.name) - gone.count(option.name) for option in self.options}
        return capacity_of(self.options, totals)
