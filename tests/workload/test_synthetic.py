from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wva.fleet.errors import UserError
from wva.workload.synthetic import (
    Constant,
    Lognormal,
    Synthetic,
    TokenCounts,
    Uniform,
    constant_arrivals,
    draw_trace,
    poisson_arrivals,
)

Rate = tuple[tuple[float, float], ...]

RAMP: Rate = ((0, 2), (100, 2), (200, 40), (200, 90), (250, 90), (251, 0), (300, 0))

points = st.lists(st.tuples(st.floats(0, 50), st.floats(0, 5)), min_size=1, max_size=6)


def integral(rate: Rate, until: np.ndarray) -> np.ndarray:
    """The expected number of arrivals until each time, piece by straight piece."""
    total = np.zeros(len(until))
    for (t0, r0), (t1, r1) in pairwise(rate):
        if t1 > t0:
            x = np.clip(until, t0, t1) - t0
            total += r0 * x + (r1 - r0) / (t1 - t0) * x**2 / 2
    return total


def test_arrivals_follow_the_integral_of_the_rate() -> None:
    expected = float(integral(RAMP, np.array([300.0]))[0])
    arrivals = poisson_arrivals(RAMP, np.random.default_rng(1), scale=20)
    assert len(arrivals) == pytest.approx(20 * expected, abs=4 * np.sqrt(20 * expected))
    # Kolmogorov-Smirnov: given their number, arrivals are uniform on the integral; 1.63 is the 1 % point.
    places = integral(RAMP, arrivals) / expected
    steps = np.arange(len(places) + 1) / len(places)
    distance = max(np.max(np.abs(places - steps[:-1])), np.max(np.abs(places - steps[1:])))
    assert distance * np.sqrt(len(places)) < 1.63


def test_number_of_arrivals_varies_as_a_poisson_number_does() -> None:
    rng = np.random.default_rng(2)
    counts = [len(poisson_arrivals(((0, 5), (10, 5)), rng)) for _ in range(2000)]
    assert np.mean(counts) == pytest.approx(50, abs=0.7)
    assert np.var(counts) == pytest.approx(50, rel=0.15)


def test_constant_arrivals_are_a_request_apart() -> None:
    # 4 a second for 2 s, then up to 8 in a second: 8 requests, and 6 more.
    rate: Rate = ((0, 4), (2, 4), (3, 8))
    for seed in range(20):
        arrivals = constant_arrivals(rate, np.random.default_rng(seed))
        assert len(arrivals) == 14
        gaps = np.diff(arrivals)
        assert gaps[arrivals[1:] <= 2] == pytest.approx(0.25)
        assert np.diff(integral(rate, arrivals)) == pytest.approx(1)
    assert len(constant_arrivals(rate, np.random.default_rng(1), scale=2.5)) == 35


def test_the_phase_of_constant_arrivals_is_uniform() -> None:
    firsts = [constant_arrivals(((0, 1), (2, 1)), np.random.default_rng(seed))[0] for seed in range(2000)]
    assert np.mean(firsts) == pytest.approx(0.5, abs=0.03)
    assert np.var(firsts) == pytest.approx(1 / 12, rel=0.1)


def test_silence_is_silent() -> None:
    arrivals = poisson_arrivals(((0, 0), (10, 0), (10, 8), (20, 8), (20, 0), (90, 0)), np.random.default_rng(3))
    assert len(arrivals) > 20
    assert arrivals.min() >= 10
    assert arrivals.max() <= 20


@settings(deadline=None)
@given(points, st.integers(0, 2**32))
def test_any_rate_gives_ascending_arrivals_inside_the_window(pieces: list[tuple[float, float]], seed: int) -> None:
    later = sorted(pieces)
    rate = ((0.0, 1.0), *later, (later[-1][0] + 1.0, 0.0))
    for draw in (poisson_arrivals, constant_arrivals):
        arrivals = draw(rate, np.random.default_rng(seed))
        assert np.all(np.diff(arrivals) >= 0)
        assert np.all((arrivals >= 0) & (arrivals < rate[-1][0]))


@pytest.mark.parametrize("tokens", [Lognormal(1000, 1.0), Lognormal(50, 0.0), Constant(77), Uniform(3, 9)])
def test_tokens_have_the_distribution_asked_for(tokens: TokenCounts) -> None:
    drawn = draw_trace(Synthetic(((0, 200), (100, 200)), tokens, Constant(1)), np.random.default_rng(4)).input_tokens
    assert drawn.dtype == np.int32
    match tokens:
        case Lognormal():
            assert drawn.mean() == pytest.approx(tokens.mean, rel=0.03)
            assert drawn.std() / drawn.mean() == pytest.approx(tokens.cv, rel=0.06)
            if tokens.cv:
                assert np.median(drawn) == pytest.approx(tokens.mean / np.sqrt(1 + tokens.cv**2), rel=0.03)
        case Constant():
            assert set(drawn.tolist()) == {tokens.tokens}
        case Uniform():
            values, counts = np.unique(drawn, return_counts=True)
            assert values.tolist() == list(range(3, 10))
            assert counts == pytest.approx(len(drawn) / 7, rel=0.1)


def test_no_request_is_without_tokens_or_too_long() -> None:
    wild = Synthetic(((0, 200), (100, 200)), Lognormal(1, 3.0), Lognormal(2e9, 3.0))
    trace = draw_trace(wild, np.random.default_rng(5))
    assert trace.input_tokens.min() == 1
    assert trace.output_tokens.min() >= 1
    assert trace.output_tokens.max() == 2**31 - 1


def test_window_is_the_profile_even_where_it_ends_in_silence() -> None:
    assert draw_trace(Synthetic(RAMP, Constant(1), Constant(1)), np.random.default_rng(6)).duration_s == 300


def test_more_requests_than_fit_are_refused() -> None:
    with pytest.raises(UserError, match="lower the scale"):
        poisson_arrivals(((0, 1e9), (1000, 1e9)), np.random.default_rng(0))


def test_same_seed_same_requests() -> None:
    synthetic = Synthetic(RAMP, Lognormal(1000, 1), Uniform(1, 100))
    first, again, other = (draw_trace(synthetic, np.random.default_rng(seed)) for seed in (7, 7, 8))
    assert np.array_equal(first.arrival_s, again.arrival_s)
    assert np.array_equal(first.input_tokens, again.input_tokens)
    assert np.array_equal(first.output_tokens, again.output_tokens)
    assert not np.array_equal(first.arrival_s[:50], other.arrival_s[:50])
