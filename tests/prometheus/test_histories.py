"""Many histories at once say what each would say alone."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wva.prometheus.histories import Floats, Histories
from wva.prometheus.history import History

ROWS, GAUGES, COUNTERS = 3, 2, 2
VALUE = st.sampled_from((0.0, 1.0, 2.5, 7.0, 40.0, math.nan))
SAMPLE = st.tuples(
    st.integers(0, ROWS - 1),
    st.sampled_from((0.1, 5.0, 15.0, 70.0, 290.0, 400.0)),
    st.lists(VALUE, min_size=GAUGES + COUNTERS, max_size=GAUGES + COUNTERS),
)


def known(values: Floats) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values.tolist()]


@given(st.lists(SAMPLE, min_size=1, max_size=60))
def test_each_as_if_alone(samples: list[tuple[int, float, list[float]]]) -> None:
    together = Histories(GAUGES, COUNTERS)
    together.clear(np.arange(ROWS))
    alone = [History(GAUGES, COUNTERS) for _ in range(ROWS)]
    times = [0.0] * ROWS
    for row, later, values in samples:
        times[row] += later
        together.add(np.array([row]), np.array([times[row]]), np.array([values]))
        alone[row].add(times[row], values)
    rows = np.array(sorted({row for row, _, _ in samples}))
    counters = range(GAUGES, GAUGES + COUNTERS)
    newest, maxima = together.values(rows), together.maximum(rows, [0, 1], 60.0)
    for window_s in (60.0, 300.0):
        grown = together.growth(rows, window_s)
        rates = grown.by / grown.seconds
        for place, row in enumerate(rows):
            assert known(rates[place, GAUGES:]) == [alone[row].rate(column, window_s) for column in counters]
    for place, row in enumerate(rows):
        assert together.times[row] == alone[row].time
        assert known(newest[place]) == [alone[row].value(column) for column in range(GAUGES + COUNTERS)]
        assert known(maxima[place]) == [alone[row].maximum(column, 60.0) for column in range(GAUGES)]


def test_a_row_begun_anew_knows_nothing_of_before() -> None:
    histories, row = Histories(0, 1), np.array([0])
    histories.clear(row)
    for second in range(40):
        histories.add(row, np.array([float(second)]), np.array([[100.0 + second]]))
    histories.clear(row)
    assert histories.times[0] == -math.inf
    for time, value in ((50.0, 5.0), (60.0, 7.0)):
        histories.add(row, np.array([time]), np.array([[value]]))
    assert histories.values(row)[0, 0] == 7.0
    assert histories.growth(row, 300.0).by[0, 0] == 2.0
