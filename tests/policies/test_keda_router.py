"""What the router's metrics say of a fleet, worked by hand."""

from math import nan

import pytest

from tests.policies.fleets import metrics, observation, replica, seen, traffic
from wva.fleet.observation import Traffic
from wva.fleet.replica import InstanceMetrics, Phase, Replica
from wva.policies.keda.router import Router
from wva.policies.keda.settings import RouterMetric, Trigger, milli

ROUTER = Router(queue_depth_threshold=5.0, kv_cache_util_threshold=0.8, staleness_s=300.0)


def saturation(*replicas: Replica) -> float:
    return ROUTER.saturation([seen(1, list(replicas))])


def test_saturation_is_the_mean_of_the_fuller_of_queue_and_cache() -> None:
    # max(2 / 5, 0.4 / 0.8) = 0.5 and max(10 / 5, 0.2 / 0.8) = 2: 1.25 on average.
    assert saturation(replica(metrics(2, 0.4)), replica(metrics(10, 0.2))) == pytest.approx(1.25)


@pytest.mark.parametrize("blind", [metrics(), metrics(waiting=0), metrics(nan, 0.1), metrics(0, 0.0, age_s=301)])
def test_an_endpoint_without_its_metrics_is_full(blind: InstanceMetrics) -> None:
    # 1 and 0.5.
    assert saturation(replica(blind), replica(metrics(0, 0.4))) == pytest.approx(0.75)


def test_only_what_serves_and_was_scraped_is_an_endpoint() -> None:
    busy = metrics(50, 1.0)
    others = [replica(busy, phase=Phase.DRAINING), replica(busy, phase=Phase.STARTING), replica(None)]
    assert saturation(replica(metrics(0, 0.4)), *others) == pytest.approx(0.5)


def test_a_pool_without_endpoints_is_full() -> None:
    assert saturation() == 1.0
    assert saturation(replica(None)) == 1.0


def read(metric: RouterMetric, flows: Traffic | None) -> float | None:
    a = seen(1, [replica(metrics(2, 0.4)), replica(metrics(1, 0.6, age_s=400))], name="a")
    b = seen(1, [replica(metrics(10, 0.2)), replica(metrics(0, 0.3), phase=Phase.DRAINING)], name="b")
    other = seen(1, [replica(metrics(500, 1.0))], name="c", model="n")
    return ROUTER.read(metric, b, observation(0, a, b, other, flows=flows))


def test_metrics_are_of_the_models_pool() -> None:
    flows = traffic(in_flight=40, queue_requests=3)
    assert read(RouterMetric.REQUEST_RUNNING, flows) == 40
    assert read(RouterMetric.QUEUE_SIZE, flows) == 3
    # 0.5, 1 for the old scrape, and 2.
    assert read(RouterMetric.POOL_SATURATION, flows) == pytest.approx(3.5 / 3)


def test_kv_caches_are_of_the_variants_own_replicas_and_of_those_that_drain() -> None:
    assert read(RouterMetric.KV_CACHE_USAGE, None) == pytest.approx(0.5)


@pytest.mark.parametrize("flows", [None, traffic(40, 3, age_s=301), traffic(nan, nan)])
def test_a_series_that_is_not_there(flows: Traffic | None) -> None:
    assert read(RouterMetric.REQUEST_RUNNING, flows) is None
    assert read(RouterMetric.QUEUE_SIZE, flows) is None


def test_without_the_router_there_is_no_saturation() -> None:
    assert read(RouterMetric.POOL_SATURATION, None) is None


@pytest.mark.parametrize(
    ("value", "thousandths"), [(0.7, 700), (2.007, 2007), (0.29, 290), (1.2349, 1234), (16, 16000)]
)
def test_values_and_thresholds_are_cut_off_at_thousandths(value: float, thousandths: int) -> None:
    assert milli(value) == Trigger(RouterMetric.QUEUE_SIZE, value).target_milli == thousandths
