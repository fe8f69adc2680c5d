"""How much of each scenario is run, from how long one run of it takes.

The times are processor times of runs that are kept: a busy machine does not change the effort much, and a frontier
that is made again has the same.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wva.engine.batch.state import PICOSECONDS
from wva.report.experiments.experiment import LAYOUT, Outcome, Tell, content_of
from wva.report.experiments.traffic import Traffic
from wva.report.tuning.tune import BATCH
from wva.scenario.load import override
from wva.scenario.schema import Scenario

TUNING_S = 36.0
"""Processor seconds of simulating that tuning one rival may take."""
FEWEST_TRIALS, MOST_TRIALS = 24, 128
LONG_S = 3.0
"""Processor seconds of one run from which a scenario counts as long."""
PART = 0.25
"""Part of its window on which a long scenario is tuned."""
_BINS = 96
"""Into which a window is cut to find that part."""
REACHED = (0.9, 0.95, 0.99, 0.995)
"""Attainments on the first seed for each of which the cheapest trial is run on every seed; the last is there because
what just reaches the one before may miss it on other seeds."""


@dataclass(frozen=True, slots=True)
class Effort:
    """What is done for each rival."""

    trials: int
    part: bool
    """Whether tuning sees only a part of the window."""
    reached: tuple[float, ...]
    """For which attainments a trial is taken over."""
    startup_seeds: int
    """On how many seeds other start-ups are run."""


def effort(outcomes: Sequence[Outcome], seeds: int, trials: int | None) -> Effort:
    """The effort for a scenario, given runs of it; ``trials`` overrides the number."""
    run_s = statistics.median(outcome["cpu_s"] for outcome in outcomes)
    long = run_s > LONG_S
    if trials is None:
        affordable = TUNING_S / max(run_s * (PART if long else 1.0), 1e-3)
        trials = min(max(int(affordable) // BATCH * BATCH, FEWEST_TRIALS), MOST_TRIALS)
    return Effort(trials, long, REACHED[-2:] if long else REACHED, 1 if long else seeds)


@dataclass(frozen=True, slots=True)
class Telling:
    """The job of finding the part of a window that tells most: where the load goes through its widest range."""

    scenario: Scenario
    seed: int

    @property
    def name(self) -> str:
        """How it is called in messages."""
        return f"the part to tune on, seed {self.seed}"

    def content(self) -> dict[str, Any]:
        """All that the outcome depends on."""
        return {**content_of(self.scenario), "seed": self.seed, "telling": [LAYOUT, PART, _BINS]}

    def run(self, traffic: Traffic, tell: Tell) -> Outcome:
        """``start_s`` and ``duration_s`` of the part."""
        workload = traffic.of(self.scenario, self.seed)
        edges = np.linspace(0.0, workload.window_s, _BINS + 1)
        counts, _ = np.histogram(workload.arrival_ps / PICOSECONDS, edges)
        parts = np.lib.stride_tricks.sliding_window_view(counts, round(PART * _BINS))
        first = int(np.argmax(parts.max(axis=1) - parts.min(axis=1)))
        return {"start_s": float(edges[first]), "duration_s": PART * workload.window_s}


def part_of(scenario: Scenario, telling: Outcome) -> Scenario:
    """The scenario with that part of its traffic only."""
    begun = scenario.workload[0].start
    return override(scenario, start_s=begun + telling["start_s"], duration_s=telling["duration_s"])
