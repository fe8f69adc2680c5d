"""A scrape between two changes of a batch shows what the step-by-step reference has at that instant."""

from bisect import bisect_left
from dataclasses import astuple
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulate import reference
from tests.simulate.test_exact import MS, Case, cases, reference_fleet, world_of
from wva.engine.batch import state
from wva.engine.batch.latency import TPOT_BUCKETS, TTFT_BUCKETS
from wva.engine.latency_bounds import TPOT_BOUNDS_S, TTFT_BOUNDS_S
from wva.simulate.loop import advance
from wva.simulate.scrape import empty_scrapes, scrape

Sample = tuple[float, ...]
"""A server's counters in the order of ``state.COUNTERS``, then running, waiting and the share of KV blocks in use."""


@st.composite
def looked_at(draw: st.DrawFn, blocks: bool = False) -> tuple[Case, list[int]]:
    """A case with instants to scrape it: round ones, that are step boundaries often, and odd ones, inside of steps."""
    case = draw(cases(blocks))
    boundaries = st.integers(0, 60).map(lambda n: n * 10 * MS)
    inside = st.integers(0, max(case.arrivals) + 400 * MS)
    return case, sorted(draw(st.lists(st.one_of(boundaries, inside), min_size=1, max_size=6)))


def by_steps(engine: reference.Engine, now: int) -> Sample:
    busy, saturated = engine.work(now)
    gauges = len(engine.running), len(engine.waiting), engine.used() / engine.server.kv_blocks
    *exported, _, _ = astuple(engine.counters)
    return (*exported, busy, saturated, *gauges)


def histograms(fleet: reference.Fleet) -> list[int]:
    """How many answers that have ended are in each bucket of time to first token, and of time per output token."""
    ttft, tpot = [0] * TTFT_BUCKETS, [0] * TPOT_BUCKETS
    for request in fleet.requests:
        if request.status in ("completed", "truncated"):
            ttft[bucket(TTFT_BOUNDS_S, request.first_token - request.arrival, 1)] += 1
            if request.produced > 1:
                tpot[bucket(TPOT_BOUNDS_S, request.finish - request.first_token, request.produced - 1)] += 1
    return ttft + tpot


def bucket(bounds: tuple[float, ...], span: int, parts: int) -> int:
    """The first bucket whose bound, which it includes, is not below that part of the span."""
    return bisect_left([round(bound * 1e12) for bound in bounds], Fraction(span, parts))


def check(case: Case, instants: list[int]) -> None:
    world, fleet = world_of(case), reference_fleet(case)
    scrapes = empty_scrapes(len(case.servers), 1, 1.0)
    everyone = np.ones(len(case.servers), np.bool_)
    for now in instants:
        assert advance(world, now) == state.NONE
        fleet.run_until(now)
        scrape(world, scrapes, everyone, now)
        samples = scrapes.samples[scrapes.position[0]]
        for r, engine in enumerate(fleet.engines):
            assert tuple(samples[r].tolist()) == pytest.approx(by_steps(engine, now), rel=1e-9, abs=1e-9)
            assert world.engines.replicas[r]["in_flight"] == engine.in_flight
        assert world.engines.latencies[0].tolist() == histograms(fleet)


@settings(max_examples=300, deadline=None)
@given(looked_at())
def test_a_scrape_inside_a_run_equals_the_steps(looked: tuple[Case, list[int]]) -> None:
    check(*looked)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(looked_at(blocks=True))
def test_a_scrape_inside_a_run_equals_the_steps_with_prefix_cache(looked: tuple[Case, list[int]]) -> None:
    check(*looked)
