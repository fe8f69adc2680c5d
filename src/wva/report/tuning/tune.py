"""Tuning policies on a scenario: trials of several studies at once, told in a fixed order."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from wva.fleet.errors import UserError
from wva.policies.registry import POLICIES, SPACES
from wva.report.contenders import Contender
from wva.report.experiments.bench import Bench
from wva.report.experiments.experiment import Experiment, Outcome, digest
from wva.report.tuning.study import Candidate, Study, Tried
from wva.scenario.nouns import fleet_variants
from wva.scenario.schema import Scenario

BATCH = 8
"""Trials of a study that are run at once. It does not depend on the number of processes, so that neither do results."""

Round = Callable[[int, int], None]
"""Told how many trials of each study there will be after the ones about to run, and how many are wanted."""


@dataclass(frozen=True, slots=True)
class Search:
    """One policy to be tuned on a scenario, over its seeds."""

    policy: str
    scenario: Scenario
    study: Study

    def experiments(self, trial: Candidate | Tried) -> list[Experiment]:
        """The runs of a trial, one a seed."""
        options = self.study.options(trial.values)
        contender = Contender(f"{self.policy}, trial {trial.number}", self.policy, options)
        return [Experiment(self.scenario, contender, seed) for seed in self.scenario.seeds]


def require_tunable(policy: str) -> None:
    """Raise ``UserError`` where a policy has no parameters to tune, or does not exist."""
    if policy not in SPACES:
        what = "has no parameters to tune" if policy in POLICIES else "is no policy"
        raise UserError(f"--policy: {policy!r} {what}: choose one of {', '.join(SPACES)}")


def open_search(policy: str, scenario: Scenario, directory: Path) -> Search:
    """The search for a policy's parameters on a scenario, begun or gone on with in a file of ``directory``.

    Another scenario, seed, policy code or space is another search.

    Raises:
        UserError: The policy has no parameters to tune.

    """
    require_tunable(policy)
    space = SPACES[policy](fleet_variants(scenario))
    runs = [Experiment(scenario, Contender(policy, policy, space.options(space.defaults())), s) for s in scenario.seeds]
    parameters = {name: repr(parameter) for name, parameter in space.parameters.items()}
    key = digest({"runs": [run.content() for run in runs], "parameters": parameters, "batch": BATCH})
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out: {directory} cannot be made ({error.strerror}); choose another") from None
    return Search(policy, scenario, Study(directory / f"{policy}-{key[:16]}.journal", key, space))


def tune(searches: Sequence[Search], bench: Bench, trials: int, began: Round = lambda asked, of: None) -> None:
    """Have ``trials`` trials of every search; those that were made before count.

    Raises:
        UserError: A run cannot be made.

    """
    while True:
        asked: list[tuple[Search, Candidate]] = []
        most = 0
        for search in searches:
            made = len(search.study.tried())
            count = min(BATCH, trials - made)
            if count > 0:
                asked += [(search, candidate) for candidate in search.study.ask(count)]
                most = max(most, made + count)
        if not asked:
            return
        began(most, trials)
        runs = [search.experiments(candidate) for search, candidate in asked]
        outcomes = iter(bench.outcomes([run for each in runs for run in each]))
        for (search, candidate), each in zip(asked, runs, strict=True):
            attainment, cost = middle([next(outcomes) for _ in each])
            search.study.tell(candidate, attainment, cost)


def middle(outcomes: Iterable[Outcome]) -> tuple[float, float]:
    """(share of the attainable requests that were met, cost), each the median over runs."""
    outcomes = list(outcomes)
    return statistics.median(map(attained, outcomes)), statistics.median(outcome["cost"] for outcome in outcomes)


def attained(outcome: Outcome) -> float:
    """Share of a run's attainable requests that were met.

    Raises:
        UserError: None is attainable.

    """
    if not outcome["attainable"]:
        raise UserError("no empty replica meets the objectives of any request; relax them or take faster variants")
    return float(outcome["attainment"] / outcome["attainable"])
