"""The least that anybody could pay, on the first seed, whatever the place where requests queue."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wva.gateway.settings import Queue
from wva.report.experiments.code import digest_of_modules
from wva.report.experiments.experiment import LAYOUT, Outcome, Tell, content_of
from wva.report.experiments.traffic import Traffic
from wva.report.frontier.data import CostPoint
from wva.report.processes import Progress
from wva.scenario.load import override
from wva.scenario.schema import Scenario
from wva.simulate.bound.frontier import MET_PRICES, find_frontier
from wva.simulate.run import prepare

ATTAINMENTS = tuple(share / 1000 for share in range(500, 1001, 2))
"""Shares of the attainable for which it is said."""


@dataclass(frozen=True, slots=True)
class Bounding:
    """The job of finding it. It holds for either queue and any router, so both panels share its outcome."""

    scenario: Scenario
    seed: int
    attainable: float
    """Share of the offered that an empty replica would meet."""

    @property
    def name(self) -> str:
        """How it is called in messages."""
        return f"the bound, seed {self.seed}"

    def content(self) -> dict[str, Any]:
        """All that the outcome depends on."""
        return {
            **content_of(override(self.scenario, queue=Queue.ENGINE)),
            "seed": self.seed,
            "attainable": self.attainable,
            "bound": [LAYOUT, ATTAINMENTS],
            "code": digest_of_modules("wva.simulate.bound.frontier"),
        }

    def run(self, traffic: Traffic, tell: Tell) -> Outcome:
        """``costs``: of meeting each of ``ATTAINMENTS``, when every other request may fail."""
        workload = traffic.of(self.scenario, self.seed)
        frontier = find_frontier(
            prepare(self.scenario), workload, lambda done: tell(Progress(done / len(MET_PRICES), "prices requests"))
        )
        attainable = self.attainable * len(workload)
        return {"costs": [frontier.cost_of_failing_freely(share * attainable) for share in ATTAINMENTS]}


def bound_points(outcome: Outcome) -> tuple[CostPoint, ...]:
    """The bound of an outcome."""
    return tuple(CostPoint(share, cost) for share, cost in zip(ATTAINMENTS, outcome["costs"], strict=True))


def bound_at(points: Sequence[CostPoint], attainment: float) -> float | None:
    """What reaching an attainment costs at least: the bound of the largest one computed that does not exceed it.

    ``None`` where none was computed. Between points the bound is a curve that a line would overstate.
    """
    below = [point.cost for point in points if point.attainment <= attainment]
    return below[-1] if below else None
