"""A run's energy in numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wva.simulate.energy import JOULES_PER_KWH
from wva.simulate.result import Energy, RunResult


@dataclass(frozen=True, slots=True)
class EnergyUse:
    """Energy of some GPUs, in kWh; ``None`` is unknown."""

    kwh: float | None
    standing_kwh: float | None
    """Of being on hardware: idle, with a context loaded."""
    dynamic_kwh: float | None
    """What the work added."""


@dataclass(frozen=True, slots=True)
class EnergyScore:
    """Energy of the whole fleet's GPUs; ``None`` is unknown, as it is where one variant's power is."""

    kwh: float | None
    standing_kwh: float | None
    dynamic_kwh: float | None
    by_variant: dict[str, EnergyUse]
    j_per_output_token: float | None
    """All of the energy over the tokens of completed answers, in joules: kilojoules for a thousand of them."""
    mean_w: float | None
    """Mean power from the start to the end of the run."""
    peak_w: float | None
    """Highest mean power between two scrapes."""
    co2_kg: float | None
    """Emissions, where the scenario says how much a kWh causes; the site's overhead (``pue``) is in them."""


def energy_score(result: RunResult, output_tokens: int) -> EnergyScore:
    """Score the energy of a run whose completed answers have so many tokens."""
    energy = result.energy
    if energy is None:
        unknown = {variant.name: EnergyUse(None, None, None) for variant in result.variants}
        return EnergyScore(None, None, None, unknown, None, None, None, None)
    standing, dynamic = energy.standing_j[-1], energy.dynamic_j[-1]
    whole = _use(standing.sum(), dynamic.sum())
    total_j = float(standing.sum() + dynamic.sum())
    return EnergyScore(
        kwh=whole.kwh,
        standing_kwh=whole.standing_kwh,
        dynamic_kwh=whole.dynamic_kwh,
        by_variant={v.name: _use(s, d) for v, s, d in zip(result.variants, standing, dynamic, strict=True)},
        j_per_output_token=_known(total_j / output_tokens) if output_tokens else None,
        mean_w=_known(total_j / result.end_s),
        peak_w=_known(mean_power_w(energy, energy.time_s).sum(axis=(1, 2)).max()),
        co2_kg=result.co2_kg,
    )


def mean_power_w(energy: Energy, edges_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean (standing, dynamic) power between successive times, shape (times - 1, variants, 2).

    Between two readings power is even. Intervals of no length have no power.
    """
    drawn = np.stack((energy.standing_j, energy.dynamic_j), axis=2)
    at_edges = np.apply_along_axis(lambda joules: np.interp(edges_s, energy.time_s, joules), 0, drawn)
    spans = np.diff(edges_s)[:, None, None]
    watts: NDArray[np.float64] = np.divide(
        np.diff(at_edges, axis=0), spans, where=spans > 0, out=np.zeros_like(at_edges[1:])
    )
    return watts


def _use(standing_j: float, dynamic_j: float) -> EnergyUse:
    joules = (standing_j + dynamic_j, standing_j, dynamic_j)
    return EnergyUse(*(_known(value / JOULES_PER_KWH) for value in joules))


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
