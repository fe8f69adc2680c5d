"""The cost-aware optimizer, worked by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva.fleet.variant import Role
from wva.policies.saturation.allocation import Candidate, grown, shrunk


def candidate(
    name: str,
    cost: float = 1.0,
    room: float = 100.0,
    current: int = 1,
    bounds: tuple[int, int] = (0, 100),
    role: Role = Role.BOTH,
) -> Candidate:
    return Candidate(name, role, cost, room, current, *bounds)


@pytest.mark.parametrize(
    ("candidates", "required", "counts"),
    [
        ([candidate("a")], 250, [4]),  # ceil(2.5) more
        ([candidate("a")], 300, [4]),
        ([candidate("a")], 0, [1]),
        # 2 / 100 is more than 1 / 60 a token: the cheaper one takes all, ceil(240 / 60).
        ([candidate("a", 2.0), candidate("b", 1.0, room=60)], 240, [1, 5]),
        # The dearer replica is the cheaper one by token, however little of it is needed.
        ([candidate("a", 9.0, room=1000), candidate("b", 1.0)], 10, [2, 1]),
        ([candidate("b"), candidate("a")], 100, [1, 2]),  # equal: by name
        ([candidate("a", 0.0, room=0), candidate("b")], 100, [1, 2]),  # nothing is known of the first one
        ([candidate("a", 0.0), candidate("b")], 100, [2, 1]),
        # Two until its maximum, and the last 100 for the other.
        ([candidate("a", bounds=(0, 3)), candidate("b", 2.0)], 300, [3, 2]),
        ([candidate("a", bounds=(0, 3)), candidate("b", 2.0, bounds=(0, 2))], 900, [3, 2]),
        ([candidate("a", current=5, bounds=(0, 3))], 100, [5]),
    ],
)
def test_growing(candidates: list[Candidate], required: float, counts: list[int]) -> None:
    assert list(grown(candidates, {Role.BOTH: required}).values()) == counts


def prefill_and_decode(highest: int = 100) -> list[Candidate]:
    return [
        candidate("p", role=Role.PREFILL, bounds=(0, highest)),
        candidate("d", role=Role.DECODE, room=50.0),
    ]


def test_roles_grow_in_step() -> None:
    # Each what it requires: 2 and 4.
    assert grown(prefill_and_decode(), {Role.PREFILL: 200, Role.DECODE: 200}) == {"p": 3, "d": 5}
    # Prefill has room for one of four: a quarter, so decode takes a quarter of its 400, two of eight. Then prefill has
    # no variant left, and decode gets no more either.
    assert grown(prefill_and_decode(2), {Role.PREFILL: 400, Role.DECODE: 400}) == {"p": 2, "d": 3}
    # What a role without demand has no variant for stops the others all the same.
    assert grown(prefill_and_decode(1), {Role.PREFILL: 0, Role.DECODE: 400}) == {"p": 1, "d": 1}
    assert grown(prefill_and_decode(2), {Role.PREFILL: 0, Role.DECODE: 400}) == {"p": 1, "d": 9}


@given(
    st.lists(st.tuples(st.floats(0.5, 9), st.floats(1, 1e6), st.integers(0, 20)), min_size=1, max_size=4),
    st.floats(0, 1e7),
)
def test_growing_gives_what_is_required_or_all_there_is(fleet: list[tuple[float, float, int]], required: float) -> None:
    candidates = [
        candidate(str(number), cost, room, current=0, bounds=(0, highest))
        for number, (cost, room, highest) in enumerate(fleet)
    ]
    counts = grown(candidates, {Role.BOTH: required})
    assert all(0 <= counts[c.name] <= c.highest for c in candidates)
    room = sum(counts[c.name] * c.room for c in candidates)
    assert room >= required * (1 - 1e-9) or all(counts[c.name] == c.highest for c in candidates)
    # No replica more than is needed: one fewer of the last variant that grew would be too little.
    last = max((c for c in candidates if counts[c.name] > 0), key=lambda c: (c.cost / c.room, c.name), default=None)
    assert last is None or room - last.room < required


@pytest.mark.parametrize(
    ("candidates", "spare", "counts"),
    [
        ([candidate("a", current=5)], 250, [3]),  # floor(2.5) fewer
        ([candidate("a", current=5)], 99, [5]),  # less than one replica
        ([candidate("a", current=5)], 0, [5]),
        ([candidate("a", current=5, bounds=(4, 9))], 500, [4]),
        # The dearest goes first, to 0, and the rest comes from the other.
        ([candidate("a", current=3), candidate("b", 2.0, current=2)], 350, [2, 0]),
        # What is too little for a replica of the dear one may be enough for a cheap one.
        ([candidate("a", current=3), candidate("b", 2.0, room=200, current=2)], 150, [2, 2]),
        # The cheapest keeps its last one only when it is the last of all.
        ([candidate("a", current=1), candidate("b", 2.0, current=1)], 900, [1, 0]),
        ([candidate("a", current=1), candidate("b", 2.0, current=1, bounds=(1, 9))], 900, [0, 1]),
        ([candidate("a", current=3)], 900, [1]),
        # Equal cost: less room goes first, then the name.
        ([candidate("a", current=2, room=200), candidate("b", current=2)], 100, [2, 1]),
        ([candidate("a", current=2), candidate("b", current=2)], 100, [1, 2]),
        # Nothing is known of the dearest.
        ([candidate("a", current=2), candidate("b", 9.0, room=0, current=2)], 100, [1, 2]),
    ],
)
def test_shrinking(candidates: list[Candidate], spare: float, counts: list[int]) -> None:
    assert list(shrunk(candidates, {Role.BOTH: spare}).values()) == counts


def test_roles_shrink_apart() -> None:
    fleet = [candidate("p", role=Role.PREFILL, current=4), candidate("d", role=Role.DECODE, current=4)]
    assert shrunk(fleet, {Role.PREFILL: 200, Role.DECODE: 0}) == {"p": 2, "d": 4}
