"""What a schedule of replicas reaches with the whole traffic known, on the first seed."""

from dataclasses import dataclass
from typing import Any

from wva.report.experiments.code import digest_of_modules
from wva.report.experiments.experiment import LAYOUT, Outcome, Tell, content_of
from wva.report.experiments.trade import non_dominated
from wva.report.experiments.traffic import Traffic
from wva.report.frontier.data import CHOSEN_AT, CostPoint
from wva.report.processes import Progress
from wva.scenario.schema import Scenario
from wva.simulate.clairvoyant import MOST_RUNS, find_clairvoyant
from wva.simulate.run import prepare


@dataclass(frozen=True, slots=True)
class Scheduling:
    """The job of searching for it."""

    scenario: Scenario
    seed: int

    @property
    def name(self) -> str:
        """How it is called in messages."""
        return f"clairvoyant, seed {self.seed}"

    def content(self) -> dict[str, Any]:
        """All that the outcome depends on."""
        return {
            **content_of(self.scenario),
            "seed": self.seed,
            "schedules": [LAYOUT, CHOSEN_AT],
            "code": digest_of_modules("wva.simulate.clairvoyant"),
        }

    def run(self, traffic: Traffic, tell: Tell) -> Outcome:
        """``points``: share of the attainable that was met, and cost, of every schedule that was run."""
        workload = traffic.of(self.scenario, self.seed)
        found = find_clairvoyant(
            prepare(self.scenario),
            workload,
            self.seed,
            CHOSEN_AT,
            lambda runs: tell(Progress(runs / MOST_RUNS, "tries schedules")),
        )
        return {"points": [[attainment / found.attainable, cost] for attainment, cost in found.tried]}


def schedule_points(outcome: Outcome) -> tuple[CostPoint, ...]:
    """The schedules of an outcome that none of its others beats, the cheapest first."""
    return tuple(non_dominated(CostPoint(attainment, cost) for attainment, cost in outcome["points"]))
