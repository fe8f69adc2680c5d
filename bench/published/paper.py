"""The situations of the WVA paper's figures, and the numbers that its abstract gives of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.published.cases import PAPER, PAPER_POLICIES, POLICIES, SCENARIOS
from bench.published.measure import replicas_at_scrapes, run_all
from wva.report.score import score
from wva.scenario.load import load_scenario
from wva.simulate.result import RunResult


@dataclass(frozen=True, slots=True)
class Outcome:
    """One policy on one scenario; the numbers are means over the seeds."""

    effective_throughput_rps: float
    failed: float
    attainment: float
    cost: float
    mean_w: float
    peak_replicas: tuple[float, ...]
    """Ready replicas of each variant at the most."""
    first_order_s: float | None
    """When the first replica beyond the initial ones was ordered, as the scrapes show it."""
    first_ready_s: float | None
    """When the first of them was ready."""
    first: RunResult
    """The run of the first seed."""


def run_paper() -> dict[str, dict[str, Outcome]]:
    """Every policy on every scenario."""
    return {name: {policy: outcome(name, policy) for policy in PAPER_POLICIES} for name in PAPER}


def outcome(name: str, policy: str) -> Outcome:
    """One policy on one scenario."""
    scenario = load_scenario(SCENARIOS / "paper" / f"{name}.yaml")
    options = PAPER_POLICIES[policy]
    results = run_all(scenario, policy, None if options is None else POLICIES / f"{options}.yaml")
    scores = [score(result) for result in results]
    peaks = [
        [float(replicas_at_scrapes(result, variant)[1].max()) for variant in range(len(result.variants))]
        for result in results
    ]
    grown = [_first_growth(result) for result in results]
    return Outcome(
        effective_throughput_rps=float(np.mean([each.effective_throughput_rps for each in scores])),
        failed=float(np.mean([each.failed["sum"] for each in scores])),
        attainment=float(np.mean([each.attainment or 0.0 for each in scores])),
        cost=float(np.mean([each.cost for each in scores])),
        mean_w=float(np.mean([each.energy.mean_w or 0.0 for each in scores])),
        peak_replicas=tuple(np.mean(peaks, axis=0).tolist()),
        first_order_s=_mean([order for order, _ in grown]),
        first_ready_s=_mean([ready for _, ready in grown]),
        first=results[0],
    )


def against_hpa(outcomes: Mapping[str, Outcome], policy: str) -> tuple[float, float]:
    """(effective throughput over HPA's, HPA's failed requests over its own; infinite where it has none)."""
    hpa, own = outcomes["hpa"], outcomes[policy]
    failed = hpa.failed / own.failed if own.failed else float("inf")
    return own.effective_throughput_rps / hpa.effective_throughput_rps, failed


def _first_growth(result: RunResult) -> tuple[float | None, float | None]:
    found = []
    for counts in replicas_at_scrapes(result):
        more = np.flatnonzero(counts > counts[0])
        found.append(float(result.timeline.time_s[more[0]]) if len(more) else None)
    return found[0], found[1]


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None
