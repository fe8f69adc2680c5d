"""How steadily a quantity grows."""

import math
from collections.abc import Sequence
from itertools import combinations
from statistics import median

STANDARD_ERRORS = 2.0
"""Standard errors that a trend has to exceed, and is reduced by."""

LEAST_POINTS = 4
"""Points below which nothing is said of a trend."""

Points = Sequence[tuple[float, float]]
"""Time and value, times rising."""


def slope(points: Points) -> float:
    """Least-squares slope, moved towards 0 by its uncertainty; 0 for too few points."""
    count = len(points)
    if count < LEAST_POINTS:
        return 0.0
    times, values = zip(*points, strict=True)
    mean_time, mean_value = sum(times) / count, sum(values) / count
    off = [(time - mean_time, value - mean_value) for time, value in points]
    spread = sum([time**2 for time, _ in off])
    found: float = sum([time * value for time, value in off]) / spread
    residual = sum([(value - found * time) ** 2 for time, value in off])
    error = math.sqrt(residual / (count - 2) / spread)
    return math.copysign(max(0.0, abs(found) - STANDARD_ERRORS * error), found)


def steady_part(found: float, points: Points) -> float:
    """The slope that was found, but at most the median one between any two points (Theil and Sen), 0 against its sign.

    A step slopes as a whole, but between most of its points it is level: it is no ramp that goes on.
    """
    if found == 0.0:
        return 0.0
    pairs = combinations(points, 2)
    steady = median([(later - earlier) / (end - begin) for (begin, earlier), (end, later) in pairs])
    return math.copysign(min(abs(found), abs(steady)), found) if found * steady > 0.0 else 0.0
