"""The load from counters."""

from dataclasses import replace
from math import exp, sqrt

import pytest

from tests.decide.worlds import SETTINGS, recorded
from wva.decide.bursts import MEAN_OF_NORMAL, by_chance, deviation_of, remember_burst
from wva.decide.demand import Demand, Lasting, measure
from wva.decide.memory import Burstiness, ModelMemory
from wva.decide.weights import Weights

EACH = Weights(prompt_share=0.0, input_tokens=100.0)
CALM = Burstiness(deviation=0.0, seconds=1800.0)


def measured(
    memory: ModelMemory, rise: float = 0.0, fall: float = 0.0, weights: Weights = EACH, residence_s: float = 1.0
) -> Demand:
    demand = measure(memory, weights, 100.0, residence_s, Lasting(rise, fall), SETTINGS)
    assert demand is not None
    return demand


def test_a_constant_load_is_its_level_and_stays() -> None:
    demand = measured(recorded([2.0] * 20))
    assert (demand.level, demand.fast, demand.trend, demand.expected) == pytest.approx((2.0, 2.0, 0.0, 2.0))


def test_longer_prompts_count_by_their_share_of_engine_time() -> None:
    # Prompts of 200 where 100 is the mean: 0.75 + 0.25 * 2 = 1.25 mean requests each.
    demand = measured(recorded([2.0] * 20, prompt=200.0), weights=Weights(0.25, 100.0))
    assert demand.level == pytest.approx(2.5)


def test_a_clean_ramp_is_carried_to_the_horizon() -> None:
    # 1.00, 1.03, ... 1.57: 0.002 a second. The level is that of 150 s ago: 1.285 + 0.002 * (150 + 1.35 * 100).
    demand = measured(recorded([1.0 + 0.03 * k for k in range(20)]))
    assert demand.trend == pytest.approx(0.002)
    assert demand.level == pytest.approx(1.285)
    assert demand.expected == pytest.approx(1.855)


def test_what_lasts_of_the_fast_load_lags_less() -> None:
    # Fast: mean of the last four, 1.525, 30 s ago; 1.525 + 0.002 * (30 + 1.35 * 100).
    assert measured(recorded([1.0 + 0.03 * k for k in range(20)]), rise=1.0).expected == pytest.approx(1.855)


def test_a_trend_inside_its_uncertainty_is_none() -> None:
    assert measured(recorded([1.0, 3.0] * 10)).trend == 0.0


def test_a_falling_trend_promises_nothing() -> None:
    demand = measured(recorded([2.0 - 0.03 * k for k in range(20)]))
    assert demand.trend < 0.0
    assert demand.expected == pytest.approx(demand.level)


def test_growth_is_believed_up_to_a_bound() -> None:
    demand = measure(recorded([0.1 + 0.2 * k for k in range(20)]), EACH, 900.0, 1.0, Lasting(0.0, 0.0), SETTINGS)
    assert demand is not None
    assert demand.expected == pytest.approx(SETTINGS.most_growth * demand.fast)


def test_a_step_is_no_ramp() -> None:
    # It slopes as a whole, but 120 of the 190 pairs of bins are level.
    assert measured(recorded([1.0] * 15 + [2.0] * 5)).trend == 0.0
    assert measured(recorded([1.0 + 0.01 * k for k in range(20)])).trend > 0.0


def test_a_fall_that_lasts_lowers_what_is_settled() -> None:
    # 16 bins at 2 and 4 at 1: level 1.8, fast 1. Half of the fall lasts: 1.8 - 0.4.
    memory = recorded([2.0] * 16 + [1.0] * 4)
    assert measured(memory, fall=0.5).settled == pytest.approx(1.4)
    assert measured(memory, fall=0.0).settled == measured(memory).level == pytest.approx(1.8)
    assert measured(recorded([1.0] * 16 + [2.0] * 4), fall=1.0).settled == pytest.approx(1.2)


def test_the_lasting_share_of_a_step_is_added_to_the_level() -> None:
    # 16 bins at 1 and 4 at 2: level 1.2, fast 2, so 1.2 + 0.5 * 0.8, and what the trend adds up to the fast load.
    memory = recorded([1.0] * 16 + [2.0] * 4)
    bare = replace(SETTINGS, most_growth=1.0)
    half = measure(memory, EACH, 0.0, 1.0, Lasting(0.5, 0.5), bare)
    assert half is not None
    assert (half.level, half.fast) == pytest.approx((1.2, 2.0))
    assert 1.6 <= half.expected <= 2.0


def test_the_fast_window_spans_the_residence() -> None:
    # Two residences of 60 s: 4 bins at 1.2 and 4 at 1.
    assert measured(recorded([1.0] * 16 + [1.2] * 4), residence_s=60.0).fast == pytest.approx(1.1)


def test_what_stands_out_of_the_newest_bin_is_believed_at_once() -> None:
    # Level 200 / 20 = 10 but for the last bin at 50: 12. By chance a bin deviates by sqrt(12 / 15) = 0.894.
    demand = measured(replace(recorded([10.0] * 19 + [50.0]), burstiness=CALM))
    assert demand.level == pytest.approx(12.0)
    assert demand.fast == pytest.approx(50.0 - 2 * sqrt(12.0 / 15.0))


def test_what_lies_within_noise_waits_for_the_fast_window() -> None:
    assert measured(recorded([1.0] * 19 + [1.4])).fast == pytest.approx(1.1)


def test_caches_fill_for_no_longer_than_a_residence() -> None:
    # 10 tokens a second: the mean of the last five samples is 30 s old, and the load stays for 40 s more of the 100 s.
    memory = recorded([1.0] * 20)
    filling = tuple(replace(sample, held_tokens=10.0 * sample.time) for sample in memory.samples)
    demand = measured(replace(memory, samples=filling), residence_s=40.0)
    assert demand.held_tokens == pytest.approx(10.0 * (memory.samples[-1].time + 40.0))


def test_too_few_samples_say_nothing() -> None:
    assert measure(recorded([1.0]), EACH, 100.0, 1.0, Lasting(1.0, 1.0), SETTINGS) is None


def test_a_burst_is_what_the_newest_bin_deviates_beyond_chance() -> None:
    # 15 requests deviate by 1 / sqrt(15) of themselves.
    unseen = replace(recorded([1.0] * 10 + [1.5]), burstiness=Burstiness(0.0, 0.0))
    memory = remember_burst(unseen, EACH, SETTINGS)
    assert memory.burstiness is not None
    assert memory.burstiness.deviation == pytest.approx(0.5 - MEAN_OF_NORMAL / sqrt(15.0))


def test_before_any_was_seen_bursts_are_believed_as_if_they_had_been_for_a_while() -> None:
    # 300 s of 0.7, of which 15 s forget 1 - exp(-15/1800), and 15 s of what deviates beyond chance.
    settings = replace(SETTINGS, prior_burstiness=0.7, prior_burstiness_s=300.0, burst_memory_s=1800.0)
    fresh = recorded([1.0] * 10 + [1.5])
    assert deviation_of(fresh, 1.0, EACH, settings) == pytest.approx(sqrt((0.7 / MEAN_OF_NORMAL) ** 2 + 1.0 / 15.0))
    learned = remember_burst(fresh, EACH, settings).burstiness
    assert learned is not None
    kept, excess = 300.0 * exp(-15.0 / 1800.0), 0.5 - MEAN_OF_NORMAL / sqrt(15.0)
    assert learned.seconds == pytest.approx(kept + 15.0)
    assert learned.deviation == pytest.approx((kept * 0.7 + 15.0 * excess) / (kept + 15.0))


def test_a_beginning_without_bursts_counts_for_its_seconds_only() -> None:
    # 60 s of calm, nearly all of them remembered, and 15 s that deviate by 4 - 4 * 0.798: a fifth of that.
    memory = replace(recorded([0.001] * 10 + [50.0]), burstiness=Burstiness(0.0, 60.0))
    learned = remember_burst(memory, EACH, replace(SETTINGS, burst_memory_s=1e9)).burstiness
    assert learned is not None
    assert learned.deviation == pytest.approx(4.0 * (1.0 - MEAN_OF_NORMAL) / 5.0)


def test_learned_bursts_and_chance_add_up() -> None:
    memory = replace(recorded([1.0] * 11), burstiness=Burstiness(0.3 * MEAN_OF_NORMAL, 1800.0))
    assert deviation_of(memory, 1.0, EACH, SETTINGS) == pytest.approx(sqrt(0.3**2 + 1.0 / 15.0))
    # A hundred times the load deviates a tenth as much by chance, and as much beyond it.
    assert deviation_of(memory, 100.0, EACH, SETTINGS) == pytest.approx(sqrt(0.3**2 + 1.0 / 1500.0))


def test_prompts_of_many_lengths_deviate_more() -> None:
    assert by_chance(1.0, Weights(0.5, 100.0), 16.0) == pytest.approx(sqrt(1.25 / 16.0))


def test_bursts_are_forgotten_over_the_burst_memory() -> None:
    # 1800 s, of which exp(-1/120) are left: 1785.06 s of 0.25, and 15 s in which the load is as expected.
    before = replace(recorded([1.0] * 11), burstiness=Burstiness(0.25, 1800.0))
    learned = remember_burst(before, EACH, replace(SETTINGS, burst_memory_s=1800.0)).burstiness
    assert learned is not None
    assert learned.deviation == pytest.approx(0.25 * 1785.06 / 1800.06, rel=1e-5)


def test_a_ramp_is_no_burst() -> None:
    ramp = replace(recorded([1.0 + 0.03 * k for k in range(15)]), burstiness=CALM)
    learned = remember_burst(ramp, EACH, SETTINGS).burstiness
    assert learned is not None
    assert learned.deviation == pytest.approx(0.0, abs=1e-6)


def test_after_silence_a_burst_counts_as_the_largest() -> None:
    unseen = replace(recorded([0.001] * 10 + [50.0]), burstiness=Burstiness(0.0, 0.0))
    learned = remember_burst(unseen, EACH, SETTINGS).burstiness
    assert learned is not None
    assert learned.deviation == pytest.approx(4.0 * (1.0 - MEAN_OF_NORMAL))
