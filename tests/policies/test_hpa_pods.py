"""How replicas become the pods of one metric."""

from math import inf, nan

import pytest

from tests.policies.fleets import metrics, replica
from wva.fleet.replica import InstanceMetrics, Phase, Replica
from wva.policies.hpa.pods import Pods, group
from wva.policies.hpa.settings import Metric


def waiting(*replicas: Replica, starting_is_pending: bool = False) -> Pods:
    return group(replicas, Metric.WAITING, 300.0, starting_is_pending)


def test_phases() -> None:
    pods = waiting(
        replica(metrics(waiting=2)),
        replica(metrics(waiting=3.5)),
        replica(),
        replica(metrics(waiting=7), phase=Phase.PENDING),
        replica(phase=Phase.STARTING),
        replica(metrics(waiting=9), phase=Phase.DRAINING),
    )
    assert pods == Pods(total_milli=5500, reporting=2, missing=2, unready=1)


def test_starting_pods_run_unless_said_otherwise() -> None:
    starting = replica(phase=Phase.STARTING)
    assert waiting(starting) == Pods(0, 0, missing=1, unready=0)
    assert waiting(starting, starting_is_pending=True) == Pods(0, 0, missing=0, unready=1)


def test_a_pod_that_runs_counts_with_its_value_even_if_it_is_not_ready() -> None:
    assert waiting(replica(metrics(waiting=4), phase=Phase.STARTING)) == Pods(4000, 1, 0, 0)


@pytest.mark.parametrize(
    "seen", [None, metrics(), metrics(waiting=nan), metrics(waiting=inf), metrics(waiting=5, age_s=301)]
)
def test_what_is_missing(seen: InstanceMetrics | None) -> None:
    assert waiting(replica(seen)) == Pods(0, 0, missing=1, unready=0)


def test_a_value_of_exactly_the_staleness_still_counts() -> None:
    assert waiting(replica(metrics(waiting=5, age_s=300))) == Pods(5000, 1, 0, 0)


def test_instances_add_up_except_for_shares() -> None:
    two = replica(metrics(waiting=2, running=10, kv_usage=0.25), metrics(waiting=3, running=20, kv_usage=0.75))
    assert group([two], Metric.WAITING, 300.0, False).total_milli == 5000
    assert group([two], Metric.RUNNING, 300.0, False).total_milli == 30_000
    assert group([two], Metric.KV_USAGE, 300.0, False).total_milli == 500


def test_an_instance_without_a_value_is_left_out() -> None:
    two = replica(metrics(waiting=2, kv_usage=0.5), None)
    assert group([two], Metric.WAITING, 300.0, False) == Pods(2000, 1, 0, 0)
    assert group([two], Metric.KV_USAGE, 300.0, False) == Pods(500, 1, 0, 0)


def test_values_are_cut_off_at_thousandths() -> None:
    assert group([replica(metrics(kv_usage=0.1239))], Metric.KV_USAGE, 300.0, False).total_milli == 123
