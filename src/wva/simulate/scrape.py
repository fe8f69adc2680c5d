"""What production shows: ready replicas scraped on an interval, and the windows that queries take over the scrapes.

Rates and means are over the scrapes of the last five minutes (Prometheus' ``rate(...[5m])`` without extrapolation),
maxima and quantiles over those of the last minute, as the reference's queries do. A starting replica is never scraped.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wva.engine.batch.latency import LATENCY_BUCKETS, TTFT_BUCKETS
from wva.engine.batch.replicas import read_counters, read_gauges
from wva.engine.batch.state import (
    COUNTERS,
    FINISHED,
    FINISHED_INPUT,
    FINISHED_OUTPUT,
    GENERATION_TOKENS,
    INTER_TOKEN_COUNT,
    INTER_TOKEN_SUM,
    NONE,
    PICOSECONDS,
    PREEMPTIONS,
    PREFIX_HIT,
    PREFIX_QUERIED,
    PROMPT_TOKENS,
    TTFT_COUNT,
    TTFT_SUM,
)
from wva.engine.compiled import entry_point, inlined
from wva.engine.latency_bounds import TPOT_BOUNDS_S, TTFT_BOUNDS_S
from wva.simulate.quantile import quantile
from wva.simulate.world import World

RATE_WINDOW_PS = 300 * PICOSECONDS
MAXIMUM_WINDOW_PS = 60 * PICOSECONDS
QUANTILE = 0.9
"""Which quantile of the latencies is read."""

_TTFT_BOUNDS = np.array(TTFT_BOUNDS_S)
_TPOT_BOUNDS = np.array(TPOT_BOUNDS_S)

_RUNNING = len(COUNTERS)
_WAITING = _RUNNING + 1
_KV_USAGE = _RUNNING + 2
_SAMPLED = _RUNNING + 3

ARRIVALS, ARRIVED_TOKENS, FAILED, QUEUED, QUEUED_TOKENS, IN_FLIGHT = range(6)
"""Columns of a gateway sample: counters of requests, then gauges."""
LATENCIES = 6
"""Where the histograms of latency begin in a gateway sample."""
GATEWAY_SAMPLED = LATENCIES + LATENCY_BUCKETS

METRICS = 18
"""Columns of ``read_metrics``: the fields of :class:`~wva.fleet.replica.InstanceMetrics` after its age, in order."""
TRAFFIC = 12
"""Columns of ``read_traffic``: the fields of :class:`~wva.fleet.observation.Traffic` after its age, bytes as tokens."""


class Scrapes(NamedTuple):
    """The newest scrapes, as rings."""

    times: NDArray[np.int64]
    """Shape (depth,): picoseconds; NONE where no scrape was."""
    samples: NDArray[np.float64]
    """Shape (depth, replicas, sampled): NaN where a row was not scraped."""
    gateway: NDArray[np.float64]
    """Shape (depth, models, GATEWAY_SAMPLED): a sample's columns in the order of their names above."""
    position: NDArray[np.int64]
    """Shape (1,): where the newest scrape is."""


def empty_scrapes(rows: int, models: int, interval_s: float) -> Scrapes:
    """Rings deep enough for the longest window."""
    depth = int(RATE_WINDOW_PS / PICOSECONDS / interval_s) + 2
    return Scrapes(
        np.full(depth, NONE, np.int64),
        np.full((depth, rows, _SAMPLED), np.nan),
        np.full((depth, models, GATEWAY_SAMPLED), np.nan),
        np.zeros(1, np.int64),
    )


@entry_point
def scrape(world: World, scrapes: Scrapes, serving: NDArray[np.bool_], now: int) -> None:
    """Take a sample of every serving row and of the gateway."""
    position = (scrapes.position[0] + 1) % scrapes.times.size
    scrapes.position[0] = position
    scrapes.times[position] = now
    for r in range(world.clock[0].rows):
        if serving[r]:
            sample = scrapes.samples[position, r]
            read_counters(world.engines, r, now, sample)
            running, waiting, usage = read_gauges(world.engines, r, now)
            sample[_RUNNING] = running
            sample[_WAITING] = waiting
            sample[_KV_USAGE] = usage
        else:
            for column in range(_SAMPLED):
                scrapes.samples[position, r, column] = np.nan
    for model in range(world.gateways.size):
        gateway = world.gateways[model]
        scrapes.gateway[position, model, ARRIVALS] = gateway.arrivals
        scrapes.gateway[position, model, ARRIVED_TOKENS] = gateway.arrived_tokens
        scrapes.gateway[position, model, FAILED] = gateway.failed
        scrapes.gateway[position, model, QUEUED] = gateway.waiting
        scrapes.gateway[position, model, QUEUED_TOKENS] = gateway.queued_tokens
        scrapes.gateway[position, model, IN_FLIGHT] = 0
        for bucket in range(LATENCY_BUCKETS):
            scrapes.gateway[position, model, LATENCIES + bucket] = world.engines.latencies[model, bucket]
    for r in range(world.clock[0].rows):
        # What drains is out of routing, but its requests have not ended.
        if serving[r]:
            replica = world.engines.replicas[r]
            scrapes.gateway[position, world.server_models[replica.server], IN_FLIGHT] += replica.in_flight


@inlined
def _oldest(scrapes: Scrapes, r: int, window_ps: int) -> int:
    """Position of the oldest scrape of a row within the window, unbroken up to the newest."""
    newest = scrapes.position[0]
    depth = scrapes.times.size
    oldest = newest
    for back in range(1, depth):
        position = (newest - back) % depth
        time = scrapes.times[position]
        if time == NONE or scrapes.times[newest] - time > window_ps:
            break
        if np.isnan(scrapes.samples[position, r, _RUNNING]):
            break
        oldest = position
    return int(oldest)


@inlined
def _ratio(newest: Any, oldest: Any, numerator: int, denominator: int) -> float:
    below = newest[denominator] - oldest[denominator]
    return (newest[numerator] - oldest[numerator]) / below if below > 0.0 else np.nan


@entry_point
def read_metrics(scrapes: Scrapes, rows: NDArray[np.int64], into: NDArray[np.float64]) -> None:
    """Write what queries answer for these rows into ``into``, shape (rows, METRICS); NaN is unknown."""
    depth = scrapes.times.size
    position = scrapes.position[0]
    for index in range(rows.size):
        r = rows[index]
        newest = scrapes.samples[position, r]
        if np.isnan(newest[_RUNNING]):
            into[index, :] = np.nan
            continue
        into[index, 0] = newest[_RUNNING]
        into[index, 1] = newest[_WAITING]
        into[index, 2] = newest[_KV_USAGE]
        waiting = newest[_WAITING]
        usage = newest[_KV_USAGE]
        back = _oldest(scrapes, r, MAXIMUM_WINDOW_PS)
        while back != position:
            waiting = max(waiting, scrapes.samples[back, r, _WAITING])
            usage = max(usage, scrapes.samples[back, r, _KV_USAGE])
            back = (back + 1) % depth
        into[index, 3] = waiting
        into[index, 4] = usage
        into[index, 5] = newest[PROMPT_TOKENS]
        into[index, 6] = newest[GENERATION_TOKENS]
        into[index, 7] = newest[FINISHED]
        into[index, 8] = newest[PREEMPTIONS]
        start = _oldest(scrapes, r, RATE_WINDOW_PS)
        oldest = scrapes.samples[start, r]
        elapsed = (scrapes.times[position] - scrapes.times[start]) / PICOSECONDS
        per_second = 1.0 / elapsed if elapsed > 0.0 else np.nan
        into[index, 9] = (newest[PROMPT_TOKENS] - oldest[PROMPT_TOKENS]) * per_second
        into[index, 10] = (newest[GENERATION_TOKENS] - oldest[GENERATION_TOKENS]) * per_second
        into[index, 11] = (newest[FINISHED] - oldest[FINISHED]) * per_second
        into[index, 12] = (newest[PREEMPTIONS] - oldest[PREEMPTIONS]) * per_second
        into[index, 13] = _ratio(newest, oldest, FINISHED_INPUT, FINISHED)
        into[index, 14] = _ratio(newest, oldest, FINISHED_OUTPUT, FINISHED)
        into[index, 15] = _ratio(newest, oldest, PREFIX_HIT, PREFIX_QUERIED)
        into[index, 16] = _ratio(newest, oldest, TTFT_SUM, TTFT_COUNT)
        into[index, 17] = _ratio(newest, oldest, INTER_TOKEN_SUM, INTER_TOKEN_COUNT)


@inlined
def _oldest_of_gateway(scrapes: Scrapes, window_ps: int) -> int:
    """Position of the oldest scrape within the window."""
    newest = scrapes.position[0]
    oldest = newest
    for position in range(scrapes.times.size):
        time = scrapes.times[position]
        if time != NONE and scrapes.times[newest] - time <= window_ps and time < scrapes.times[oldest]:
            oldest = position
    return int(oldest)


@inlined
def _gateway_rate(scrapes: Scrapes, model: int, column: int, window_ps: int) -> float:
    """Growth per second of a gateway counter over the window; NaN before two scrapes."""
    newest = scrapes.position[0]
    oldest = _oldest_of_gateway(scrapes, window_ps)
    growth = scrapes.gateway[newest, model, column] - scrapes.gateway[oldest, model, column]
    elapsed = (scrapes.times[newest] - scrapes.times[oldest]) / PICOSECONDS
    return growth / elapsed if elapsed > 0.0 else np.nan


@entry_point
def read_traffic(scrapes: Scrapes, into: NDArray[np.float64]) -> None:
    """Write what queries answer for each model into ``into``, shape (models, TRAFFIC); NaN is unknown."""
    for model in range(into.shape[0]):
        newest = scrapes.gateway[scrapes.position[0], model]
        into[model, 0] = newest[ARRIVALS]
        into[model, 1] = newest[ARRIVED_TOKENS]
        into[model, 2] = newest[FAILED]
        into[model, 3] = _gateway_rate(scrapes, model, ARRIVALS, MAXIMUM_WINDOW_PS)
        into[model, 4] = _gateway_rate(scrapes, model, ARRIVALS, RATE_WINDOW_PS)
        into[model, 5] = _gateway_rate(scrapes, model, ARRIVED_TOKENS, MAXIMUM_WINDOW_PS)
        into[model, 6] = _gateway_rate(scrapes, model, ARRIVED_TOKENS, RATE_WINDOW_PS)
        into[model, 7] = newest[IN_FLIGHT]
        into[model, 8] = newest[QUEUED]
        into[model, 9] = newest[QUEUED_TOKENS]
        oldest = scrapes.gateway[_oldest_of_gateway(scrapes, MAXIMUM_WINDOW_PS), model]
        ttft, tpot = LATENCIES, LATENCIES + TTFT_BUCKETS
        into[model, 10] = quantile(QUANTILE, newest, oldest, ttft, _TTFT_BOUNDS)
        into[model, 11] = quantile(QUANTILE, newest, oldest, tpot, _TPOT_BOUNDS)
