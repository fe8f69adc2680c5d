"""The scored episode of the SLO-aware guide: share of requests within both objectives, and the mean pool."""

from dataclasses import dataclass

import numpy as np

from bench.published.cases import POLICIES, SCENARIOS, SLO_POLICIES
from bench.published.measure import replicas_at_scrapes, run_all
from wva.report.score import score
from wva.scenario.load import load_scenario
from wva.simulate.result import RunResult
from wva.simulate.static_fleet import with_initial


@dataclass(frozen=True, slots=True)
class Episode:
    """One policy on the episode; the numbers are means over the seeds."""

    attainment: float
    """Share of requests whose first token and mean time between tokens were both within the objectives."""
    mean_replicas: float
    """Ordered ones, from the start until the pool is back at its floor after the load has ended."""
    first: RunResult
    """The run of the first seed."""


def run_episodes() -> dict[str, Episode]:
    """Every policy of ``SLO_POLICIES`` on the episode."""
    return {name: _episode(policy, replicas) for name, (policy, replicas) in SLO_POLICIES.items()}


def mean_until_drained(result: RunResult) -> float:
    """Mean ordered replicas until the floor is reached after the last request came, or until the end of the window."""
    times = result.timeline.time_s
    ordered, _ = replicas_at_scrapes(result)
    floor = sum(variant.min_replicas for variant in result.variants)
    ended = times >= result.requests["arrival"][-1] * 1e-12
    drained = np.flatnonzero(ended & (ordered <= floor))
    last = int(drained[0]) if len(drained) else len(times) - 1
    return float(np.mean(ordered[: last + 1]))


def _episode(policy: str, replicas: int | None) -> Episode:
    scenario = load_scenario(SCENARIOS / "published" / "slo-aware.yaml")
    if replicas is not None:
        scenario = with_initial(scenario, {scenario.variants[0].name: replicas})
    options = POLICIES / f"{policy}.yaml"
    results = run_all(scenario, policy, options if options.exists() else None)
    attained = [score(result).attainment_strict or 0.0 for result in results]
    return Episode(
        attainment=float(np.mean(attained)),
        mean_replicas=float(np.mean([mean_until_drained(result) for result in results])),
        first=results[0],
    )
