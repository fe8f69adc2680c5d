import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva.report.median import median
from wva.report.percentiles import Percentiles, nearest_ranks, percentiles


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=300))
def test_they_are_nearest_ranks(values: list[int]) -> None:
    expected = np.percentile(values, [50, 90, 99], method="inverted_cdf").tolist()
    assert nearest_ranks(np.array(values), (0.5, 0.9, 0.99)) == expected


@pytest.mark.parametrize(("count", "p90"), [(10, 9), (11, 10), (100, 90), (1000, 900), (1, 1)])
def test_a_share_that_is_a_whole_rank_is_that_rank(count: int, p90: int) -> None:
    assert percentiles(np.arange(1, count + 1)).p90 == p90


def test_units_and_nothing() -> None:
    assert percentiles(np.array([3000]), 1000) == Percentiles(3.0, 3.0, 3.0, 1)
    assert percentiles(np.array([], np.int64)) == Percentiles(None, None, None, 0)


def test_medians_reach_into_the_nested() -> None:
    runs = [
        {"met": 1, "ttft_s": {"p50": 0.5, "p99": None}, "share": None},
        {"met": 5, "ttft_s": {"p50": 0.1, "p99": 4.0}, "share": None},
        {"met": 2, "ttft_s": {"p50": 0.3, "p99": 2.0}, "share": None},
    ]
    assert median(runs) == {"met": 2, "ttft_s": {"p50": 0.3, "p99": 3.0}, "share": None}


def test_the_median_of_one_run_is_the_run() -> None:
    assert median([{"a": 1, "b": {"c": None}}]) == {"a": 1, "b": {"c": None}}
