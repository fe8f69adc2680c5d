"""The order that would have saved a request: with it the request is met, a decision later it is not."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.simulate.fleets import Asked, server, variant
from tests.simulate.recordings import SEED, recorded
from tests.simulate.runs import Scripted, asked, setting
from wva.simulate.inquiry import Inquiry, Order
from wva.simulate.met import mark_met
from wva.simulate.run import Setting, simulate

STEADY = [(5 + 0.25 * i, 10, 50) for i in range(120)]
"""Four a second from 5 s on, each half a second of work for a replica that takes one at a time."""

SETTING = setting(variant(lowest=1, most=6, startup_s=10), servers={"v": server(max_num_seqs=1)})


def orders(
    where: Path, request: int, policy: Scripted, requests: Sequence[Asked] = STEADY, run_of: Setting = SETTING
) -> list[Order]:
    with recorded(where, run_of, requests, policy, 40) as (run, result):
        assert not mark_met(result.requests, run.setting.models)[request]
        return Inquiry(run, result, request).orders(0)


def met_with(
    script: Sequence[tuple[float, int]], request: int, requests: Sequence[Asked] = STEADY, run_of: Setting = SETTING
) -> bool:
    """Whether a run of its own, under a policy that orders these counts, meets the request."""
    result = simulate(run_of, asked(run_of, requests, 40), Scripted(script={"v": script}), SEED)
    return bool(mark_met(result.requests, run_of.models)[request])


@pytest.mark.parametrize("request_id", [40, 60, 100])
def test_with_the_order_it_is_met_and_a_decision_later_it_is_not(tmp_path: Path, request_id: int) -> None:
    latest, *_ = orders(tmp_path, request_id, Scripted())
    assert latest.fate.met
    assert latest.later is not None
    assert not latest.later.met
    # The same in runs from the start, by a policy that grows by so many at that time; decisions are a second apart.
    assert met_with([(0, 1), (latest.time, 1 + latest.replicas)], request_id)
    assert not met_with([(0, 1), (latest.time + 1, 1 + latest.later_replicas)], request_id)
    assert latest.replicas == 1 or not met_with([(0, 1), (latest.time, latest.replicas)], request_id)


def test_one_replica_must_be_ordered_earlier_than_many(tmp_path: Path) -> None:
    # Three requests a second wait at the gateway, where one more replica works the queue off at one a second and five
    # more at nine.
    requests = [(5 + i / 3, 10, 50) for i in range(100)]
    gateway = {"queue": "gateway", "hold_above": 1}
    held = setting(*SETTING.variants, servers={"v": SETTING.servers[0]}, gateway=gateway)
    latest, single = orders(tmp_path, 75, Scripted(), requests, held)
    assert latest.replicas > single.replicas == 1
    assert latest.time > single.time
    for order in (latest, single):
        assert met_with([(0, 1), (order.time, 1 + order.replicas)], 75, requests, held)
        assert not met_with([(0, 1), (order.time + 1, 1 + order.later_replicas)], 75, requests, held)


def test_what_a_plan_stopped_could_have_been_kept(tmp_path: Path) -> None:
    # Three replicas until 12 s, then one: what comes at 15 s is late, and no start could be over by then.
    script = [(0.0, 3), (12.0, 1)]
    run_of = setting(variant(lowest=1, most=6, startup_s=10), servers={"v": server(max_num_seqs=1)}, initial={"v": 3})
    with recorded(tmp_path, run_of, STEADY, Scripted(script={"v": script}), 40) as (run, result):
        (latest,) = [order for order in Inquiry(run, result, 48).orders(0) if order.kept]
    assert 12 <= latest.time < 13
    assert latest.replicas == latest.kept
    assert met_with([(0, 3), (12, 1 + latest.kept)], 48, run_of=run_of)
    assert not met_with([(0, 3), (12, 1), (latest.time + 0.5, 6)], 48, run_of=run_of)


def test_nothing_helps_what_comes_before_a_start_can_end(tmp_path: Path) -> None:
    burst = [(5 + 0.01 * i, 10, 50) for i in range(20)]
    assert orders(tmp_path, 19, Scripted(), burst) == []


def test_a_variant_at_its_maximum_offers_no_order(tmp_path: Path) -> None:
    assert orders(tmp_path, 119, Scripted(script={"v": [(0, 6)]}), [(1, 10, 50)] * 120) == []


def test_a_what_if_may_go_on_after_the_end_of_the_run(tmp_path: Path) -> None:
    # The run ends with the last answer; the deadline of the last request, 301 s after it arrived, lies far beyond.
    requests = [*STEADY, (35, 10, 3000)]
    assert orders(tmp_path, 120, Scripted(), requests)[0].fate.met
