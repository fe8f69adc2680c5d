import math

import numpy as np
import pytest

from wva.workload.burstiness import peak_to_mean, peaks_to_means
from wva.workload.trace import Trace


def trace_of(arrivals: list[float], duration_s: float) -> Trace:
    ones = np.ones(len(arrivals), np.int32)
    return Trace(np.array(arrivals), ones, ones, duration_s)


@pytest.mark.parametrize(
    ("arrivals", "duration_s", "ratio"),
    [
        ([1.0, 11.0, 21.0], 30.0, 1.0),
        ([1.0, 2.0, 3.0], 30.0, 3.0),
        ([0.0, 9.9, 10.0], 20.0, 4 / 3),
        ([5.0], 5.5, 1.0),
        ([1.0, 2.0, 21.0, 21.1, 21.2], 22.0, 2 / (5 / 2.2)),
    ],
)
def test_ratio_is_the_fullest_ten_seconds_over_the_mean(arrivals: list[float], duration_s: float, ratio: float) -> None:
    assert peak_to_mean(trace_of(arrivals, duration_s)) == pytest.approx(ratio)


def test_silence_has_no_ratio() -> None:
    assert math.isnan(peak_to_mean(trace_of([], 10.0)))


def test_both_ratios_stand_side_by_side() -> None:
    bursty, even = trace_of([0.0, 1.0, 2.0], 30.0), trace_of([0.0, 10.0, 20.0], 30.0)
    both = peaks_to_means(bursty, even)
    assert both.source == pytest.approx(3.0)
    assert both.superposed == pytest.approx(1.0)
    assert peaks_to_means(bursty, even, bin_s=15.0).source == pytest.approx(2.0)
