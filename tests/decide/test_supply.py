"""Replicas, hardware, and how long a start takes."""

from dataclasses import replace

import pytest

from tests.decide.worlds import SETTINGS, replica, seen, variant
from wva.decide.memory import Startup
from wva.decide.room import Room
from wva.decide.startup import learn_startup, time_to_ready_s
from wva.decide.supply import coming, lost, may_grow, placed, rolling_out
from wva.fleet.inventory import Inventory, Pool, Supply
from wva.fleet.replica import FAILING, Phase


def nodes(*free: int) -> Inventory:
    return Inventory((Pool("p", "H100-80GB", Supply.FIXED, 64, free),))


def test_pending_and_starting_replicas_come_until_they_are_stuck() -> None:
    shown = seen(
        variant(),
        replica("a"),
        replica("b", Phase.STARTING),
        replica("c", Phase.PENDING, since=900.0),
        replica("d", Phase.PENDING, since=800.0),
        replica("e", Phase.DRAINING),
    )
    none_lost = lost(shown, Startup(1000.0, 0.0, 0.0), 1000.0, SETTINGS)
    assert coming(shown, none_lost, 1000.0, SETTINGS) == 3
    assert placed(shown) == 2


def test_a_rollout_shows_in_revisions() -> None:
    assert not rolling_out(seen(variant(), replica("a")))
    assert not rolling_out(seen(variant()))
    assert not rolling_out(seen(variant(), replica("a"), replica("b", Phase.DRAINING, revision="0")))
    assert rolling_out(seen(variant(), replica("a"), replica("b", revision="0")))
    assert rolling_out(seen(variant(), replica("a", revision="0")))


def test_a_replica_does_not_span_nodes() -> None:
    room = Room(nodes(3, 3))
    pair = variant(tensor_parallel=2)
    assert room.fits(pair) == 2
    assert room.fits(variant()) == 6
    assert room.fits(variant(accelerator="L4")) is None


def test_what_one_takes_another_does_not_find() -> None:
    room = Room(nodes(4, 1))
    assert room.take(variant(), 1) == 1  # from the fuller node
    assert room.fits(variant(tensor_parallel=4)) == 1
    assert room.take(variant(tensor_parallel=4), 2) == 1
    assert room.fits(variant()) == 0


def test_a_trial_gives_nothing_away() -> None:
    room = Room(nodes(4))
    assert room.trial([(variant(), 3), (variant(tensor_parallel=2), 1), (variant(), 2)]) == [3, 0, 1]
    assert room.fits(variant()) == 4


def test_a_pool_without_known_limit_limits_nothing() -> None:
    unknown = Pool("q", "H100-80GB", Supply.UNKNOWN, None, None)
    room = Room(Inventory((*nodes(1).pools, unknown)))
    assert room.fits(variant()) is None
    assert room.take(variant(), 9) == 9


def test_starts_are_declared_until_they_are_measured() -> None:
    assert time_to_ready_s(None, seen(variant()), SETTINGS) == 110.0
    # Helper replicas start 100 s before they are ready.
    first = learn_startup(None, seen(variant(), replica("a", since=500.0)))
    assert first == Startup(100.0, 0.0, 500.0)
    assert learn_startup(first, seen(variant(), replica("a", since=500.0))) == first


def test_a_slow_start_moves_mean_and_deviation() -> None:
    # 100 s after a mean of 50: mean 50 + 0.2 * 50, deviation 0.2 * 50, horizon 60 + 2 * 10.
    fast = Startup(50.0, 0.0, 400.0)
    learned = learn_startup(fast, seen(variant(), replica("a", since=500.0)))
    assert learned is not None
    assert (learned.mean_s, learned.deviation_s) == pytest.approx((60.0, 10.0))
    assert time_to_ready_s(learned, seen(variant()), SETTINGS) == pytest.approx(80.0)


@pytest.mark.parametrize(
    ("reason", "since", "startup", "gone"),
    [
        (None, 800.0, Startup(100.0, 10.0, 0.0), 0),
        # Longer than twice the 120 s that most starts keep.
        (None, 750.0, Startup(100.0, 10.0, 0.0), 1),
        # Twice the 110 s that are declared.
        (None, 785.0, None, 0),
        (None, 775.0, None, 1),
        # However short starts are, a while is waited.
        (None, 890.0, Startup(1.0, 0.0, 0.0), 0),
        (None, 875.0, Startup(1.0, 0.0, 0.0), 1),
        (f"{FAILING}: CrashLoopBackOff", 999.0, Startup(100.0, 10.0, 0.0), 1),
        ("ImagePullBackOff", 999.0, Startup(100.0, 10.0, 0.0), 0),
    ],
)
def test_a_start_that_fails_or_takes_far_too_long_is_not_counted_on(
    reason: str | None, since: float, startup: Startup | None, gone: int
) -> None:
    starting = replace(replica("b", Phase.STARTING, since=since), reason=reason)
    shown = seen(variant(), replica("a"), starting)
    assert lost(shown, startup, 1000.0, SETTINGS) == gone
    assert coming(shown, lost(shown, startup, 1000.0, SETTINGS), 1000.0, SETTINGS) == 2 - gone
    assert placed(shown) == 2


@pytest.mark.parametrize(
    ("ready", "gone", "grows"), [(0, 0, True), (0, 1, False), (1, 1, True), (4, 2, False), (8, 2, True), (8, 3, False)]
)
def test_no_more_are_ordered_of_a_variant_whose_replicas_are_lost(ready: int, gone: int, grows: bool) -> None:
    shown = seen(variant(), *(replica(f"r{place}") for place in range(ready)))
    assert may_grow(shown, gone) is grows
