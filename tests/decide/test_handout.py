"""Who gets the hardware where it is scarce: fleets by hand, on nodes that the tests name."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.decide.worlds import MODEL, TRAITS, replica, seen, variant
from wva.decide.claim import Claim
from wva.decide.handout import hand_out
from wva.decide.options import option_of
from wva.decide.plans import hold_or_wake, settled, waking
from wva.decide.room import Room
from wva.decide.sites import LONGEST_DRAIN_S, sites_of
from wva.fleet.inventory import Inventory, Pool, Supply
from wva.fleet.observation import VariantObservation
from wva.fleet.plan import VariantPlan
from wva.fleet.reason import Reason
from wva.fleet.replica import Phase, Replica

NOW = 0.0
WHY = (Reason("demand", "load"),)


def pool(**free: int) -> Inventory:
    """Free GPUs by node."""
    known = {name: gpus for name, gpus in free.items() if gpus}
    return Inventory((Pool("p", "H100-80GB", Supply.FIXED, 64, tuple(known.values()), tuple(known)),))


def on(name: str, node: str | None, phase: Phase = Phase.READY, since: float = -1000.0) -> Replica:
    return replace(replica(name, phase, since=since), node=node)


def fleet(
    name: str, *nodes: str, gpus: int = 1, least: int = 0, most: int = 20, names_victims: bool = True
) -> VariantObservation:
    """A variant of a model of its own, with a ready replica on each of these nodes, the oldest first."""
    of = variant(name, model=name, tensor_parallel=gpus, min_replicas=least, max_replicas=most)
    shown = seen(of, *(on(f"{name}-{k}", node, since=-1000.0 + k) for k, node in enumerate(nodes)))
    return replace(shown, traits=replace(TRAITS, chooses_victims=names_victims))


def claim(
    shown: VariantObservation,
    priority: int,
    need: float,
    *,
    held: float | None = None,
    unit: float = 1.0,
    yields: bool = True,
) -> Claim:
    """A model that needs ``need`` requests/s, of which a replica serves ``unit``."""
    model = replace(MODEL, name=shown.variant.model, priority=priority)
    option = option_of(shown, unit)
    count = max(option.least, shown.desired)
    held = need if held is None else held
    return Claim(model, (shown,), (option,), {option.name: count}, need=need, held=held, yields=yields)


def settle(inventory: Inventory, *claims: Claim) -> dict[str, VariantPlan]:
    """The plans of claims of one variant each."""
    room = Room(inventory)
    shown = [one for claim in claims for one in claim.variants]
    hand_out(claims, room, lambda: sites_of(shown, room, NOW), 0.25)
    return {one.variant.name: settled(c, one, WHY) for c in claims for one in c.variants if c.options}


def targets(plans: dict[str, VariantPlan]) -> dict[str, int]:
    return {name: plan.target for name, plan in plans.items()}


def victims(plan: VariantPlan) -> list[str]:
    return [victim.replica for victim in plan.victims]


def test_where_there_is_enough_nobody_gives() -> None:
    high, low = fleet("high", "n"), fleet("low", "n", "n")
    plans = settle(pool(n=5), claim(high, 10, 3.0), claim(low, 0, 4.0))
    # 2 more for high and 2 more for low are 4 of the 5 free GPUs.
    assert targets(plans) == {"high": 3, "low": 4}
    assert not any(plan.victims or plan.after_freed for plan in plans.values())


def test_a_lower_priority_gives_what_a_higher_one_lacks_and_no_more() -> None:
    high, low = fleet("high", "n", "n"), fleet("low", "n", "n", "n", "n", "n", "n")
    plans = settle(pool(), claim(high, 10, 4.0), claim(low, 0, 6.0))
    assert targets(plans) == {"high": 4, "low": 4}
    # The newest go first, and high waits for exactly these.
    assert victims(plans["low"]) == ["low-5", "low-4"]
    assert plans["high"].after_freed == ("low-5", "low-4")
    assert (plans["high"].publish, plans["low"].publish) == (None, 4)
    assert str(plans["low"].reasons[-1]) == (
        "gives up 2 replicas to high, priority 10: what is left covers 67% of 6 requests/s"
    )
    assert str(plans["high"].reasons[-1]) == (
        "2 more once low-5, low-4 are gone, as low (priority 0) gives up 2 replicas: "
        "capacity 2 falls short of 4 requests/s"
    )


def test_free_hardware_is_taken_at_once_and_the_rest_is_waited_for() -> None:
    high, low = fleet("high", "n"), fleet("low", "n", "n", "n")
    plans = settle(pool(n=1), claim(high, 10, 4.0), claim(low, 0, 3.0))
    # 1 free GPU now; 2 of low's for the other two, which the next plan asks for.
    assert targets(plans) == {"high": 2, "low": 1}
    assert plans["high"].after_freed == ()
    assert "2 more once low-2, low-1 are gone" in str(plans["high"].reasons[-1])


def test_hardware_that_drains_is_waited_for_before_anybody_gives() -> None:
    leaving = on("old", "n", Phase.DRAINING, since=-5.0)
    high, low = fleet("high", "n"), fleet("low", "n", "n")
    low = replace(low, replicas=(*low.replicas, leaving))
    plans = settle(pool(), claim(high, 10, 2.0), claim(low, 0, 2.0))
    assert targets(plans) == {"high": 2, "low": 2}
    assert plans["high"].after_freed == ("old",)


def test_a_drain_that_hangs_is_not_waited_for() -> None:
    hangs = on("old", "n", Phase.DRAINING, since=NOW - LONGEST_DRAIN_S - 1.0)
    high, low = fleet("high", "n"), fleet("low", "n", "n")
    low = replace(low, replicas=(*low.replicas, hangs))
    plans = settle(pool(), claim(high, 10, 2.0), claim(low, 0, 2.0))
    assert victims(plans["low"]) == ["low-1"]


def test_a_replica_does_not_span_nodes() -> None:
    # Two of low on each node. Four GPUs of four nodes would help nobody; c has two free already.
    big = fleet("big", "z", gpus=4)
    low = fleet("low", "a", "a", "a", "b", "b", "c", "c", least=1)
    plans = settle(pool(b=1, c=2), claim(big, 10, 2.0), claim(low, 0, 7.0))
    assert victims(plans["low"]) == ["low-6", "low-5"]
    assert targets(plans) == {"big": 2, "low": 5}
    # Nothing else can be had: a and b would give 3 GPUs at most.
    plans = settle(pool(b=1), claim(big, 10, 2.0), claim(low, 0, 7.0))
    assert targets(plans) == {"big": 1, "low": 7}


def test_what_waits_for_its_node_is_not_filled_by_lower_ones() -> None:
    # Big needs c's two free GPUs and two more. Low, which is short, may have b's, but would be put on c first.
    big, low = fleet("big", "z", gpus=4), fleet("low", "c", "c")
    plans = settle(pool(b=3, c=2), claim(big, 10, 2.0), claim(low, 0, 4.0))
    assert victims(plans["low"]) == ["low-1", "low-0"]
    other = fleet("other", "z")
    plans = settle(pool(b=3, c=2), claim(big, 10, 2.0), claim(low, 0, 4.0), claim(other, 0, 4.0))
    assert plans["other"].target == 1


def test_what_nobody_needs_goes_first_then_the_lowest_priority() -> None:
    high = fleet("high", "n")
    middle, low = fleet("middle", "n", "n", "n"), fleet("low", "n", "n")
    # Middle needs 2 of its 3; then low is the next to give, down to nothing, and then middle again.
    for need, middle_left, low_left in [(2.0, 2, 2), (3.0, 2, 1), (4.0, 2, 0), (5.0, 1, 0)]:
        plans = settle(pool(), claim(high, 10, need), claim(middle, 5, 2.0), claim(low, 0, 2.0))
        assert targets(plans) == {"high": int(need), "middle": middle_left, "low": low_left}


def test_of_one_priority_the_model_gives_that_keeps_the_largest_share() -> None:
    # After one loss: a keeps 3 of 4 (75 %), b 4 of 5 (80 %). Then b would keep 3 of 5 (60 %), so a is next.
    a, b = fleet("a", *"nnnn"), fleet("b", *"nnnnn")
    plans = settle(pool(), claim(fleet("high", "n"), 10, 2.0), claim(a, 0, 4.0), claim(b, 0, 5.0))
    assert targets(plans) == {"high": 2, "a": 4, "b": 4}
    plans = settle(pool(), claim(fleet("high", "n"), 10, 3.0), claim(a, 0, 4.0), claim(b, 0, 5.0))
    assert targets(plans) == {"high": 3, "a": 3, "b": 4}


def test_minimums_are_kept() -> None:
    high, low = fleet("high", "n"), fleet("low", "n", "n", "n", least=2)
    plans = settle(pool(), claim(high, 10, 9.0), claim(low, 0, 3.0))
    assert targets(plans) == {"high": 2, "low": 2}


def test_a_minimum_comes_before_any_priority() -> None:
    pending = on("low-0", None, Phase.PENDING)
    low = replace(fleet("low", least=1), replicas=(pending,), desired=1)
    high = fleet("high", "n", "n", "n")
    plans = settle(pool(), claim(high, 10, 3.0), claim(low, 0, 1.0))
    assert targets(plans) == {"high": 2, "low": 1}
    assert str(plans["high"].reasons[-1]) == (
        "gives up 1 replica to low, which is below its minimum: what is left covers 67% of 3 requests/s"
    )
    # Also when nothing is known of its load yet.
    blind = Claim(replace(MODEL, name="low"), (low,), (), {})
    assert settle(pool(), claim(high, 10, 3.0), blind)["high"].target == 2


def test_free_hardware_is_left_for_a_minimum() -> None:
    low = fleet("low", least=1)
    plans = settle(pool(n=1), claim(fleet("high", "n"), 10, 2.0), claim(low, 0, 1.0, yields=False))
    assert targets(plans) == {"high": 1, "low": 1}


def test_a_model_that_may_not_shrink_gives_nothing() -> None:
    plans = settle(pool(), claim(fleet("high", "n"), 10, 2.0), claim(fleet("low", "n", "n"), 0, 1.0, yields=False))
    assert targets(plans) == {"high": 1, "low": 2}
    assert plans["high"].reasons[-1].code == "short"


def test_a_lower_priority_takes_nothing_from_a_higher_one() -> None:
    plans = settle(pool(), claim(fleet("high", "n", "n"), 10, 2.0), claim(fleet("low", "n"), 0, 9.0))
    assert targets(plans) == {"high": 2, "low": 1}


@pytest.mark.parametrize("node", [None, "n"])
def test_without_known_nodes_only_hardware_that_surely_fits_is_counted_on(node: str | None) -> None:
    # Two single GPUs may be on two nodes. A replica of two GPUs frees two of one node, wherever that is.
    pair = replace(fleet("pair", gpus=2), replicas=())
    singles = fleet("single", "n", "n")
    singles = replace(singles, replicas=tuple(replace(one, node=node) for one in singles.replicas))
    plans = settle(pool(), claim(pair, 10, 1.0), claim(singles, 0, 2.0))
    assert plans["pair"].target == (0 if node is None else 1)
    single = replace(fleet("single"), replicas=())
    pairs = fleet("pair", "n", gpus=2)
    pairs = replace(pairs, replicas=tuple(replace(one, node=node) for one in pairs.replicas))
    assert settle(pool(), claim(single, 10, 1.0), claim(pairs, 0, 1.0))["single"].target == 1


def test_a_body_that_chooses_itself_is_told_a_number_and_the_taker_waits_to_see() -> None:
    low = fleet("low", "n", "n", names_victims=False)
    plans = settle(pool(), claim(fleet("high", "n"), 10, 2.0), claim(low, 0, 2.0))
    assert (plans["low"].target, plans["low"].victims) == (1, ())
    assert (plans["high"].target, plans["high"].after_freed) == (1, ())
    assert "1 more in their place, as low (priority 0) gives up 1 replica" in str(plans["high"].reasons[-1])


def test_replicas_that_only_wait_for_hardware_stand_aside() -> None:
    # Else the body would put them on what low-0 leaves.
    waits = on("low-1", None, Phase.PENDING)
    low = fleet("low", "n")
    low = replace(low, replicas=(*low.replicas, waits), desired=2)
    plans = settle(pool(), claim(fleet("high", "n"), 10, 2.0), claim(low, 0, 2.0))
    assert targets(plans) == {"high": 2, "low": 0}
    assert "no longer waits for hardware, which goes to high" in str(plans["low"].reasons[-1])


def test_what_was_needed_of_late_is_not_given_to_lower_ones() -> None:
    high, low = fleet("high", "n", "n"), fleet("low", "n")
    plans = settle(pool(n=2), claim(high, 10, 2.0, held=3.0), claim(low, 0, 5.0))
    assert targets(plans) == {"high": 2, "low": 2}


def test_equals_fill_up_side_by_side() -> None:
    # 6 GPUs are free; 12 and 6 are needed: 4 of 12 and 2 of 6 is a third for each.
    plans = settle(pool(n=6), claim(fleet("a"), 5, 12.0), claim(fleet("b"), 5, 6.0))
    assert targets(plans) == {"a": 4, "b": 2}


def test_an_equal_gives_while_it_stays_ahead() -> None:
    # a has 7 of 8, b 1 of 4 (25 %). a gives while it keeps at least b's share and 10 points more: 6 of 8 (75 %) against
    # 25 %, then 5 of 8 (62.5 %) against 50 %; then 4 of 8 (50 %) is less than 75 % and it stops.
    a, b = fleet("a", *"nnnnnnn"), fleet("b", "n")
    plans = settle(pool(), claim(a, 5, 8.0), claim(b, 5, 4.0))
    assert targets(plans) == {"a": 5, "b": 3}
    assert "equal in priority: what is left covers 62%" in str(plans["a"].reasons[-1])


@pytest.mark.parametrize(
    ("had", "gets"),
    [
        pytest.param((10, 10), (10, 10), id="the same"),
        # 11 of 20 less one is 50 %, and b's 9 of 20 with 10 points more is 55 %.
        pytest.param((11, 9), (11, 9), id="nearly the same"),
        # 12 of 20 less one is 55 %, and b's 8 of 20 with 10 points more is 50 %.
        pytest.param((12, 8), (11, 9), id="too far apart"),
    ],
)
def test_equals_of_about_the_same_share_are_left_alone(had: tuple[int, int], gets: tuple[int, int]) -> None:
    a, b = fleet("a", *"n" * had[0]), fleet("b", *"n" * had[1])
    plans = settle(pool(), claim(a, 5, 20.0), claim(b, 5, 20.0))
    assert (plans["a"].target, plans["b"].target) == gets


def test_a_model_without_replicas_is_woken_at_the_cost_of_a_lower_one() -> None:
    high, low = fleet("high"), fleet("low", "n", "n")
    asleep = waking(replace(MODEL, name="high", priority=10), (high,))
    assert asleep is not None
    plans = settle(pool(), asleep, claim(low, 0, 2.0))
    (plan,) = hold_or_wake(asleep, Reason("blind", "nothing is known"))
    assert (plan.target, plan.publish, plan.after_freed) == (1, None, ("low-1",))
    assert (plan.reasons[-1].code, victims(plans["low"])) == ("wake", ["low-1"])


def test_the_cheapest_variant_is_freed_for_that_hurts_no_higher_priority() -> None:
    # H100 is cheaper per request, but a model of priority 5 stands there; on A100 there is one of priority 0.
    cheap = replace(fleet("high"), replicas=())
    dear = variant("dear", model="high", accelerator="A100-80GB", cost_per_hour=9.0)
    both = (cheap, seen(dear))
    options = tuple(option_of(one, 1.0) for one in both)
    model = replace(MODEL, name="high", priority=10)
    high = Claim(model, both, options, {"high": 0, "dear": 0}, need=1.0, held=1.0)
    low = fleet("low", "m")
    low = replace(low, variant=replace(low.variant, accelerator="A100-80GB"))
    inventory = Inventory((*pool().pools, Pool("q", "A100-80GB", Supply.FIXED, 8, (), ())))
    plans = settle(inventory, high, claim(fleet("middle", "n"), 5, 1.0), claim(low, 0, 1.0))
    assert targets(plans) == {"high": 0, "dear": 1, "middle": 1, "low": 0}


def test_the_order_of_models_does_not_matter() -> None:
    def plans(order: Sequence[int]) -> dict[str, VariantPlan]:
        claims = [
            claim(fleet("a", "n", "m"), 5, 4.0),
            claim(fleet("b", "n"), 5, 4.0),
            claim(fleet("c", "n", "m", "m"), 0, 3.0),
        ]
        return settle(pool(m=1), *(claims[place] for place in order))

    assert plans([0, 1, 2]) == plans([2, 1, 0]) == plans([1, 2, 0])
