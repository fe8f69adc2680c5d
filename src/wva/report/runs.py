"""One run of a comparison: a contender on one seed's traffic, from the trace to its score."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wva.policies.static import StaticPolicy
from wva.report.contenders import Contender, enter, file_name
from wva.report.processes import Do, Progress
from wva.report.score import Score, score, with_wall
from wva.report.series import Series, series
from wva.scenario.load import builtin_scenario
from wva.scenario.schema import Scenario
from wva.scenario.traffic import Source, draw_workload, read_sources
from wva.simulate.bound.frontier import Frontier
from wva.simulate.run import prepare, simulate


@dataclass(frozen=True, slots=True)
class Task:
    """A run to be made."""

    contender: Contender
    seed: int

    @property
    def name(self) -> str:
        """How it is called in messages; unique in a comparison."""
        return f"{self.contender.label}, seed {self.seed}"

    @property
    def journal(self) -> str:
        """Name of its journal's file."""
        return f"{file_name(self.contender.label)}-seed{self.seed}.journal"


@dataclass(frozen=True, slots=True)
class RunReport:
    """What remains of a run."""

    task: Task
    score: Score
    series: Series
    found: Mapping[str, Any] | None
    """What was searched for before the run, as plain data."""
    frontier: Frontier | None = None
    """What any policy costs at least on this traffic, where it was worked out."""


class Runner:
    """Makes runs of one scenario; reads its traces once."""

    def __init__(self, scenario: Scenario, journals: Path) -> None:
        """``journals`` is the directory that the runs' journals go to."""
        compile_engine()
        began = time.perf_counter()
        self._sources: Sequence[Source] = read_sources(scenario)
        self._reading_s = time.perf_counter() - began
        self._scenario = scenario
        self._setting = prepare(scenario)
        self._journals = journals

    def run(self, task: Task, progress: Callable[[Progress], None]) -> RunReport:
        """Make one run. Raises ``UserError`` where its traffic or journal cannot be had."""
        progress(Progress(0.0, "draws its traffic"))
        began = time.perf_counter()
        workload = draw_workload(self._scenario, self._sources, task.seed)
        drawing_s = time.perf_counter() - began
        entry = enter(task.contender, self._setting, workload, task.seed, lambda note: progress(Progress(0.0, note)))
        progress(Progress(0.0, "runs"))
        began = time.perf_counter()
        result = simulate(
            entry.setting,
            workload,
            entry.policy,
            task.seed,
            self._journals / task.journal,
            lambda share: progress(Progress(share, "runs")),
        )
        scored = score(result)
        wall_s = self._reading_s + drawing_s + time.perf_counter() - began
        return RunReport(task, with_wall(scored, wall_s), series(result), entry.found, entry.frontier)


def begin_runs(scenario: Scenario, journals: Path) -> Do[Task, RunReport]:
    """What makes runs of a scenario in one process."""
    return Runner(scenario, journals).run


def compile_engine() -> None:
    """Have the machine code ready, so that no run's time holds its compilation; slow only where it is not cached.

    Where nothing is compiled yet, one process does it for all.
    """
    scenario = builtin_scenario()
    short = scenario.model_copy(
        update={"workload": tuple(entry.model_copy(update={"duration": 20.0}) for entry in scenario.workload)}
    )
    workload = draw_workload(short, read_sources(short), seed=1)
    result = simulate(prepare(short), workload, StaticPolicy(), seed=1)
    score(result)
    series(result)
