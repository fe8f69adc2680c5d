"""What queries over windows of samples answer: the same as the simulated scraper's, and through resets."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from wva.engine.batch.latency import TTFT_BUCKETS
from wva.engine.batch.state import COUNTERS, PICOSECONDS
from wva.engine.latency_bounds import TPOT_BOUNDS_S, TTFT_BOUNDS_S
from wva.fleet.observation import Traffic
from wva.fleet.replica import InstanceMetrics
from wva.prometheus.engine import Engine
from wva.prometheus.gateway import GatewayModel, traffic
from wva.prometheus.history import LONG_S, SHORT_S, History
from wva.prometheus.points import GatewaySample
from wva.simulate.scrape import (
    ARRIVALS,
    ARRIVED_TOKENS,
    FAILED,
    GATEWAY_SAMPLED,
    IN_FLIGHT,
    LATENCIES,
    METRICS,
    QUEUED,
    QUEUED_TOKENS,
    TRAFFIC,
    empty_scrapes,
    read_metrics,
    read_traffic,
)

SIMULATED = (
    *("running", "waiting", "kv_usage"),
    *("prompt_tokens", "generation_tokens", "finished", "finished_input_tokens", "finished_output_tokens"),
    *("prefix_hit", "prefix_queried", "inter_token_s", "inter_token_count"),
    *("preemptions", "ttft_s", "ttft_count"),
)
"""What the simulator calls the columns of an engine's sample."""
GAUGES = ("running", "waiting", "kv_usage")


@settings(max_examples=40)
@given(
    interval=st.sampled_from([5, 15, 16, 40, 60, 61, 299, 300]),
    steps=st.lists(st.lists(st.integers(0, 50), min_size=len(COUNTERS) + 3, max_size=len(COUNTERS) + 3), max_size=70),
)
def test_an_engine_says_what_the_simulated_scraper_says(interval: int, steps: list[list[int]]) -> None:
    scrapes = empty_scrapes(1, 1, 5)
    engine = Engine()
    counters = np.zeros(len(COUNTERS))
    for step, drawn in enumerate(steps):
        counters += np.array(drawn[: len(COUNTERS)])
        gauges = np.array([drawn[-3], drawn[-2], drawn[-1] / 50])
        position = (scrapes.position[0] + 1) % scrapes.times.size
        scrapes.position[0] = position
        scrapes.times[position] = step * interval * PICOSECONDS
        scrapes.samples[position, 0] = np.concatenate([counters, gauges])
        known = dict(zip((*COUNTERS, *GAUGES), scrapes.samples[position, 0].tolist(), strict=True))
        engine.add(step * interval, [known[name] for name in SIMULATED])

        table = np.empty((1, METRICS))
        read_metrics(scrapes, np.array([0]), table)
        metrics = engine.reading(step * interval + 2.5).metrics
        assert metrics is not None
        assert metrics.age_s == 2.5
        for field, expected in zip(fields(InstanceMetrics)[1:], table[0].tolist(), strict=True):
            wanted = None if np.isnan(expected) else pytest.approx(expected, rel=1e-9, abs=1e-9)
            assert getattr(metrics, field.name) == wanted, field.name


@settings(max_examples=40)
@given(
    interval=st.sampled_from([5, 15, 16, 59, 60, 61, 300]),
    steps=st.lists(st.lists(st.integers(0, 9), min_size=GATEWAY_SAMPLED, max_size=GATEWAY_SAMPLED), max_size=30),
)
def test_a_gateway_says_what_the_simulated_scraper_says(interval: int, steps: list[list[int]]) -> None:
    scrapes = empty_scrapes(1, 1, 5)
    gateway = GatewayModel()
    sample = np.zeros(GATEWAY_SAMPLED)
    for step, drawn in enumerate(steps):
        sample += np.array(drawn)
        sample[[QUEUED, QUEUED_TOKENS, IN_FLIGHT]] = drawn[:3]
        position = (scrapes.position[0] + 1) % scrapes.times.size
        scrapes.position[0] = position
        scrapes.times[position] = step * interval * PICOSECONDS
        scrapes.gateway[position, 0] = sample
        gateway.add(step * interval, exported(sample))

        table = np.empty((1, TRAFFIC))
        read_traffic(scrapes, table)
        seen = traffic([gateway], step * interval + 2.5)
        assert seen is not None
        assert seen.age_s == 2.5
        for field, expected in zip(fields(Traffic)[1:], table[0].tolist(), strict=True):
            wanted = None if np.isnan(expected) else pytest.approx(expected, rel=1e-9, abs=1e-9)
            assert getattr(seen, field.name) == wanted, field.name


def exported(sample: NDArray[np.float64]) -> GatewaySample:
    """A sample of the simulated gateway as a real one shows it: gauges first, buckets cumulative."""
    columns = [sample[one] for one in (IN_FLIGHT, QUEUED, QUEUED_TOKENS, ARRIVALS, ARRIVED_TOKENS, FAILED)]
    ttft, tpot = np.split(sample[LATENCIES:], [TTFT_BUCKETS])
    return GatewaySample(
        tuple(columns),
        dict(zip((*TTFT_BOUNDS_S, np.inf), np.cumsum(ttft).tolist(), strict=True)),
        dict(zip((*TPOT_BOUNDS_S, np.inf), np.cumsum(tpot).tolist(), strict=True)),
    )


def test_gateways_are_added_up_and_one_that_is_gone_is_not() -> None:
    first, second = GatewayModel(), GatewayModel()
    for time in (0.0, 30.0, 60.0):
        first.add(time, GatewaySample((1.0, 2.0, 3.0, time, 2 * time, 0.0)))
        second.add(time, GatewaySample((10.0, 20.0, 30.0, 3 * time, 0.0, 1.0)))
    both = traffic([first, second], 61.0)
    assert both is not None
    assert (both.in_flight, both.queue_requests, both.arrivals_total, both.failed_total) == (11, 22, 240, 1)
    assert both.arrival_rate_1m == pytest.approx(4.0)
    first.add(125.0, GatewaySample((1.0, 2.0, 3.0, 125.0, 250.0, 0.0)))
    alone = traffic([first, second], 126.0)
    assert alone is not None
    assert (alone.age_s, alone.in_flight, alone.arrival_rate_1m) == (1.0, 1, None)
    assert alone.arrival_rate_5m == pytest.approx(1.0)


def test_what_one_gateway_does_not_know_is_unknown_of_all() -> None:
    first, second = GatewayModel(), GatewayModel()
    first.add(0.0, GatewaySample((1.0, 2.0, 3.0, 4.0, 5.0, 6.0)))
    second.add(0.0, GatewaySample((float("nan"), 2.0, 3.0, 4.0, 5.0, 6.0)))
    both = traffic([first, second], 0.0)
    assert both is not None
    assert (both.in_flight, both.queue_requests) == (None, 4)
    assert traffic([], 0.0) is None


def counted(*samples: tuple[float, float]) -> History:
    """A counter over time."""
    history = History(0, 1)
    for time, value in samples:
        history.add(time, (value,))
    return history


@pytest.mark.parametrize(
    ("samples", "grown"),
    [
        ([(0, 10)], None),
        ([(0, 10), (10, 40)], (30, 10)),
        # 30 before the restart, then 5 that the new process counted, then 5 more.
        ([(0, 10), (10, 40), (20, 5), (30, 10)], (40, 30)),
        ([(0, 10), (10, 0), (20, 0)], (0, 20)),
        ([(0, 10), (400, 40)], None),
        ([(0, 10), (100, 40), (400, 50)], (10, 300)),
        # What was not read in between changes nothing, and what was not read last is unknown.
        ([(0, 10), (10, float("nan")), (20, 12)], (2, 20)),
        ([(0, float("nan")), (10, 3), (20, 12)], (9, 10)),
        ([(0, 10), (10, 40), (20, float("nan"))], None),
        ([(0, 10), (10, 40), (20, float("nan")), (30, 5)], (35, 30)),
    ],
)
def test_growth_goes_through_resets_and_gaps(
    samples: list[tuple[float, float]], grown: tuple[float, float] | None
) -> None:
    assert counted(*samples).growth(0, LONG_S) == grown


def test_a_sample_that_is_not_newer_changes_nothing() -> None:
    history = counted((10, 5), (20, 9))
    assert not history.add(20, (100,))
    assert not history.add(15, (100,))
    assert history.growth(0, LONG_S) == (4, 10)


def test_the_total_is_what_the_server_shows_after_its_restart() -> None:
    assert counted((0, 100), (10, 3)).value(0) == 3


def test_a_gauge_that_falls_was_not_reset() -> None:
    history = History(1, 0)
    for time, value in [(0, 9), (30, 4), (60, 1), (90, 2)]:
        history.add(time, (value,))
    assert (history.value(0), history.maximum(0, SHORT_S)) == (2, 4)


def test_it_is_bounded_whatever_the_interval() -> None:
    history = History(0, 1)
    for step in range(20_000):
        history.add(step * 0.001, (step,))
    assert history.rate(0, LONG_S) == pytest.approx(1000)
