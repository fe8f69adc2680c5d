"""Concurrency at one scrape."""

from math import nan

import pytest

from tests.policies.fleets import metrics, observation, replica, seen, traffic
from wva.fleet.observation import Traffic
from wva.fleet.replica import Phase, Replica
from wva.policies.kpa.concurrency import concurrency
from wva.policies.samples import Sample


def busy(running: float, waiting: float, age_s: float = 1.0) -> Replica:
    return replica(metrics(waiting, running=running, age_s=age_s))


def of(*replicas: Replica, flows: Traffic | None = None) -> Sample | None:
    variant = seen(1, list(replicas), name="a")
    return concurrency(variant, observation(100, variant, seen(1, [], name="b"), flows=flows), 60.0)


def test_running_and_waiting_add_up() -> None:
    assert of(busy(8, 2), busy(20, 0)) == Sample(99.0, 30.0)
    assert of(replica(metrics(1, running=2), metrics(3, running=4))) == Sample(99.0, 10.0)


def test_a_ready_replica_without_values_is_like_the_others() -> None:
    # (10 + 20) / 2 = 15 for each of 3.
    assert of(busy(8, 2), busy(20, 0), replica(None)) == Sample(99.0, 45.0)


def test_what_is_not_ready_is_not_counted() -> None:
    starting, draining = replica(phase=Phase.STARTING), replica(metrics(9, running=9), phase=Phase.DRAINING)
    assert of(busy(8, 2), starting, draining) == Sample(99.0, 10.0)


def test_the_newest_scrape_dates_it() -> None:
    assert of(busy(8, 2, age_s=20), busy(20, 0, age_s=5)) == Sample(95.0, 30.0)


def test_what_the_gateway_holds_counts_in_equal_parts() -> None:
    assert of(busy(8, 2), flows=traffic(queue_requests=6)) == Sample(99.0, 13.0)
    assert of(flows=traffic(queue_requests=6, age_s=4)) == Sample(96.0, 3.0)


@pytest.mark.parametrize("flows", [None, traffic(5, None), traffic(5, nan), traffic(5, 6, age_s=61)])
def test_a_gateway_that_says_nothing_adds_nothing(flows: Traffic | None) -> None:
    assert of(busy(8, 2), flows=flows) == Sample(99.0, 10.0)
    assert of(flows=flows) is None


@pytest.mark.parametrize(
    "blind", [replica(None), replica(metrics(2)), replica(metrics(2, running=nan)), busy(8, 2, age_s=61)]
)
def test_nothing_is_known_when_no_ready_replica_reports(blind: Replica) -> None:
    assert of(blind, flows=traffic(queue_requests=6)) is None


def test_nothing_ready_and_nothing_held_is_no_reading() -> None:
    assert of(flows=traffic(queue_requests=0)) is None
