"""The schedule that is found with the whole traffic known."""

import numpy as np
import pytest

from tests.simulate.fleets import server, variant, workload
from tests.simulate.runs import setting
from wva.policies.schedule import SchedulePolicy
from wva.simulate.bound.frontier import find_frontier
from wva.simulate.clairvoyant import _steps, find_clairvoyant
from wva.simulate.met import count_met
from wva.simulate.need import needs
from wva.simulate.run import Setting, simulate
from wva.workload.merge import Workload


def peak() -> tuple[Setting, Workload]:
    """One request a second for 200 s, ten a second for 100 s, one again; a replica serves two a second, one by one."""
    fleet = setting(
        variant("v", lowest=1, most=10, startup_s=20.0), servers={"v": server(max_num_seqs=1)}, interval=5.0
    )
    arrivals = np.concatenate([np.arange(0, 200, 1.0), np.arange(200, 300, 0.1), np.arange(300, 500, 1.0)])
    return fleet, workload([(float(at), 10, 50) for at in arrivals], window_s=500.0)


@pytest.mark.slow
def test_it_starts_ahead_of_a_peak_and_stops_after_it() -> None:
    fleet, offered = peak()
    found = find_clairvoyant(fleet, offered, seed=1, target=0.99)
    assert found.reached
    assert found.runs <= 40
    again = simulate(fleet, offered, SchedulePolicy(replicas=found.schedule), 1)
    assert count_met(again.requests, fleet.models) / len(offered) == found.attainment >= 0.99 * found.attainable
    assert sum(use.billed_hours for use in again.use) == pytest.approx(found.cost)
    # Five replicas at the peak, ready when it begins; one before and after would cost 500 s, and it 400 s and starts.
    steps = dict(found.schedule["v"])
    assert max(steps.values()) >= 5
    assert min(at for at, count in steps.items() if count >= 5) <= 200 - 20
    assert found.cost < 1.5 * (500 + 4 * (100 + 20 + 5)) / 3600
    met, failed = found.attainment * len(offered), 0
    assert find_frontier(fleet, offered, met_prices=(2.0, 16.0)).cost(met, failed) <= found.cost


@pytest.mark.slow
def test_a_lower_target_costs_no_more() -> None:
    fleet, offered = peak()
    most, less = (find_clairvoyant(fleet, offered, seed=1, target=target) for target in (0.99, 0.5))
    assert less.cost <= most.cost


def test_what_cannot_be_reached_is_said() -> None:
    fleet = setting(variant("v", lowest=0, most=1), servers={"v": server(max_num_seqs=1)}, initial={"v": 1})
    found = find_clairvoyant(fleet, workload([(0.0, 10, 100)] * 10, window_s=20.0), seed=1, target=0.9)
    assert not found.reached
    assert 0 < found.attainment < 0.9


def test_the_need_is_the_work_that_is_there() -> None:
    # One after the other, 50 steps of 10 ms each: half a replica at one request a second, five at ten.
    fleet, offered = peak()
    (need,) = needs(fleet, offered)
    assert need.speeds == (1.0,)
    assert need.replicas[50:150].mean() == pytest.approx(0.5, rel=0.02)
    assert need.replicas[210:290].mean() == pytest.approx(5.0, rel=0.02)


def test_orders_come_a_start_ahead() -> None:
    # Three replicas from 40 s on, of slots of 10 s and a lead of 25 s: wanted from 10 s on, until no longer needed.
    assert _steps(np.array([1, 1, 1, 1, 3, 1]), 10.0, 25.0) == ((0.0, 1), (10.0, 3), (50.0, 1))
