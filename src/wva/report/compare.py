"""A comparison from its scenario to the files in its directory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from wva.report.comparison import Comparison, as_results, write_results
from wva.report.contenders import SEARCHES, Contender
from wva.report.figures.draw import write_figures
from wva.report.output import JOURNALS, PAGE, RESULTS, whole_directory
from wva.report.page import write_page
from wva.report.processes import Processes, Progress
from wva.report.runs import RunReport, Task, begin_runs, compile_engine
from wva.scenario.schema import Scenario
from wva.scenario.traffic import burstiness, read_sources
from wva.simulate.fit import Attempt, Fit, fit_replicas
from wva.simulate.run import prepare
from wva.workload.burstiness import PeakToMean


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told how a comparison goes; each call returns at once."""

    fitting: Attempt = field(default=lambda runs, factor: None)
    fitted: Callable[[Fit], None] = field(default=lambda fit: None)
    traffic: Callable[[Scenario, Sequence[PeakToMean]], None] = field(default=lambda scenario, ratios: None)
    """Told how bursty the traffic of the first seed is."""
    running: Callable[[Task, Progress], None] = field(default=lambda task, progress: None)
    finished: Callable[[RunReport], None] = field(default=lambda report: None)
    drawing: Callable[[], None] = field(default=lambda: None)


def compare(
    scenario: Scenario,
    contenders: Sequence[Contender],
    out: Path,
    *,
    jobs: int = 1,
    replicas: int | None = None,
    watcher: Watcher | None = None,
) -> Comparison:
    """Run every contender on every seed and fill the directory ``out``, which appears whole or not at all.

    ``replicas`` scales the traffic beforehand so that it needs that many replicas of the first variant.

    Raises:
        UserError: Something that the user gave is wrong.

    """
    watcher = watcher or Watcher()
    for contender in contenders:
        contender.check([variant.name for variant in scenario.variants])
    with whole_directory(out) as directory:
        (directory / JOURNALS).mkdir()
        sources = read_sources(scenario)
        prepare(scenario)
        fit = None
        if replicas is not None:
            fit = fit_replicas(scenario, sources, replicas, watcher.fitting)
            scenario = fit.scenario
            watcher.fitted(fit)
        ratios = burstiness(scenario, sources, scenario.seeds[0])
        watcher.traffic(scenario, ratios)
        del sources
        tasks = [Task(contender, seed) for seed in scenario.seeds for contender in contenders]
        # A search takes longest; begun last, it would leave the other processes idle at the end.
        tasks.sort(key=lambda task: task.contender.policy not in SEARCHES)
        reports = []
        begin = partial(begin_runs, scenario, directory / JOURNALS)
        with Processes(begin, min(jobs, len(tasks)), before=compile_engine) as processes:
            for _, report in processes.run(tasks, watcher.running):
                reports.append(report)
                watcher.finished(report)
        watcher.drawing()
        comparison = Comparison(scenario, tuple(contenders), tuple(reports), ratios, fit)
        page = write_page(comparison, write_figures(comparison, directory))
        (directory / PAGE).write_text(page, encoding="utf-8")
        write_results(as_results(comparison), directory / RESULTS)
    return comparison
