"""A scenario of half a minute, and a bench that counts what it runs."""

from pathlib import Path

from tests.report.tiny import TINY, tiny
from wva.report.experiments.bench import Bench, JobWatcher
from wva.report.experiments.store import Store
from wva.scenario.load import load_scenario
from wva.scenario.schema import Scenario

SMALL = TINY.replace("[60s, 40], [90s, 40]", "[20s, 20], [30s, 20]").replace("[90s, 3]", "[30s, 3]")
"""Its requests wait for a second replica; some hundred of them."""


def small(directory: Path) -> Scenario:
    return load_scenario(tiny(directory, SMALL))


class Counted:
    """A bench on a directory, and the names of the jobs that ran on it."""

    def __init__(self, directory: Path, jobs: int = 1) -> None:
        self.ran: list[str] = []
        self.bench = Bench(Store(directory), jobs, JobWatcher(finished=lambda job: self.ran.append(job.name)))

    def __enter__(self) -> "Counted":
        return self

    def __exit__(self, *_: object) -> None:
        self.bench.__exit__(None, None, None)
