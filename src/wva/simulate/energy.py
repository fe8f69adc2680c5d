"""From what each variant has consumed to energy and emissions."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wva.engine.batch.state import PICOSECONDS
from wva.engine.power import ServerPower
from wva.scenario.schema import PowerSpec
from wva.simulate.result import Energy

JOULES_PER_KWH = 3.6e6

Consumed = tuple[int, Sequence[Sequence[float]]]
"""A time, and what each variant has consumed up to it: (on hardware, busy, saturated), all in picoseconds."""


def energy_drawn(readings: Sequence[Consumed], powers: Sequence[ServerPower | None]) -> Energy:
    """Turn what replicas of these powers, one a variant, have consumed into joules."""
    consumed = np.array([reading for _, reading in readings], np.float64) / PICOSECONDS
    standing, dynamic = np.full((2, *consumed.shape[:2]), np.nan)
    for index, power in enumerate(powers):
        if power is not None:
            on_hardware_s, busy_s, saturated_s = consumed[:, index].T
            standing[:, index] = power.standing_w * on_hardware_s
            dynamic[:, index] = power.dynamic_j(busy_s, saturated_s)
    return Energy(np.array([time / PICOSECONDS for time, _ in readings]), standing, dynamic)


def kilograms_of_co2(energy: Energy, site: PowerSpec) -> float | None:
    """Emissions of the energy at the site; ``None`` where it or the carbon intensity is unknown.

    Between two readings the energy is taken as drawn evenly, at the mean intensity of that time.
    """
    if site.carbon_intensity is None:
        return None
    drawn_kwh = np.diff((energy.standing_j + energy.dynamic_j).sum(axis=1)) / JOULES_PER_KWH
    grams = site.pue * float(np.sum(drawn_kwh * _means(site.carbon_intensity, energy.time_s)))
    return None if np.isnan(grams) else grams / 1000


def _means(points: Sequence[tuple[float, float]], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means between successive times of what has straight lines between points and stays as it is after the last."""
    at, values = np.array(points, np.float64).T
    # Within a segment the mean is the value in its middle; a segment of no length weighs nothing.
    edges = np.union1d(times, at[(at > times[0]) & (at < times[-1])])
    middles = np.interp((edges[:-1] + edges[1:]) / 2, at, values)
    added_up = np.append(0.0, np.cumsum(middles * np.diff(edges)))
    spans = np.diff(times)
    sums = np.diff(added_up[np.searchsorted(edges, times)])
    return np.divide(sums, spans, out=np.zeros_like(spans), where=spans > 0)
