"""Which configurations of a policy are run on every seed, and their runs as spots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wva.policies.registry import SPACES
from wva.report.contenders import Contender
from wva.report.experiments.bench import Bench
from wva.report.experiments.experiment import Experiment, Outcome
from wva.report.experiments.trade import choose
from wva.report.frontier.compare import chosen
from wva.report.frontier.data import OWN, Curve, Run, Spot, spot
from wva.report.tuning.tune import Search, attained
from wva.scenario.nouns import fleet_variants
from wva.scenario.schema import Scenario

HEADROOMS = (0.1, 0.2, 0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75)
"""What the own policy's headroom is swept over, beside its default."""
DEFAULTS = "defaults"
"""Label of the spot with the published defaults."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A configuration to be run on the seeds of a scenario."""

    label: str
    policy: str
    options: Mapping[str, Any]
    scenario: Scenario


def default_of(policy: str, scenario: Scenario) -> Contender:
    """A policy with the published values of what can be tuned of it."""
    space = SPACES[policy](fleet_variants(scenario))
    return Contender(f"{policy}, {DEFAULTS}", policy, space.options(space.defaults()))


def taken_over(search: Search, scenario: Scenario, reached: Sequence[float]) -> list[Asked]:
    """The defaults of a tuned rival, and for each of these attainments the trial that stands for it."""
    tried = search.study.tried()
    wanted = {trial.number: trial for trial in (tried[0], *(choose(tried, attainment) for attainment in reached))}
    return [
        Asked(
            DEFAULTS if trial is tried[0] else f"trial {trial.number}",
            search.policy,
            search.study.options(trial.values),
            scenario,
        )
        for trial in wanted.values()
    ]


def own_sweep(scenario: Scenario) -> list[Asked]:
    """The own policy with its headroom swept, and nothing else changed."""
    space = SPACES[OWN](fleet_variants(scenario))
    default = space.defaults()["headroom"]
    return [
        Asked(
            f"headroom {value:g}" + (" (default)" if value == default else ""),
            OWN,
            space.options({"headroom": value}),
            scenario,
        )
        for value in sorted({*HEADROOMS, default})
    ]


def run_spots(asked: Mapping[str, Sequence[Asked]], bench: Bench) -> dict[str, list[Spot]]:
    """Run configurations, by the name of their curve, on all seeds of their scenarios.

    Raises:
        UserError: One cannot be run.

    """
    runs = [
        Experiment(each.scenario, Contender(f"{name}, {each.label}", each.policy, each.options), seed)
        for name, many in asked.items()
        for each in many
        for seed in each.scenario.seeds
    ]
    outcomes = iter(bench.outcomes(runs))

    def ran(each: Asked) -> Spot:
        own = tuple(_run(seed, next(outcomes)) for seed in each.scenario.seeds)
        return spot(each.label, each.policy, each.options, own)

    return {name: [ran(each) for each in many] for name, many in asked.items()}


def curve(name: str, kind: str, spots: Sequence[Spot]) -> Curve:
    """The curve of a policy, with the spot that stands for it."""
    return Curve(name, kind, tuple(spots), chosen(spots))


def _run(seed: int, outcome: Outcome) -> Run:
    return Run(
        seed=seed,
        attainment=attained(outcome),
        attainment_of_offered=outcome["attainment"],
        attainable=outcome["attainable"],
        cost=outcome["cost"],
        offered=outcome["offered"],
        failed=outcome["failed"]["sum"],
        ttft_p99_s=outcome["ttft_s"]["p99"],
        misses=outcome["causes"],
        replica_hours=outcome["replica_hours"],
    )
