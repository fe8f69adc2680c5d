"""Energy of fleets worked out by hand: every step takes 10 ms, and a replica's GPUs draw 170 W whatever they do."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from tests.simulate.fleets import Rig, ps, server, variant
from tests.simulate.runs import Scripted, asked, setting
from tests.simulate.test_billing import (
    cancelled_while_starting,
    crashed,
    drained,
    never_got_hardware,
    started_later,
    still_starting,
    waited_for_stock,
)
from tests.simulate.test_counters import looked_at
from tests.simulate.test_exact import Case, cases, reference_fleet, world_of
from wva.engine.batch import state
from wva.engine.batch.replicas import read_work
from wva.engine.power import ServerPower
from wva.engine.server import Server
from wva.scenario.schema import PowerSpec
from wva.simulate.energy import energy_drawn, kilograms_of_co2
from wva.simulate.loop import advance
from wva.simulate.run import simulate

POWER = ServerPower(standing_w=170.0, streaming_w=200.0, saturated_w=400.0)
KWH = 3.6e6


def powered(power: ServerPower | None = POWER) -> Server:
    """A server whose tokens each saturate it for 1 us of their step."""
    plain = server()
    return replace(plain, step=replace(plain.step, product_token_ps=1_000_000), power=power)


def consumed_s(rig: Rig) -> list[list[float]]:
    """(on hardware, busy, saturated) seconds of each variant now."""
    rig.scrape()
    consumed = rig.fleet.consumed(ps(rig.now), *rig.observer.work())
    return [[value / 1e12 for value in own] for own in consumed]


def test_an_idle_fleet_for_an_hour() -> None:
    # Two replicas of two GPUs, each idle at 50 W with a context of 35 W. One request that no replica takes.
    both = setting(variant(gpus=2, lowest=2), servers={"v": powered()}, interval=60, scrape=60)
    result = simulate(both, asked(both, [(3599.9, 50_000, 1)], 3600.0), Scripted(), seed=1)
    assert result.energy is not None
    assert result.energy.standing_j[-1, 0] == pytest.approx(2 * 2 * (50 + 35) * result.end_s)
    assert result.energy.dynamic_j[-1, 0] == 0
    assert (result.energy.time_s[0], result.energy.time_s[-1]) == (0, result.end_s)
    assert np.interp(3600.0, result.energy.time_s, result.energy.standing_j[:, 0]) == pytest.approx(0.34 * KWH)


def test_the_energy_of_work_follows_from_its_steps() -> None:
    # 20 prompt tokens and 9 more each saturate 1 us of the 10 steps of 10 ms.
    one = setting(variant(lowest=1), servers={"v": powered()})
    result = simulate(one, asked(one, [(0.5, 20, 10)], 2.0), Scripted(), seed=1)
    assert result.energy is not None
    assert result.energy.dynamic_j[-1, 0] == pytest.approx(200 * (0.1 - 29e-6) + 400 * 29e-6)


def test_a_reading_counts_the_part_of_a_step_that_is_over() -> None:
    # The first step begins at 0 with 100 tokens, those after it compute one token each.
    rig = Rig(variant(), servers={"v": powered()}, requests=[(0, 100, 50)], v=1).until(0.004)
    assert consumed_s(rig)[0] == pytest.approx([0.004, 0.004, 0.4 * 100e-6])
    assert consumed_s(rig.until(0.127))[0] == pytest.approx([0.127, 0.127, 100e-6 + 11.7e-6])
    assert consumed_s(rig.until(10))[0] == pytest.approx([10, 0.5, 149e-6])


@pytest.mark.parametrize(
    ("life", "on_hardware_s", "busy_s"),
    [
        (started_later, 80.0, 0.0),
        (still_starting, 5.0, 0.0),
        (cancelled_while_starting, 7.0, 0.0),
        (drained, 40.0, 40.0),
        (waited_for_stock, 40.0, 0.0),
        (never_got_hardware, 0.0, 0.0),
        (crashed, 100.0, 0.0),
    ],
)
def test_a_replica_draws_power_while_it_is_on_hardware(
    life: Callable[[], Rig], on_hardware_s: float, busy_s: float
) -> None:
    assert consumed_s(life())[-1] == [on_hardware_s, busy_s, 0.0]


def test_what_a_crashed_or_released_replica_did_still_counts() -> None:
    rig = Rig(requests=[(0, 10, 5000), (0, 10, 5000)], v=2).until(30.004)
    assert consumed_s(rig)[0] == pytest.approx([60.008, 60.008, 0])
    rig.crash()
    # The other one ends its answer at 50 and goes.
    rig.scale(v=0)
    rig.until(100)
    assert consumed_s(rig)[0] == pytest.approx([30.004 + 50.0, 30.004 + 50.0, 0])


@settings(max_examples=200, deadline=None)
@given(cases())
def test_busy_and_saturated_time_equal_the_steps_to_the_picosecond(case: Case) -> None:
    world, fleet = world_of(case), reference_fleet(case)
    assert advance(world, state.NEVER - 1) == state.NONE
    fleet.run()
    for row, engine in enumerate(fleet.engines):
        counters = world.engines.counters[row]
        assert (counters[state.BUSY], counters[state.SATURATED]) == (
            engine.counters.busy_ps,
            engine.counters.saturated_ps,
        )


@settings(max_examples=200, deadline=None)
@given(looked_at())
def test_readings_add_up_and_power_stays_within_its_bounds(looked: tuple[Case, list[int]]) -> None:
    case, instants = looked
    undisturbed, read = world_of(case), world_of(case)
    assert advance(undisturbed, state.NEVER - 1) == state.NONE
    rows = range(len(case.servers))
    before = [(0.0, 0.0)] * len(case.servers)
    time = 0
    for now in [*sorted(set(instants) - {0}), 10**15]:
        assert advance(read, now) == state.NONE
        after = [read_work(read.engines, row, now) for row in rows]
        for (busy, saturated), (busy_now, saturated_now) in zip(before, after, strict=True):
            # So the power between two readings is between standing power and the limit.
            worked, at_full_rate = busy_now - busy, saturated_now - saturated
            assert -1 <= at_full_rate <= worked + 1
            assert 0 <= worked <= now - time + 1
        before, time = after, now
    assert before == [read_work(undisturbed.engines, row, 10**15) for row in rows]


def test_a_variant_of_unknown_power_has_unknown_energy() -> None:
    fleet = setting(variant("a", lowest=1), variant("b", lowest=1), servers={"a": powered(), "b": powered(None)})
    result = simulate(fleet, asked(fleet, [(0.5, 20, 10)], 2.0), Scripted(), seed=1)
    assert result.energy is not None
    assert result.energy.standing_j[-1, 0] == pytest.approx(170 * result.end_s)
    assert np.isnan(result.energy.standing_j[:, 1]).all()
    assert np.isnan(result.energy.dynamic_j[:, 1]).all()
    assert kilograms_of_co2(result.energy, PowerSpec(carbon_intensity=((0.0, 300.0),))) is None


HOUR_PS = 3600 * state.PICOSECONDS


@pytest.mark.parametrize(
    ("site", "kilograms"),
    [
        ({}, None),
        # 1 kW for 12 h is 12 kWh.
        ({"carbon_intensity": 300}, 3.6),
        ({"carbon_intensity": 300, "pue": 1.5}, 5.4),
        # 6 kWh at a mean of 225 g, then 6 at 150 g.
        ({"carbon_intensity": [["0s", 300], ["6h", 150]]}, 2.25),
        # Beyond the end nothing counts: from 300 g half way down to 100 g, a mean of 250 g.
        ({"carbon_intensity": [["0s", 300], ["24h", 100]]}, 3.0),
        # A step at 6 h.
        ({"carbon_intensity": [["0s", 300], ["6h", 300], ["6h", 0]]}, 1.8),
    ],
)
@pytest.mark.parametrize("readings_h", [(0, 12), (0, 1, 5.5, 6, 6, 11, 12)])
def test_emissions(site: dict[str, object], kilograms: float | None, readings_h: tuple[float, ...]) -> None:
    power = ServerPower(1000.0, 0.0, 0.0)
    energy = energy_drawn([(round(h * HOUR_PS), [[h * HOUR_PS, 0, 0]]) for h in readings_h], [power])
    assert kilograms_of_co2(energy, PowerSpec.model_validate(site)) == pytest.approx(kilograms)
