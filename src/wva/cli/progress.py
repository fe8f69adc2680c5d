"""What a comparison shows on the terminal while it works, and as plain lines where there is none."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from wva.report.compare import Watcher
from wva.report.processes import Progress as RunProgress
from wva.report.runs import RunReport, Task
from wva.report.summary import dollars, percent
from wva.scenario.schema import Scenario
from wva.simulate.fit import Fit
from wva.workload.burstiness import PeakToMean


class _Display:
    """Bars for the runs under way; a line for each that is over."""

    def __init__(self, progress: Progress, runs: int) -> None:
        self._progress = progress
        self._all = progress.add_task("all runs", total=runs, doing="")
        self._bars: dict[str, TaskID] = {}

    def fitting(self, runs: int, factor: float) -> None:
        self._progress.update(self._all, doing=f"scaling the traffic: run {runs + 1}, at {factor:.4g} times")

    def fitted(self, fit: Fit) -> None:
        self._say(
            f"scale {fit.scale:.4g}: {fit.replicas} {fit.variant} alone attain {percent(fit.attainment)}, "
            f"{fit.replicas - 1} attain {percent(fit.attainment_with_one_less)}"
        )

    def traffic(self, scenario: Scenario, ratios: Sequence[PeakToMean]) -> None:
        for entry, ratio in zip(scenario.workload, ratios, strict=True):
            self._say(
                f"traffic to {entry.model}: its busiest 10 s are {ratio.source:.2f} times the mean in the source, "
                f"{ratio.superposed:.2f} times at scale {entry.scale:.4g}"
            )
        self._progress.update(self._all, doing="preparing; the first time compiles for a minute")

    def running(self, task: Task, progress: RunProgress) -> None:
        if task.name not in self._bars:
            self._bars[task.name] = self._progress.add_task(task.name, total=1.0, doing="")
        self._progress.update(self._all, doing="")
        self._progress.update(self._bars[task.name], completed=progress.share, doing=progress.doing)

    def finished(self, report: RunReport) -> None:
        self._progress.remove_task(self._bars.pop(report.task.name))
        self._progress.advance(self._all)
        score = report.score
        self._say(
            f"{report.task.name}: {percent(score.attainment)} met, "
            f"{score.failed['sum']:,} failed, {dollars(score.cost)}, {score.wall_seconds:.1f} s"
        )

    def drawing(self) -> None:
        self._progress.update(self._all, doing="drawing")

    def _say(self, text: str) -> None:
        self._progress.console.print(text, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def shown_progress(runs: int) -> Iterator[Watcher]:
    """Show how ``runs`` runs go, on standard error."""
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[doing]}"),
        console=Console(stderr=True),
        transient=True,
    )
    # Where there is no terminal, the bars would be one last line that tells nothing.
    with progress if progress.console.is_terminal else nullcontext():
        display = _Display(progress, runs)
        yield Watcher(
            fitting=display.fitting,
            fitted=display.fitted,
            traffic=display.traffic,
            running=display.running,
            finished=display.finished,
            drawing=display.drawing,
        )
