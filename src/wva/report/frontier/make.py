"""A frontier from its scenarios to the files in its directory."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from wva.fleet.errors import UserError
from wva.gateway.settings import Queue
from wva.policies.registry import POLICIES, SPACES
from wva.report.experiments.bench import Bench, JobWatcher
from wva.report.experiments.store import Store
from wva.report.frontier.collect import STAGES, collect
from wva.report.frontier.data import OWN, Frontier, Panel
from wva.report.frontier.draw import write_figures
from wva.report.frontier.page import write_page
from wva.report.frontier.table import write_table
from wva.scenario.schema import Scenario

RESULTS, PAGE, TABLE = "frontier.json", "frontier.html", "frontier.md"

Began = Callable[[str, int, int], None]
"""Told what begins, after how many parts of the whole, of how many."""


def every_rival() -> tuple[str, ...]:
    """All policies but the own that declare what can be tuned of them."""
    return tuple(name for name in POLICIES if name in SPACES and name != OWN)


def require_rivals(names: Sequence[str]) -> tuple[str, ...]:
    """These rivals, or all where none is named. Raises ``UserError`` for what is no rival."""
    rivals = every_rival()
    for name in names:
        if name not in rivals:
            raise UserError(f"--rival: {name!r} is no rival that can be tuned: choose from {', '.join(rivals)}")
    return tuple(dict.fromkeys(names)) or rivals


def make_frontier(
    scenarios: Sequence[Scenario],
    queues: Sequence[Queue],
    rivals: Sequence[str],
    out: Path,
    *,
    trials: int | None = None,
    jobs: int = 1,
    began: Began = lambda what, done, of: None,
    watcher: JobWatcher | None = None,
) -> Frontier:
    """Run everything and fill the directory ``out``, where what was run before is found again.

    Raises:
        UserError: Something that the user gave is wrong.

    """
    names = [scenario.name for scenario in scenarios]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"two scenarios are called {name!r}; give each its own name")
    whole = len(scenarios) * len(queues) * len(STAGES)
    panels: list[Panel] = []
    with Bench(Store(out / "runs"), jobs, watcher) as bench:
        for scenario in scenarios:
            for queue in queues:
                done = len(panels) * len(STAGES)

                def stage(name: str, more: str, title: str = f"{scenario.name}, {queue}", done: int = done) -> None:
                    began(f"{title}: {name}{', ' if more else ''}{more}", done + STAGES.index(name), whole)

                at = scenario.model_copy(update={"gateway": scenario.gateway.model_copy(update={"queue": queue})})
                panels.append(collect(at, rivals, bench, out / "studies", trials, stage))
    began("drawing", whole, whole)
    frontier = Frontier(version("wva"), tuple(panels))
    (out / PAGE).write_text(write_page(frontier, write_figures(frontier, out)), encoding="utf-8")
    (out / TABLE).write_text(write_table(frontier), encoding="utf-8")
    (out / RESULTS).write_text(json.dumps(asdict(frontier), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return frontier
