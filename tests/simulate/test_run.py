"""A whole run: the window, what it leaves in flight, and the end."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.simulate.fleets import Asked, server, variant
from tests.simulate.runs import Scripted, asked, setting, statuses
from wva.engine.batch.state import PICOSECONDS
from wva.fleet.outcome import Result
from wva.policies.static import StaticPolicy
from wva.record.reader import Journal
from wva.scenario.load import parse_scenario
from wva.scenario.traffic import draw_workload, read_sources
from wva.simulate.result import RunResult
from wva.simulate.run import Setting, prepare, simulate


def run(setting: Setting, requests: Sequence[Asked], window_s: float, policy: Scripted, seed: int = 1) -> RunResult:
    Scripted.seen.clear()
    return simulate(setting, asked(setting, requests, window_s), policy, seed)


def test_after_the_window_the_run_goes_on_with_the_policy_until_all_have_ended() -> None:
    # The window ends at 5 s, and the last answer 30 s after its request came at 4 s.
    policy = Scripted(script={"v": [(0, 1), (20, 2)]})
    result = run(setting(variant(most=2), initial={"v": 1}), [(4, 10, 3000)], 5, policy)
    assert statuses(result) == ["completed"]
    assert result.requests["finish"][0] == 34 * PICOSECONDS
    assert 34 <= result.end_s < 35, "it ends with the next look of the control plane"
    times = [observation.now for observation in Scripted.seen]
    assert times[-1] == pytest.approx(result.end_s - 1)
    assert len(result.decision_s) == len(times) == 34
    assert result.use[0].scale_ups == 1
    assert Scripted.seen[-1].variants[0].ready == 2


def test_the_window_is_not_cut_short_when_all_have_ended_early() -> None:
    result = run(setting(variant(), initial={"v": 1}), [(1, 10, 5)], 20, Scripted(script={"v": [(0, 1)]}))
    assert 20 <= result.end_s < 21


def test_what_nobody_ever_serves_times_out_and_the_run_ends() -> None:
    never = setting(variant(), gateway={"first_token_timeout": "7s"})
    result = run(never, [(1, 10, 5), (2, 10, 5)], 3, Scripted())
    assert statuses(result) == ["first token timeout"] * 2
    assert 9 <= result.end_s < 10
    assert result.use[0].billed_hours == 0
    assert result.attainable.tolist() == [True, True]


def test_bills_run_to_the_end_of_the_run() -> None:
    result = run(setting(variant(lowest=2, most=2)), [(1, 10, 5)], 20, Scripted())
    (use,) = result.use
    assert use.billed_hours == pytest.approx(2 * result.end_s / 3600)
    assert use.ready_hours == pytest.approx(2 * result.end_s / 3600)
    assert (use.scale_ups, use.scale_downs) == (0, 0)


def test_a_variant_goes_to_zero_and_back_and_what_waits_meanwhile_is_served() -> None:
    policy = Scripted(script={"v": [(0, 1), (10, 0), (30, 1)]})
    requests = [(1, 10, 5), (15, 10, 5), (25, 10, 5), (60, 10, 5)]
    result = run(setting(variant(startup_s=10), initial={"v": 1}), requests, 70, policy)
    assert statuses(result) == ["completed"] * 4
    ordered = next(seen.now for seen in Scripted.seen if seen.now >= 30)
    first = result.requests["first_token"] / PICOSECONDS
    assert first.tolist() == pytest.approx([1.01, ordered + 10.01, ordered + 10.01, 60.01])
    assert {seen.variants[0].ready for seen in Scripted.seen if 12 <= seen.now <= 30} == {0}
    waiting = [seen.models[0].traffic for seen in Scripted.seen if 26.5 <= seen.now <= 30]
    assert [traffic.queue_requests for traffic in waiting if traffic is not None] == [2] * len(waiting)
    assert (result.use[0].scale_ups, result.use[0].scale_downs) == (1, 1)


def test_two_models_share_nodes() -> None:
    # Four GPUs: the first model holds all of them until 20 s, then the second one gets two.
    both = setting(
        variant("a", model="one", gpus=2, startup_s=5),
        variant("b", model="two", gpus=2, startup_s=5),
        nodes=[("gpu", 4, 1)],
        initial={"a": 2},
    )
    policy = Scripted(script={"a": [(0, 2), (20, 1)], "b": [(0, 0), (10, 1)]})
    requests = [(1, 10, 5, "one"), (12, 10, 5, "two"), (13, 10, 5, "one"), (40, 10, 5, "two")]
    result = run(both, requests, 41, policy)
    assert statuses(result) == ["completed"] * 4
    freed = next(seen.now for seen in Scripted.seen if seen.now >= 20)
    first = result.requests["first_token"] / PICOSECONDS
    assert first.tolist() == pytest.approx([1.01, freed + 5.01, 13.01, 40.01])
    in_use = result.timeline.replicas[:, :, 1:].sum(axis=(1, 2)) * 2
    assert in_use.max() == 4
    assert result.use[1].billed_hours == pytest.approx((result.end_s - freed) / 3600)
    assert result.use[0].billed_hours == pytest.approx((result.end_s + freed) / 3600)


def test_crashes_happen_when_and_where_the_scenario_says() -> None:
    two = setting(
        variant("a", model="one", startup_s=5),
        variant("b", model="two", startup_s=5),
        initial={"a": 2, "b": 1},
        crashes=[(3, "a"), (3, "a"), (8, "b")],
    )
    policy = Scripted(script={"a": [(0, 2)], "b": [(0, 1)]})
    requests = [(2, 10, 500, "one"), (2, 10, 500, "two"), (4, 10, 5, "one"), (7.5, 10, 500, "two")]
    result = run(two, requests, 20, policy)
    assert statuses(result) == ["crashed", "completed", "completed", "crashed"]
    assert (result.requests["finish"] / PICOSECONDS).tolist() == pytest.approx([3.0, 7.0, 8.05, 8.0])
    hour = 3600
    assert result.use[0].billed_hours == pytest.approx(2 * result.end_s / hour)
    assert result.use[0].ready_hours == pytest.approx(2 * (result.end_s - 5) / hour)
    assert result.use[1].ready_hours == pytest.approx((result.end_s - 5) / hour)


def test_control_and_scraping_keep_their_intervals_from_a_phase_of_their_own() -> None:
    result = run(setting(variant(lowest=1), interval=3, scrape=2), [(1, 10, 5)], 60, Scripted())
    decided = np.array([seen.now for seen in Scripted.seen])
    assert np.diff(decided) == pytest.approx(3)
    assert 0 <= decided[0] < 3
    assert np.diff(result.timeline.time_s) == pytest.approx(2)
    assert 0 <= result.timeline.time_s[0] < 2
    ages = [seen.models[0].traffic.age_s for seen in Scripted.seen if seen.models[0].traffic is not None]
    assert len(ages) >= len(decided) - 1
    assert min(ages) >= 0
    assert max(ages) < 2


def test_the_timeline_shows_every_phase() -> None:
    # One serves, then one waits, one starts and one drains with an answer under way.
    one = setting(variant(startup_s=10), nodes=[("gpu", 1, 2)], initial={"v": 1})
    policy = Scripted(script={"v": [(0, 1), (5, 3), (7.5, 0)]})
    result = run(one, [(1, 10, 1500), (6, 10, 800)], 10, policy)
    shown = {tuple(row[0]) for row in result.timeline.replicas.tolist()}
    assert shown == {(0, 0, 1, 0), (1, 1, 1, 0), (0, 0, 0, 1), (0, 0, 0, 0)}
    assert result.timeline.in_flight[:, 0].max() == 2
    assert result.timeline.queued.max() == 0


def outcome_of(result: RunResult) -> list[object]:
    """Everything of a run but how long it took to compute."""
    timeline = result.timeline
    arrays = (
        timeline.time_s,
        timeline.replicas,
        timeline.in_flight,
        timeline.queued,
        result.requests,
        result.attainable,
    )
    return [result.end_s, result.use, *(array.tobytes() for array in arrays)]


def busy() -> tuple[Setting, list[Asked], Scripted]:
    one = setting(
        variant("fast", startup_s=2),
        variant("slow", startup_s=1),
        servers={"fast": server(max_num_seqs=2), "slow": server(step_ms=20, max_num_seqs=2)},
        initial={"fast": 1, "slow": 1},
        gateway={"queue": "gateway", "hold_above": 2, "first_token_timeout": "4s"},
        crashes=[(11, "fast")],
    )
    requests: list[Asked] = [(0.13 * n, 10 + n % 7, 20 + (n * n) % 90) for n in range(150)]
    policy = Scripted(script={"fast": [(0, 1), (5, 3), (12, 1)], "slow": [(0, 1), (7, 0), (14, 2)]})
    return one, requests, policy


def test_a_run_is_a_function_of_scenario_traffic_policy_and_seed() -> None:
    one, requests, policy = busy()
    results = [run(one, requests, 20, policy, seed) for seed in (1, 1, 2)]
    assert outcome_of(results[0]) == outcome_of(results[1])
    assert outcome_of(results[0]) != outcome_of(results[2])
    assert {"completed", "first token timeout", "crashed"} >= set(statuses(results[0])) > {"completed"}


def test_seeds_differ_in_the_phases_of_control_and_scraping() -> None:
    one = setting(variant(lowest=1))
    phases = set()
    for seed in range(5):
        result = run(one, [(0.5, 10, 5)], 3, Scripted(), seed)
        phases.add((Scripted.seen[0].now, float(result.timeline.time_s[0])))
    assert len({control for control, _ in phases}) == len({scrape for _, scrape in phases}) == 5
    assert all(control != scrape for control, scrape in phases)


SYNTHETIC = """
name: traffic
workload:
  - model: m
    synthetic: {arrivals: poisson, rate: [[0s, 5], [20s, 5]], input_tokens: {uniform: {min: 5, max: 50}},
                output_tokens: {uniform: {min: 5, max: 50}}}
models: {m: {shape: meta-llama/Llama-3.1-8B-Instruct, precision: bf16, objectives: {ttft: 2s, tpot: 100ms}}}
variants: [{name: v, model: m, accelerator: H100-80GB, cost: 3, min: 0, max: 2, initial: 1}]
"""


def test_every_policy_of_a_seed_gets_the_same_traffic_and_every_seed_another() -> None:
    scenario = parse_scenario(SYNTHETIC, "traffic", Path())
    prepared, sources = prepare(scenario), read_sources(scenario)

    def traffic(seed: int, replicas: int) -> list[bytes]:
        drawn = draw_workload(scenario, sources, seed)
        requests = simulate(prepared, drawn, StaticPolicy(replicas={"v": replicas}), seed).requests
        return [requests[name].tobytes() for name in ("arrival", "input", "output", "model")]

    assert traffic(1, 0) == traffic(1, 2)
    assert traffic(1, 1)[0] != traffic(2, 1)[0]
    assert traffic(1, 1)[1:3] != traffic(2, 1)[1:3]


def test_a_policy_cannot_change_the_traffic_that_the_next_one_gets() -> None:
    one, requests, policy = busy()
    shared = asked(one, requests, 20)
    before = outcome_of(simulate(one, shared, policy, 1))
    simulate(one, shared, replace(policy, script={}), 1)
    assert outcome_of(simulate(one, shared, policy, 1)) == before


def test_progress_is_told_in_shares_of_the_window_up_to_all_of_it() -> None:
    told: list[float] = []
    one = setting(variant(lowest=1), interval=0.1)
    simulate(one, asked(one, [(0, 10, 3000)], 20), Scripted(), 1, progress=told.append)
    assert len(told) > 3
    assert told == sorted(told)
    assert 0 < told[0] < 1
    assert told[-1] == 1


def test_progress_of_a_short_run_is_told_once_at_its_end() -> None:
    told: list[float] = []
    one = setting(variant(lowest=1))
    simulate(one, asked(one, [(0, 10, 5)], 5), Scripted(), 1, progress=told.append)
    assert told == [1]


def test_any_number_of_replicas_can_come_and_go() -> None:
    # With at most one at a time, every second second there is another one, which serves at once.
    one = setting(variant(most=1, startup_s=0), gateway={"first_token_timeout": "3s"})
    policy = Scripted(script={"v": [(float(second), second % 2) for second in range(60)]})
    result = run(one, [(float(second), 10, 5) for second in range(59)], 60, policy)
    assert set(statuses(result)) == {"completed"}
    assert result.use[0].scale_ups >= 29


def test_the_journal_has_one_decision_for_every_look_with_what_became_of_it(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    one = setting(variant(most=3, startup_s=2), nodes=[("gpu", 1, 2)], initial={"v": 1})
    policy = Scripted(script={"v": [(0, 1), (3, 3), (6, 9), (9, 1)]}, wrong_every=5)
    Scripted.seen.clear()
    result = simulate(one, asked(one, [(1, 10, 5)], 12), policy, 7, journal_path=path)
    with Journal(path) as journal:
        decisions = list(journal)
        assert journal.finished
        assert (journal.run.scenario, journal.run.seed, journal.run.policy) == ("small", 7, "scripted")
    assert [decision.observation for decision in decisions] == Scripted.seen
    assert [decision.duration_s for decision in decisions] == result.decision_s.tolist()
    assert len({decision.observation.id for decision in decisions}) == len(decisions)
    for number, decision in enumerate(decisions):
        (outcome,), (part,) = decision.outcomes, decision.plan.variants
        if (number + 1) % 5 == 0:
            assert outcome.result is Result.CONFLICT
        elif part.target == 9:
            assert (outcome.result, outcome.replicas) == (Result.CLAMPED, 3)
        elif part.target == 3:
            assert (outcome.result, outcome.replicas) == (Result.PENDING, 3)
        else:
            assert (outcome.result, outcome.replicas) == (Result.APPLIED, 1)
    for last, following in pairwise(decisions):
        assert following.observation.outcomes == last.outcomes
    assert decisions[0].observation.outcomes == ()
    assert {decision.observation.configuration for decision in decisions} == {decisions[0].observation.configuration}
