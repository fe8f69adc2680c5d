from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wva.workload.blocks import dense
from wva.workload.trace import Trace


def trace_of(arrivals: list[float], duration_s: float, blocks: list[list[int]] | None = None) -> Trace:
    rows = np.arange(1, len(arrivals) + 1, dtype=np.int32)
    flat = np.array([block for row in blocks or [] for block in row], np.int64)
    lengths = np.array([len(row) for row in blocks or []], np.int64)
    return Trace(
        np.array(arrivals), rows, rows * 10, duration_s, None if blocks is None else dense(lengths, flat, tokens=512)
    )


def test_window_counts_from_its_start_and_keeps_each_request_whole() -> None:
    window = trace_of([0.0, 1.0, 2.0, 3.5, 9.0], 10.0, [[7], [7, 8], [], [9], [7]]).window(1.0, 3.0)
    assert window.arrival_s.tolist() == [0.0, 1.0, 2.5]
    assert window.input_tokens.tolist() == [2, 3, 4]
    assert window.output_tokens.tolist() == [20, 30, 40]
    assert window.duration_s == 3.0
    assert window.blocks is not None
    assert window.blocks.offsets.tolist() == [0, 2, 2, 3]
    assert window.blocks.ids.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("start_s", "duration_s", "requests", "length_s"),
    [
        (0.0, None, 3, 10.0),
        (4.0, None, 2, 6.0),
        (4.0, 20.0, 2, 20.0),
        (0.0, 4.0, 1, 4.0),
        (4.5, 1.0, 0, 1.0),
    ],
)
def test_window_is_half_open_and_as_long_as_asked(
    start_s: float, duration_s: float | None, requests: int, length_s: float
) -> None:
    window = trace_of([0.0, 4.0, 9.0], 10.0).window(start_s, duration_s)
    assert (len(window), window.duration_s) == (requests, length_s)


def test_no_arrival_rounds_up_to_the_end_of_the_window() -> None:
    assert 117.39999999999999 - 22.9 >= 94.5
    assert trace_of([117.39999999999999], 200.0).window(22.9, 94.5).arrival_s.max() < 94.5


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 99.9), max_size=30).map(sorted),
    st.floats(0.1, 99.9),
)
def test_two_windows_share_a_trace_without_loss(arrivals: list[float], cut_s: float) -> None:
    trace = trace_of(arrivals, 100.0)
    before, after = trace.window(0.0, cut_s), trace.window(cut_s)
    assert np.concatenate((before.input_tokens, after.input_tokens)).tolist() == trace.input_tokens.tolist()
    assert before.duration_s + after.duration_s == pytest.approx(100.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"arrival_s": np.array([0.0, 5.0, 4.0])},
        {"arrival_s": np.array([-1.0, 0.0, 1.0])},
        {"arrival_s": np.array([0.0, 1.0, 10.0])},
        {"arrival_s": np.array([0.0, 1.0])},
        {"output_tokens": np.ones(2, np.int32)},
        {"blocks": dense(np.array([1]), np.array([5]), 512)},
    ],
)
def test_a_trace_that_breaks_its_own_rules_cannot_be_made(wrong: dict[str, Any]) -> None:
    columns: dict[str, Any] = {
        "arrival_s": np.array([0.0, 1.0, 2.0]),
        "input_tokens": np.ones(3, np.int32),
        "output_tokens": np.ones(3, np.int32),
    }
    Trace(**columns, duration_s=10.0)
    with pytest.raises(ValueError, match="trace"):
        Trace(**(columns | wrong), duration_s=10.0)
