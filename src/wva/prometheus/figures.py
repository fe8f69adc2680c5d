"""Readings of many instances at once, from the histories of their servers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from wva.fleet.readings import InstanceReading
from wva.fleet.replica import InstanceMetrics
from wva.prometheus.families import EngineColumn
from wva.prometheus.histories import Floats, Histories, Rows
from wva.prometheus.history import LONG_S, SHORT_S

GONE_S = 60.0
"""Seconds by which a server's newest sample may be behind another's of its instance before it counts as gone: four
scrapes at the usual 15 s."""

_VALUES = (EngineColumn.RUNNING, EngineColumn.WAITING, EngineColumn.KV_USAGE)
_MAXIMA = (EngineColumn.WAITING, EngineColumn.KV_USAGE)
_TOTALS = (
    EngineColumn.PROMPT_TOKENS,
    EngineColumn.GENERATION_TOKENS,
    EngineColumn.FINISHED,
)
_RATIOS = (
    (EngineColumn.INPUT_SUM, EngineColumn.FINISHED),
    (EngineColumn.OUTPUT_SUM, EngineColumn.FINISHED),
    (EngineColumn.PREFIX_HITS, EngineColumn.PREFIX_QUERIES),
    (EngineColumn.INTER_TOKEN_SUM, EngineColumn.INTER_TOKEN_COUNT),
)
"""Columns in the order of ``InstanceMetrics``, less those that a Prometheus server is not asked for."""


_TTFT = 3
"""How many ratios stand before the one of the time to first token."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What servers say, a row each; NaN is unknown."""

    times: Floats
    """When it was scraped."""
    values: Floats
    maxima: Floats
    by: Floats
    """What each column grew by."""
    rates: Floats
    """The same for a second."""
    believed: NDArray[np.bool_]
    capacities: Floats

    @classmethod
    def of(cls, histories: Histories, rows: Rows, believed: NDArray[np.bool_], capacities: Floats) -> Self:
        """What these rows say."""
        grown = histories.growth(rows, LONG_S)
        return cls(
            times=histories.times[rows],
            values=histories.values(rows),
            maxima=histories.maximum(rows, list(_MAXIMA), SHORT_S),
            by=grown.by,
            rates=grown.by / grown.seconds,
            believed=believed,
            capacities=capacities,
        )

    def together(self, begins: Rows) -> Self:
        """One row for several that follow each other, from each beginning to the next.

        What one of them does not know is unknown of all, because a part would read as less load.
        """
        counts = np.diff(np.append(begins, len(self.times)))
        newest = np.repeat(np.maximum.reduceat(self.times, begins), counts)
        present = newest - self.times <= GONE_S
        number = np.add.reduceat(present.astype(float), begins)

        def total(values: Floats) -> Floats:
            shown = present[:, None] if values.ndim == 2 else present
            return np.add.reduceat(np.where(shown, values, 0.0), begins, axis=0)

        values, maxima = total(self.values), total(self.maxima)
        values[:, EngineColumn.KV_USAGE] /= number
        maxima[:, _MAXIMA.index(EngineColumn.KV_USAGE)] /= number
        return type(self)(
            times=np.minimum.reduceat(np.where(present, self.times, np.inf), begins),
            values=values,
            maxima=maxima,
            by=total(self.by),
            rates=total(self.rates),
            believed=np.logical_and.reduceat(self.believed | ~present, begins),
            capacities=total(self.capacities),
        )


def instance_readings(read: Figures, names: Sequence[str], now: float) -> dict[str, InstanceReading]:
    """Readings by instance; ``names`` has the instance of each row, those of one instance one after the other."""
    owners = list(dict.fromkeys(names))
    if len(owners) < len(names):
        begins = [place for place, name in enumerate(names) if place == 0 or names[place - 1] != name]
        read = read.together(np.array(begins, np.intp))
    above, below = (read.by[:, [pair[part] for pair in _RATIOS]] for part in (0, 1))
    ratios = np.where(below > 0.0, above / np.where(below > 0.0, below, 1.0), np.nan)
    unknown = np.full(len(owners), np.nan)
    columns = (
        np.maximum(0.0, now - read.times),
        *read.values[:, list(_VALUES)].T,
        *read.maxima.T,
        *read.values[:, list(_TOTALS)].T,
        unknown,
        *read.rates[:, list(_TOTALS)].T,
        unknown,
        *ratios[:, :_TTFT].T,
        unknown,
        *ratios[:, _TTFT:].T,
    )
    said = map(InstanceMetrics, *map(_known, columns))
    metrics = [one if believed else None for one, believed in zip(said, read.believed.tolist(), strict=True)]
    capacities = [None if tokens is None else int(tokens) for tokens in _known(read.capacities)]
    return dict(zip(owners, map(InstanceReading, metrics, capacities), strict=True))


def _known(values: Floats) -> list[Any]:
    """As a list, with ``None`` for what is unknown."""
    found = values.astype(object)
    found[np.isnan(values)] = None
    column: list[Any] = found.tolist()
    return column
