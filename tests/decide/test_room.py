"""Hardware is found as by going over all nodes one by one."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from wva.decide.room import Room
from wva.fleet.inventory import Inventory, Pool, Supply
from wva.fleet.variant import EngineArguments, Role, Variant

ACCELERATOR = "H100-80GB"
SIZES = (1, 2, 4, 8)
STEP = st.one_of(
    st.tuples(st.just("take"), st.sampled_from(SIZES), st.integers(0, 6)),
    st.tuples(st.just("keep"), st.integers(0, 5), st.integers(0, 4)),
    st.tuples(st.just("trial"), st.sampled_from(SIZES), st.integers(0, 6)),
)


class Plain:
    """Nodes as a list, searched from its beginning to its end."""

    def __init__(self, free: Sequence[int]) -> None:
        self.free, self.kept = list(free), [0] * len(free)

    def take(self, gpus: int, replicas: int) -> int:
        for taken in range(replicas):
            roomy = [(free, place) for place, free in enumerate(self.free) if free >= gpus]
            if not roomy or min(roomy)[0] - self.kept[min(roomy)[1]] < gpus:
                return taken
            self.free[min(roomy)[1]] -= gpus
        return replicas

    def fits(self, gpus: int) -> int:
        return sum((free - kept) // gpus for free, kept in zip(self.free, self.kept, strict=True))


def variant(gpus: int) -> Variant:
    return Variant("v", "m", Role.BOTH, ACCELERATOR, gpus, EngineArguments(), 1.0, 0, 9, 60.0)


@given(st.lists(st.integers(0, 8), max_size=6), st.lists(STEP, max_size=12))
def test_the_same_nodes_are_taken(free: list[int], steps: list[tuple[str, int, int]]) -> None:
    names = tuple(f"n{place}" for place in range(len(free)))
    pool = Pool("p", ACCELERATOR, Supply.FIXED, sum(free), tuple(free), names)
    room, plain = Room(Inventory((pool,))), Plain(free)
    for kind, first, second in steps:
        if kind == "take":
            assert room.take(variant(first), second) == plain.take(first, second)
        elif kind == "trial":
            before = list(plain.free)
            orders = [(first, second), (1, 2)]
            found = [plain.take(*order) for order in orders]
            assert room.trial([(variant(gpus), count) for gpus, count in orders]) == found
            plain.free = before
        elif first < len(free):
            room.keep(ACCELERATOR, names[first], second)
            plain.kept[first] += second
        for other in (room, room.copy()):
            assert [other.fits(variant(size)) for size in SIZES] == [plain.fits(size) for size in SIZES]
            open_gpus = [free - kept for free, kept in zip(plain.free, plain.kept, strict=True)]
            assert list(other.open_nodes(ACCELERATOR).values()) == open_gpus
