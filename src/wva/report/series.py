"""One run over time, in bins that a figure can show."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wva.engine.batch.state import PICOSECONDS
from wva.report.energy import mean_power_w
from wva.report.percentiles import nearest_ranks
from wva.simulate.met import count_met
from wva.simulate.result import Energy, RunResult, Timeline

MOST_BINS = 240
_WIDTHS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
_NO_TOKEN = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class ModelSeries:
    """The requests to one model, by their time of arrival."""

    model: str
    ttft_objective_s: float
    arrivals_per_s: NDArray[np.float64]
    """Shape (bins,), as all that follow."""
    input_tokens_per_s: NDArray[np.float64]
    output_tokens_per_s: NDArray[np.float64]
    """Of the answers asked for."""
    ttft_p50_s: NDArray[np.float64]
    """Over all that arrived in the bin: infinite where so many never got a first token, NaN where none arrived."""
    ttft_p99_s: NDArray[np.float64]
    missed_per_s: NDArray[np.float64]
    """Arrivals that were not met."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One run in bins of equal width."""

    window_s: float
    bin_s: float
    time_s: NDArray[np.float64]
    """Shape (bins,): where each bin starts, in seconds; the last may reach past the window."""
    models: tuple[ModelSeries, ...]
    replica_time_s: NDArray[np.float64]
    """Shape (points,): where each bin of ``replicas`` starts; these reach to the end of the run."""
    replicas: NDArray[np.float64]
    """Shape (points, variants, 4): mean replicas in each phase, in the order of ``PHASES``."""
    power_time_s: NDArray[np.float64]
    """Shape (bins + 1,): the edges of the bins of ``power_w``, up to the end of the run; empty where all is unknown."""
    power_w: NDArray[np.float64]
    """Shape (bins, variants, 2): mean standing and dynamic power; NaN is unknown."""


def series(result: RunResult) -> Series:
    """Bin a run."""
    bin_s = bin_width(result.window_s)
    starts = np.arange(0, result.window_s, bin_s)
    requests = result.requests
    models = []
    for index, model in enumerate(result.models):
        own = requests if len(result.models) == 1 else requests[requests["model"] == index]
        models.append(_model_series(own, starts, bin_s, result, index, model.name))
    replica_time_s, replicas = _replicas(result.timeline, bin_s)
    power = _power(result.energy, bin_s, len(result.variants))
    return Series(result.window_s, bin_s, starts, tuple(models), replica_time_s, replicas, *power)


def bin_width(window_s: float) -> float:
    """The least usual width, in seconds, with at most ``MOST_BINS`` bins in the window."""
    return next((float(width) for width in _WIDTHS_S if window_s / width <= MOST_BINS), window_s / MOST_BINS)


def _model_series(
    requests: NDArray[Any], starts: NDArray[np.float64], bin_s: float, result: RunResult, index: int, name: str
) -> ModelSeries:
    edges = np.searchsorted(requests["arrival"], np.append(starts, np.inf) * PICOSECONDS)
    # The last bin may be cut by the end of the window.
    seconds = np.minimum(starts + bin_s, result.window_s) - starts
    table = np.full((6, len(starts)), np.nan)
    for position in range(len(starts)):
        part = requests[edges[position] : edges[position + 1]]
        missed = len(part) - count_met(part, result.models)
        rates = (len(part), part["input"].sum(), part["output"].sum(), missed)
        table[:4, position] = rates
        if len(part):
            table[4:, position] = _ttft_s(part)
    table[:4] /= seconds
    objective_s = result.models[index].objectives.ttft_s
    return ModelSeries(name, objective_s, table[0], table[1], table[2], table[4], table[5], table[3])


def _ttft_s(requests: NDArray[Any]) -> list[float]:
    """Median and 99th percentile of the time to first token; one that never came is later than any."""
    first = requests["first_token"]
    ttft = np.where(first >= 0, first - requests["arrival"], _NO_TOKEN)
    ranks = nearest_ranks(ttft, (0.5, 0.99))
    return [np.inf if rank == _NO_TOKEN else float(rank or 0) / PICOSECONDS for rank in ranks]


def _replicas(timeline: Timeline, bin_s: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean replicas by phase in bins; where the fleet was looked at less often than that, at each look."""
    times = timeline.time_s
    if len(times) < 2 or np.median(np.diff(times)) >= bin_s:
        return times, timeline.replicas.astype(float)
    bins = (times // bin_s).astype(np.int64)
    present, firsts, counts = np.unique(bins, return_index=True, return_counts=True)
    sums = np.add.reduceat(timeline.replicas.astype(np.float64), firsts, axis=0)
    return present * np.float64(bin_s), sums / counts[:, None, None]


def _power(energy: Energy | None, bin_s: float, variants: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if energy is None:
        return np.empty(0), np.empty((0, variants, 2))
    edges = np.append(np.arange(0, energy.time_s[-1], bin_s), energy.time_s[-1])
    return edges, mean_power_w(energy, edges)
