"""Nothing that runs in the simulator costs less than the bound says."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.simulate.fleets import model, server, variant, workload
from tests.simulate.runs import Scripted, asked, setting
from tests.simulate.test_exact import servers as detailed_servers
from tests.simulate.test_invariants import WINDOW_S, cases
from wva.engine.batch.state import COMPLETED, TRUNCATED
from wva.simulate.bound.frontier import Frontier, Plane, find_frontier
from wva.simulate.bound.market import open_market
from wva.simulate.bound.rents import most_profit, unprofitable
from wva.simulate.met import count_met
from wva.simulate.result import RunResult
from wva.simulate.run import Setting, Simulation
from wva.workload.blocks import PrefixBlocks
from wva.workload.merge import Workload

FEW_PRICES = (0.5, 4.0, 64.0)


@dataclass(frozen=True)
class Case:
    setting: Setting
    workload: Workload
    policy: Scripted
    seed: int


def cost_of(result: RunResult) -> float:
    pairs = zip(result.use, result.variants, strict=True)
    return sum(use.billed_hours * variant.cost_per_hour for use, variant in pairs)


def answered(result: RunResult) -> int:
    return int(np.count_nonzero(np.isin(result.requests["status"], (COMPLETED, TRUNCATED))))


def nothing_is_below_the_bound(case: Case) -> None:
    result = Simulation(case.setting, case.workload, case.policy, case.seed).run()
    met, failed = count_met(result.requests, case.setting.models), len(result.requests) - answered(result)
    frontier = find_frontier(case.setting, case.workload, met_prices=FEW_PRICES)
    bound = frontier.cost(met, failed)
    assert bound <= cost_of(result) * (1 + 1e-9) + 1e-12
    # Fewer met or more failed never cost more.
    assert frontier.cost(met / 2, failed) <= bound >= frontier.cost(met, failed + 1)
    assert frontier.cost_of_failing_freely(met) <= bound


@st.composite
def flat_cases(draw: st.DrawFn) -> Case:
    """Servers whose steps all take as long; several models, hardware limits, crashes, every queue and router."""
    case = draw(cases())
    prices = {v.name: draw(st.sampled_from([0.0, 1.0, 2.5])) for v in case.setting.variants}
    return Case(priced(case.setting, prices), asked(case.setting, case.requests, WINDOW_S), case.policy, case.seed)


def priced(setting: Setting, prices: dict[str, float]) -> Setting:
    """The setting with other costs of its variants."""
    return replace(setting, variants=tuple(replace(v, cost_per_hour=prices[v.name]) for v in setting.variants))


@st.composite
def detailed_cases(draw: st.DrawFn) -> Case:
    """Servers with everything that a step can cost, preemption, truncation and shared prefixes; short deadlines."""
    kinds = draw(st.integers(1, 2))
    most = draw(st.integers(1, 3))
    variants = [
        variant(f"v{n}", lowest=draw(st.integers(0, most)), most=most, startup_s=draw(st.sampled_from([0.0, 0.3, 2.0])))
        for n in range(kinds)
    ]
    moments = st.one_of(st.sampled_from([0.0, 0.5, 0.5]), st.integers(0, 290).map(lambda n: n / 100))
    sizes = st.sampled_from([1, 3, 15, 16, 17, 31, 33, 48, 64, 100])
    requests = sorted(draw(st.lists(st.tuples(moments, sizes, st.sampled_from([1, 2, 5, 17, 40])), min_size=1)))
    own = setting(
        *variants,
        servers={v.name: draw(detailed_servers()) for v in variants},
        initial={v.name: draw(st.integers(v.min_replicas, most)) for v in variants},
        gateway={
            "queue": draw(st.sampled_from(["engine", "gateway"])),
            "hold_above": draw(st.integers(1, 3)),
            "first_token_timeout": draw(st.sampled_from(["150ms", "1s", "20s"])),
            "total_timeout": draw(st.sampled_from([None, "500ms", "5s"])),
            "routing": draw(st.sampled_from(["least-loaded", "round-robin"])),
        },
        interval=draw(st.sampled_from([0.3, 1.0])),
    )
    own = replace(
        own, models=(model(ttft_s=draw(st.sampled_from([0.05, 0.3])), tpot_s=draw(st.sampled_from([0.01, 0.03]))),)
    )
    offered = workload(requests, ("m",), 3.0)
    if draw(st.booleans()):
        prompts = st.sampled_from([(0, 1, 2, 3), (0, 1, 5, 6), (8, 9, 10, 3), (4, 4, 4, 4), (11, 12, 13, 14)])
        lists = [draw(prompts)[: size // 32] for _, size, _ in requests]
        ids = np.array([i for own_ids in lists for i in own_ids], np.int32)
        blocks = PrefixBlocks(np.cumsum([0, *map(len, lists)]).astype(np.int64), ids, 15, 32)
        offered = replace(offered, blocks=blocks)
    moves = st.lists(st.tuples(st.sampled_from([0.0, 0.6, 1.0, 2.0, 2.5]), st.integers(0, 4)), max_size=4)
    script = {v.name: sorted(draw(moves)) for v in variants}
    return Case(own, offered, Scripted(script=script), draw(st.integers(0, 100)))


@st.composite
def busy_cases(draw: st.DrawFn) -> Case:
    """A fleet that never rests and is gone when the last request is: hardly any cost but for work."""
    own = detailed_servers().map(lambda server: replace(server, max_num_seqs=draw(st.sampled_from([1, 2, 16]))))
    startup_s = draw(st.sampled_from([0.0, 0.1, 0.4]))
    replicas = draw(st.integers(1, 2))
    there = draw(st.booleans())
    fleet = setting(
        variant("v", most=4, startup_s=startup_s),
        servers={"v": draw(own)},
        initial={"v": replicas if there else 0},
        gateway={
            "queue": draw(st.sampled_from(["engine", "gateway"])),
            "first_token_timeout": draw(st.sampled_from(["200ms", "20s"])),
        },
        interval=0.01,
    )
    fleet = replace(
        fleet,
        models=(model(ttft_s=draw(st.sampled_from([0.02, 0.2, 2.0])), tpot_s=draw(st.sampled_from([0.01, 0.1]))),),
    )
    begins = 0.0 if there else startup_s
    moments = st.sampled_from([begins, begins, begins + 0.05, begins + 0.1])
    sizes = st.sampled_from([1, 16, 17, 48, 64])
    requests = draw(st.lists(st.tuples(moments, sizes, st.sampled_from([1, 2, 17, 40])), min_size=4, max_size=40))
    stops = begins + draw(st.sampled_from([0.06, 0.11, 0.2, 1.0]))
    script = {"v": [(0.0, replicas), (stops, 0)]}
    return Case(
        fleet, workload(sorted(requests), ("m",), begins + 0.12), Scripted(script=script), draw(st.integers(0, 100))
    )


@pytest.mark.slow
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(flat_cases())
def test_no_policy_costs_less(case: Case) -> None:
    nothing_is_below_the_bound(case)


@pytest.mark.slow
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(detailed_cases())
def test_no_schedule_of_steps_costs_less(case: Case) -> None:
    nothing_is_below_the_bound(case)


@pytest.mark.slow
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(busy_cases())
def test_no_busy_fleet_costs_less(case: Case) -> None:
    nothing_is_below_the_bound(case)


def one_at_a_time(ttft_s: float = 1.0, tpot_s: float = 0.1) -> Setting:
    """Steps of 10 ms, one sequence at a time: an answer of ``n`` tokens takes ``n`` times 10 ms for itself."""
    own = variant("v", lowest=0, most=3, startup_s=10.0)
    fleet = setting(own, servers={"v": server(max_num_seqs=1)}, initial={"v": 1})
    return replace(fleet, models=(model(ttft_s=ttft_s, tpot_s=tpot_s),))


def test_work_costs_what_it_takes() -> None:
    # 30 answers of 5 tokens keep one replica busy for 1.5 s, whoever is met.
    offered = workload([(0.0, 10, 5)] * 30, window_s=1.0)
    frontier = find_frontier(one_at_a_time(), offered)
    assert frontier.cost(met=0) == pytest.approx(1.5 / 3600)
    # Without the six that fail it is 1.2 s.
    assert frontier.cost(met=0, failed=6) == pytest.approx(1.2 / 3600, rel=0.05)
    assert frontier.cost_of_failing_freely(met=12) == pytest.approx(0.6 / 3600, rel=0.05)


def test_a_start_is_paid_by_those_who_need_it() -> None:
    # All of 20 answers of 5 tokens within 1.04 s of 20 s: 1 s of work, which touches three slots of 0.5 s. A rent
    # of 1 + 10 / 1.5 in them pays for a start of 10 s; the nearest lower level of the search is 6.
    offered = workload([(20.0, 10, 5)] * 20, window_s=60.0)
    frontier = find_frontier(one_at_a_time(ttft_s=1.0, tpot_s=0.01), offered)
    assert 6 / 3600 * 0.999 <= frontier.cost(met=20) <= (1 + 10 / 1.5) / 3600
    assert frontier.cost(met=0) == pytest.approx(1 / 3600)


def test_the_minimum_costs_even_without_requests() -> None:
    fleet = setting(variant("v", lowest=2, most=3), servers={"v": server()})
    offered = workload([(0.0, 10, 5)], window_s=60.0)
    assert find_frontier(fleet, offered).cost(met=1) == pytest.approx(2 * 60 / 3600)
    # A replica that waits for hardware is not billed.
    short = setting(variant("v", lowest=2, most=3), servers={"v": server()}, nodes=[("gpu", 1, 1)])
    assert find_frontier(short, offered).cost(met=1) < 1 / 3600


def test_a_prompt_that_nobody_can_take_fails_for_nothing() -> None:
    fleet = setting(variant("v", lowest=0, most=3), servers={"v": server(max_num_seqs=1, max_model_len=50)})
    frontier = find_frontier(fleet, workload([(0.0, 10, 5), (0.0, 60, 5)]))
    assert frontier.refused == 1
    assert frontier.cost(met=1, failed=1) == frontier.cost(met=1) == pytest.approx(0.05 / 3600)


def test_planes_hold_for_their_failures() -> None:
    plane = Plane(constant=-5.0, met_price=0.1, failed_price=1.0)
    assert plane.cost(met=100, failed=2) == pytest.approx(3.0)
    assert replace(plane, failed_price=np.inf).cost(met=100, failed=0) == pytest.approx(5.0)
    assert replace(plane, failed_price=np.inf).cost(met=100, failed=1) == -np.inf
    # Whatever the planes say, nothing costs less than nothing.
    assert Frontier((plane,), requests=100, refused=0).cost(met=10) == 0.0


def test_rents_that_make_a_replica_profitable_are_refused() -> None:
    assert most_profit(np.array([0.5, 3.0, 1.5, 0.0, 2.0]), slot_s=2.0) == pytest.approx(5.0)
    fleet = one_at_a_time()
    market = open_market(fleet, workload([(0.0, 10, 5)], window_s=20.0), 0)

    def rents(of: dict[int, float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        path = np.zeros(market.slots + 1)
        path[list(of)] = list(of.values())
        return path

    # Slots of 0.5 s and a start of 10 s: 20 slots at a rent of 2 pay for it, once something was lost before.
    assert unprofitable(market, rents({20 + n: 2.0 for n in range(20)}))
    assert not unprofitable(market, rents({20 + n: 2.0 for n in range(21)}))
    assert not unprofitable(market, rents({0: 1.1}))
    assert not unprofitable(market, rents({market.slots - 1: 1.1}))
    assert not unprofitable(market, rents({market.slots: 1.1}))
