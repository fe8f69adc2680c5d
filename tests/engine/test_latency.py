"""A latency is in the first bucket whose bound it does not exceed, whether that is looked up or searched."""

from bisect import bisect_left
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva.engine.batch import latency
from wva.engine.batch.state import PICOSECONDS
from wva.engine.latency_bounds import TPOT_BOUNDS_S, TTFT_BOUNDS_S

bucket = latency._bucket.py_func  # type: ignore[attr-defined]
TTFT = (latency._TTFT_BOUNDS_PS, latency._TTFT_TABLE, latency._TTFT_UNIT_PS)
TPOT = (latency._TPOT_BOUNDS_PS, latency._TPOT_TABLE, latency._TPOT_UNIT_PS)


@pytest.mark.parametrize(
    ("histogram", "bounds", "parts"),
    [
        (TTFT, TTFT_BOUNDS_S, 1),
        (TPOT, TPOT_BOUNDS_S, 1),
        (TPOT, TPOT_BOUNDS_S, 7),
        (TPOT, TPOT_BOUNDS_S, 100_000),
    ],
)
def test_bounds_are_in_their_buckets_and_what_is_a_picosecond_more_is_not(
    histogram: tuple[object, ...], bounds: tuple[float, ...], parts: int
) -> None:
    assert bucket(*histogram, 0, parts) == 0
    for index, bound in enumerate(bounds):
        span = round(bound * PICOSECONDS) * parts
        assert bucket(*histogram, span - 1, parts) == index
        assert bucket(*histogram, span, parts) == index
        assert bucket(*histogram, span + 1, parts) == index + 1


@given(st.integers(0, 3600 * PICOSECONDS), st.integers(1, 100_000))
def test_any_latency_is_where_it_belongs(span: int, parts: int) -> None:
    ttft, tpot = ([round(bound * PICOSECONDS) for bound in b] for b in (TTFT_BOUNDS_S, TPOT_BOUNDS_S))
    assert bucket(*TTFT, span, 1) == bisect_left(ttft, span)
    assert bucket(*TPOT, span, parts) == bisect_left(tpot, Fraction(span, parts))
