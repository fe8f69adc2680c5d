"""Where jobs are done: those with a kept outcome not again, the others in several processes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from wva.report.experiments.experiment import Job, Outcome, Tell, digest
from wva.report.experiments.store import Store
from wva.report.experiments.traffic import Traffic
from wva.report.processes import Do, Processes, Progress
from wva.report.runs import compile_engine


@dataclass(frozen=True, slots=True)
class JobWatcher:
    """Who is told how jobs go; each call returns at once."""

    asked: Callable[[int, int], None] = field(default=lambda jobs, kept: None)
    """How many different jobs are asked for, and how many of these have a kept outcome."""
    running: Callable[[Job, Progress], None] = field(default=lambda job, progress: None)
    finished: Callable[[Job], None] = field(default=lambda job: None)


class Bench:
    """Does jobs; to be used in a ``with`` block, which ends its processes."""

    def __init__(self, store: Store, jobs: int, watcher: JobWatcher | None = None) -> None:
        """``jobs`` is how many processes there may be."""
        self._store = store
        self._processes: Processes[Job, Outcome] = Processes(_begin, jobs, before=compile_engine)
        self._watcher = watcher or JobWatcher()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._processes.__exit__(kind, error, trace)

    def outcomes(self, jobs: Sequence[Job]) -> list[Outcome]:
        """The outcome of each job, in their order; every one is kept as soon as it is there.

        Raises:
            UserError: A job cannot be done.

        """
        contents = [job.content() for job in jobs]
        keys = [digest(content) for content in contents]
        kept = {key: self._store.get(key) for key in dict.fromkeys(keys)}
        known: dict[str, Outcome] = {key: outcome for key, outcome in kept.items() if outcome is not None}
        missing = {key: index for index, key in enumerate(keys) if key not in known}
        self._watcher.asked(len(kept), len(known))
        # Jobs of one seed after each other share its traffic. The same object comes back with its outcome.
        order = sorted(missing.values(), key=lambda index: jobs[index].seed)
        place = {id(jobs[index]): index for index in order}
        for job, outcome in self._processes.run([jobs[index] for index in order], self._watcher.running):
            index = place[id(job)]
            self._store.put(keys[index], contents[index], outcome)
            known[keys[index]] = outcome
            self._watcher.finished(job)
        return [known[key] for key in keys]


def _begin() -> Do[Job, Outcome]:
    compile_engine()
    traffic = Traffic()

    def do(job: Job, tell: Tell) -> Outcome:
        return job.run(traffic, tell)

    return do
