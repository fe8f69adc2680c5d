"""The percentage analyzer, worked by hand: thresholds 0.8 and 5, triggers 0.1 and 3."""

import pytest

from tests.policies.saturation.builders import fleet, reading, variant
from wva.policies.saturation.memory import Gauge
from wva.policies.saturation.percent import PercentThresholds, Spare, can_lose_one, percent_gauges, spare_of
from wva.policies.saturation.readings import VariantReading

DEFAULTS = PercentThresholds()


def targets(*variants: VariantReading, **asked: int) -> dict[str, int]:
    """The counts for these variants, of which that many were asked for before."""
    before = {name: Gauge(count, "") for name, count in asked.items()}
    return {name: gauge.replicas for name, gauge in percent_gauges(variants, before, DEFAULTS).items()}


@pytest.mark.parametrize(
    ("kv", "waiting", "target"),
    [
        ((0.3, 0.3), (0, 0), 1),  # load .3, on one replica .6: .2 spare, at least .1
        ((0.34, 0.34), (0, 0), 1),  # .68: .12
        ((0.36, 0.36), (0, 0), 2),  # .72: .08 would make it grow again
        ((0.3, 0.3), (1, 1), 1),  # a queue of 2 on one replica: 3 places, at least 3
        ((0.3, 0.3), (2, 1), 2),  # a queue of 3: 2 places
        ((0.5, 0.5), (0, 0), 2),  # healthy, and nothing to give up
        ((0.69, 0.69), (0, 0), 2),  # .11 spare
        ((0.75, 0.75), (0, 0), 3),  # .05 spare
        ((0.1, 0.1), (2, 2), 2),  # 3 places are enough not to grow
        ((0.1, 0.1), (3, 2), 3),  # 2.5 are not
        ((0.8, 0.9), (0, 0), 3),  # saturated from 0.8 on; without any other the spare is 0
        ((0.1, 0.1), (5, 9), 3),  # saturated from 5 on
        ((0.1,), (0,), 1),  # never below one
        ((0.75,), (0,), 2),
        ((0.3, 0.3, 0.3), (0, 0, 0), 2),  # .9 on 2 is .45
    ],
)
def test_one_variant(kv: tuple[float, ...], waiting: tuple[int, ...], target: int) -> None:
    replicas = [reading(share, queue) for share, queue in zip(kv, waiting, strict=True)]
    assert targets(fleet(*replicas)) == {"a": target}


def test_without_metrics_there_is_no_decision() -> None:
    assert targets(fleet(current=2)) == {}
    # Nor for the variant of a model that has none, which does not hold up the others.
    assert targets(fleet(reading(0.75)), fleet(current=1, of=variant("b"))) == {"a": 2}


def test_means_are_over_replicas_that_are_not_saturated() -> None:
    # Two of four are full, with a queue of 20 each: the other two have .6 and 5 to spare, the most there is.
    full = [reading(0.95, 20)] * 2
    spare = spare_of([fleet(*full, reading(0.2), reading(0.2))], DEFAULTS)
    assert (round(spare.kv, 9), spare.queue, spare.replicas) == (0.6, 5.0, 2)
    # Their .4 fits on one of them, so one of the four is given up, whatever the full ones hold.
    assert targets(fleet(*full, reading(0.2), reading(0.2))) == {"a": 3}


def test_the_models_mean_is_weighted_by_replicas() -> None:
    # .1 of one and .5 of three: (.1 + 3 x .5) / 4 = .4
    spare = spare_of([fleet(reading(0.7)), fleet(*[reading(0.3)] * 3, of=variant("b"))], DEFAULTS)
    assert (round(spare.kv, 9), spare.replicas) == (0.4, 4)


@pytest.mark.parametrize(("replicas", "safe"), [(1, False), (2, False), (3, False), (4, False), (5, True)])
def test_the_load_is_spread_over_one_fewer(replicas: int, safe: bool) -> None:
    # Half of the cache each: 1, .75, .667 and .625 on one fewer of 2 to 5, of which .7 is allowed. A queue of 1.51
    # each: 2.01 and 1.89 on one fewer of 4 and 5, of which 2 is allowed.
    assert can_lose_one(Spare(0.8 - 0.5, 5.0 - 1.51, replicas), DEFAULTS) is safe


@pytest.mark.parametrize(
    ("costs", "load", "expected"),
    [
        ((1.0, 2.0), 0.75, {"a": 3, "b": 2}),  # the cheaper one grows
        ((2.0, 1.0), 0.75, {"a": 2, "b": 3}),
        ((1.0, 1.0), 0.75, {"a": 3, "b": 2}),  # alphabetically the first
        ((1.0, 2.0), 0.1, {"a": 2, "b": 1}),  # the dearer one shrinks
        ((2.0, 1.0), 0.1, {"a": 1, "b": 2}),
        ((1.0, 1.0), 0.1, {"a": 2, "b": 1}),  # alphabetically the last
    ],
)
def test_two_variants(costs: tuple[float, float], load: float, expected: dict[str, int]) -> None:
    a, b = (fleet(*[reading(load)] * 2, of=variant(name, cost)) for name, cost in zip("ab", costs, strict=True))
    # Which comes first does not matter.
    assert targets(a, b) == targets(b, a) == expected


def test_a_dear_variant_keeps_its_last_replica() -> None:
    dear = fleet(reading(0.1), of=variant("b", 9.0))
    assert targets(fleet(reading(0.1), reading(0.1)), dear) == {"a": 1, "b": 1}
    assert targets(fleet(reading(0.1)), dear) == {"a": 1, "b": 1}


def test_nothing_changes_while_something_was_asked_for() -> None:
    full = fleet(reading(0.9), reading(0.9))
    assert targets(full, a=2) == {"a": 3}
    assert targets(full, a=3) == {"a": 3}
    assert targets(full, a=1) == {"a": 1}
    # The whole model waits for one of its variants.
    assert targets(full, fleet(reading(0.9), of=variant("b")), a=2, b=4) == {"a": 2, "b": 4}


def test_nothing_changes_while_a_replica_does_not_report() -> None:
    assert targets(fleet(reading(0.9), current=2)) == {"a": 2}
    assert targets(fleet(reading(0.9), reading(0.9), current=1)) == {"a": 1}
    other = fleet(reading(0.9), of=variant("b"))
    assert targets(fleet(reading(0.9), pending=1), other) == {"a": 2, "b": 1}


def test_variants_with_pending_replicas_do_not_grow() -> None:
    # A replica may report before it is ready.
    waits = fleet(reading(0.75), reading(0.75), current=2, pending=1)
    assert targets(waits, fleet(reading(0.75), of=variant("b", 9.0))) == {"a": 2, "b": 2}
    assert targets(waits) == {"a": 2}


def test_an_ask_keeps_its_reason_until_it_is_met() -> None:
    grown = percent_gauges([fleet(reading(0.75), reading(0.2, 3))], {}, DEFAULTS)["a"]
    # Spare .05 and .6, mean .325; 5 and 2 places, mean 3.5: no reason to grow, and (.8 - .325) x 2 does not fit.
    assert grown == Gauge(2, "spare KV cache 0.325, spare queue 3.5 over 2 unsaturated replicas")
    grown = percent_gauges([fleet(reading(0.75, 3))], {}, DEFAULTS)["a"]
    shortage = "spare KV cache 0.050 is below 0.1 and spare queue 2.0 is below 3"
    assert grown == Gauge(2, f"one more of the cheapest variant, as {shortage}")
    other = fleet(reading(), of=variant("b"))
    assert percent_gauges([fleet(reading()), other], {"a": grown}, DEFAULTS) == {
        "a": grown,
        "b": Gauge(1, "nothing of the model changes while a has 1 of 2 replicas"),
    }


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"kv_cache_threshold": 1.1}, "kv_cache_threshold must be between 0 and 1, got 1.1"),
        ({"kv_spare_trigger": 0.9}, r"kv_spare_trigger must be between 0 and kv_cache_threshold \(0.8\), got 0.9"),
        ({"queue_length_threshold": -1}, "queue_length_threshold must not be negative, got -1"),
        ({"queue_spare_trigger": float("nan")}, "queue_spare_trigger must not be negative, got nan"),
    ],
)
def test_thresholds_that_the_reference_refuses(options: dict[str, float], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        PercentThresholds(**options)
