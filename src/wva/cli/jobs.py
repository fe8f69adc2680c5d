"""What long work shows on the terminal: the whole, what is under way, and how much is left."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from wva.report.experiments.bench import JobWatcher
from wva.report.experiments.experiment import Job
from wva.report.processes import Progress as JobProgress


class JobDisplay:
    """A bar for the whole, one for the runs asked for last, and one for each that is under way."""

    def __init__(self, progress: Progress) -> None:
        """``progress`` shows the bars."""
        self._progress = progress
        self._whole = progress.add_task("preparing", total=None, doing="the first time compiles for a minute")
        self._runs = progress.add_task("runs", total=None, doing="", visible=False)
        self._bars: dict[int, TaskID] = {}

    @property
    def watcher(self) -> JobWatcher:
        """To be told how jobs go."""
        return JobWatcher(asked=self._asked, running=self._running, finished=self._finished)

    def stage(self, name: str, done: int, of: int) -> None:
        """Say what is begun, after so many parts of the whole; a line of its own where there is no terminal."""
        if not self._progress.console.is_terminal:
            self.say(f"{name} ({done} of {of})")
        self._progress.update(self._whole, description=name, completed=done, total=of, doing="")

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self._progress.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _asked(self, jobs: int, kept: int) -> None:
        doing = f"{kept} of {jobs} kept from before" if kept else ""
        self._progress.reset(self._runs, total=jobs - kept, visible=jobs > kept, doing=doing)

    def _running(self, job: Job, progress: JobProgress) -> None:
        # Names may be alike; each job is an object of its own.
        bar = self._bars.get(id(job))
        if bar is None:
            bar = self._bars[id(job)] = self._progress.add_task(f"  {job.name}", total=1.0, doing="")
        self._progress.update(bar, completed=progress.share, doing=progress.doing)

    def _finished(self, job: Job) -> None:
        # A job that tells nothing while it runs has no bar.
        bar = self._bars.pop(id(job), None)
        if bar is not None:
            self._progress.remove_task(bar)
        self._progress.advance(self._runs)


@contextmanager
def shown_jobs() -> Iterator[JobDisplay]:
    """Show how jobs go, on standard error."""
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[doing]}"),
        console=Console(stderr=True),
        transient=True,
    )
    # Where there is no terminal, the bars would be one last line that tells nothing.
    with progress if progress.console.is_terminal else nullcontext():
        yield JobDisplay(progress)
