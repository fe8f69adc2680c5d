from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wva.fleet.errors import UserError
from wva.workload.blocks import dense
from wva.workload.read import read_trace
from wva.workload.superpose import superpose
from wva.workload.trace import Trace

SHARED = Path(__file__).parents[3] / "shared" / "traces"

WINDOW_S = 60.0


def trace_of(arrivals: list[float], duration_s: float = WINDOW_S, blocks: bool = False) -> Trace:
    """Request ``i`` has ``i + 1`` input tokens and, with blocks, ``i % 3`` of them: the first shared by all."""
    rows = np.arange(len(arrivals))
    lengths = rows % 3
    hashes = np.array([hash_id for row in rows for hash_id in (1000, row)[: row % 3]], np.int64)
    return Trace(
        np.array(arrivals, np.float64),
        (rows + 1).astype(np.int32),
        (2 * rows + 1).astype(np.int32),
        duration_s,
        dense(lengths, hashes, 512) if blocks else None,
    )


arrivals_in_window = st.lists(st.floats(0, WINDOW_S, exclude_max=True), min_size=1, max_size=25).map(sorted)


@settings(deadline=None)
@given(arrivals_in_window, st.integers(1, 6), st.floats(0, 200), st.integers(0, 2**32))
def test_whole_copies_keep_every_request_inside_the_window(
    arrivals: list[float], scale: int, jitter_s: float, seed: int
) -> None:
    trace = trace_of(arrivals)
    copies = superpose(trace, scale, jitter_s, np.random.default_rng(seed))
    assert Counter(copies.input_tokens.tolist()) == dict.fromkeys(trace.input_tokens.tolist(), scale)
    assert np.array_equal(copies.output_tokens, 2 * copies.input_tokens - 1)
    assert np.all(np.diff(copies.arrival_s) >= 0)
    assert np.all((copies.arrival_s >= 0) & (copies.arrival_s < WINDOW_S))
    assert copies.duration_s == WINDOW_S


@settings(deadline=None)
@given(arrivals_in_window, st.floats(0.05, 4), st.floats(0, 50), st.integers(0, 2**32))
def test_each_copy_moves_as_one_and_wraps_around(
    arrivals: list[float], scale: float, jitter_s: float, seed: int
) -> None:
    trace = trace_of(arrivals)
    copies = superpose(trace, scale, jitter_s, np.random.default_rng(seed))
    shifts = (copies.arrival_s - trace.arrival_s[copies.input_tokens - 1] + 1e-9) % WINDOW_S - 1e-9
    assert len(np.unique(np.round(shifts, 6))) <= np.ceil(scale)
    assert np.all(shifts <= jitter_s + 1e-6)


def test_every_copy_is_shifted() -> None:
    copies = superpose(trace_of([0.0]), 8, 30.0, np.random.default_rng(0))
    assert len(set(copies.arrival_s.tolist())) == 8
    assert copies.arrival_s.min() > 0
    assert copies.arrival_s.max() < 30.0


def test_without_jitter_one_copy_is_the_trace() -> None:
    trace = trace_of([0.0, 1.0, 1.0, 59.9], blocks=True)
    copy = superpose(trace, 1, 0.0, np.random.default_rng(0))
    assert np.array_equal(copy.arrival_s, trace.arrival_s)
    assert np.array_equal(copy.input_tokens, trace.input_tokens)
    assert copy.blocks is not None
    assert trace.blocks is not None
    assert np.array_equal(copy.blocks.ids, trace.blocks.ids)


@pytest.mark.parametrize("scale", [0.3, 1.0, 1.5, 2.75])
def test_a_fraction_thins_the_last_copy_only(scale: float) -> None:
    count = 20_000
    trace = trace_of(np.linspace(0, 59, count).tolist())
    copies = superpose(trace, scale, 5.0, np.random.default_rng(1))
    whole, fraction = divmod(scale, 1)
    times = np.bincount(copies.input_tokens, minlength=count + 1)[1:]
    assert times.min() == whole
    assert times.max() == np.ceil(scale)
    assert np.mean(times > whole) == pytest.approx(fraction, abs=0.015)
    # What stays is spread over the whole trace, not cut from an end of it.
    assert np.mean(times[: count // 2] > whole) == pytest.approx(fraction, abs=0.02)


@settings(deadline=None)
@given(arrivals_in_window, st.floats(0.3, 4), st.integers(0, 2**32))
def test_blocks_follow_their_request_and_stay_in_their_copy(arrivals: list[float], scale: float, seed: int) -> None:
    trace = trace_of(arrivals, blocks=True)
    copies = superpose(trace, scale, 20.0, np.random.default_rng(seed))
    assert trace.blocks is not None
    assert copies.blocks is not None
    assert copies.blocks.distinct == trace.blocks.distinct * int(np.ceil(scale))
    shifts_of_copy: dict[int, set[float]] = {}
    for index, row in enumerate(copies.input_tokens - 1):
        before = trace.blocks.ids[trace.blocks.offsets[row] : trace.blocks.offsets[row + 1]]
        after = copies.blocks.ids[copies.blocks.offsets[index] : copies.blocks.offsets[index + 1]]
        assert np.array_equal(after % max(trace.blocks.distinct, 1), before)
        for copy in set((after // trace.blocks.distinct).tolist()) if len(after) else ():
            shift = (copies.arrival_s[index] - trace.arrival_s[row] + 1e-9) % WINDOW_S
            shifts_of_copy.setdefault(copy, set()).add(round(float(shift), 6))
    assert all(len(shifts) == 1 or max(shifts) - min(shifts) < 1e-5 for shifts in shifts_of_copy.values())


def test_same_seed_same_traffic() -> None:
    trace = trace_of(np.linspace(0, 59, 500).tolist())
    first, again, other = (superpose(trace, 2.5, 30.0, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first.arrival_s, again.arrival_s)
    assert np.array_equal(first.input_tokens, again.input_tokens)
    assert not np.array_equal(first.arrival_s[:100], other.arrival_s[:100])


def test_more_copies_keep_the_shifts_of_fewer() -> None:
    trace = trace_of([0.0])
    two, four = (superpose(trace, scale, 30.0, np.random.default_rng(1)).arrival_s.tolist() for scale in (2, 4))
    assert set(two) < set(four)


def test_more_requests_than_fit_are_refused() -> None:
    with pytest.raises(UserError, match=r"4e\+08 requests are more .* lower the scale"):
        superpose(trace_of([0.0, 1.0]), 2e8, 0.0, np.random.default_rng(0))


def test_a_production_day_ten_times_over() -> None:
    path = SHARED / "alibaba-chat-24h.parquet"
    if not path.exists():
        pytest.skip(f"{path.name} is not beside the repository")
    trace = read_trace(path)
    copies = superpose(trace, 10, 60.0, np.random.default_rng(1))
    assert len(copies) == 4_416_810
    assert copies.output_tokens.sum(dtype=np.int64) == 10 * trace.output_tokens.sum(dtype=np.int64)
