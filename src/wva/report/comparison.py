"""A finished comparison: all its runs, and the numbers that are kept of them."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from wva.fleet.model import Model
from wva.fleet.variant import Variant
from wva.report.contenders import Contender
from wva.report.median import median
from wva.report.runs import RunReport
from wva.scenario.nouns import fleet_models, fleet_variants
from wva.scenario.schema import Scenario
from wva.simulate.fit import Fit
from wva.workload.burstiness import PeakToMean


@dataclass(frozen=True, slots=True)
class Comparison:
    """Contenders side by side on the same traffic."""

    scenario: Scenario
    contenders: tuple[Contender, ...]
    runs: tuple[RunReport, ...]
    """One for each contender and seed."""
    burstiness: tuple[PeakToMean, ...]
    """Of each workload entry, on the first seed."""
    fit: Fit | None = None
    """How the traffic was scaled, where a size of fleet was asked for."""

    @property
    def models(self) -> tuple[Model, ...]:
        """The scenario's models."""
        return fleet_models(self.scenario)

    @property
    def variants(self) -> tuple[Variant, ...]:
        """The scenario's variants."""
        return fleet_variants(self.scenario)

    def of(self, contender: Contender) -> tuple[RunReport, ...]:
        """A contender's runs, in the order of the seeds."""
        own = {run.task.seed: run for run in self.runs if run.task.contender.label == contender.label}
        return tuple(own[seed] for seed in self.scenario.seeds)

    def median(self, contender: Contender) -> dict[str, Any]:
        """A contender's numbers, each the median over the seeds."""
        return median([_numbers(run) for run in self.of(contender)])

    def bounds(self, contender: Contender) -> list[float] | None:
        """What any policy costs at least that meets and answers as many requests as a contender, in order of the seeds.

        ``None`` where it was not worked out.
        """
        frontiers = {run.task.seed: run.frontier for run in self.runs if run.frontier is not None}
        if not frontiers:
            return None
        return [frontiers[run.task.seed].cost(run.score.met, run.score.failed["sum"]) for run in self.of(contender)]

    @property
    def window_s(self) -> float:
        """Length of the window in seconds."""
        series = self.runs[0].series
        return series.window_s

    @property
    def shown_seed(self) -> int:
        """The seed whose mean attainment over the contenders is the middle one: what figures over time show."""
        seeds = self.scenario.seeds
        means = {seed: sum(run.score.attainment or 0.0 for run in self.runs if run.task.seed == seed) for seed in seeds}
        return sorted(seeds, key=lambda seed: means[seed])[(len(seeds) - 1) // 2]

    def shown(self, contender: Contender) -> RunReport:
        """A contender's run on the seed that figures show."""
        return next(run for run in self.of(contender) if run.task.seed == self.shown_seed)


def as_results(comparison: Comparison) -> dict[str, Any]:
    """What results.json holds. ``None`` is unknown."""
    scenario = comparison.scenario
    policies = {
        contender.label: {
            "policy": contender.policy,
            "options": dict(contender.options),
            "configuration": contender.configuration(),
            "median": comparison.median(contender),
            "seeds": _seeds(comparison, contender),
        }
        for contender in comparison.contenders
    }
    first = comparison.median(comparison.contenders[0])
    return {
        "wva": version("wva"),
        "scenario": scenario.name,
        "window_s": comparison.window_s,
        "queue": scenario.gateway.queue.value,
        "seeds": list(scenario.seeds),
        "attainable": first["attainable"],
        "peak_to_mean": [
            {"model": entry.model, "before": _known(ratio.source), "after": _known(ratio.superposed)}
            for entry, ratio in zip(scenario.workload, comparison.burstiness, strict=True)
        ],
        "workload": [
            {
                "model": entry.model,
                "source": "synthetic" if entry.trace is None else entry.trace.name,
                "scale": entry.scale,
                "jitter_s": entry.jitter,
                "start_s": entry.start,
            }
            for entry in scenario.workload
        ],
        "fit": None if comparison.fit is None else _fit(comparison.fit),
        "shown_seed": comparison.shown_seed,
        "policies": policies,
    }


def write_results(results: Mapping[str, Any], path: Path) -> None:
    """Write results.json; what is not a finite number is an error."""
    path.write_text(json.dumps(results, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _numbers(run: RunReport) -> dict[str, Any]:
    numbers = asdict(run.score)
    del numbers["seed"]
    return numbers


def _seeds(comparison: Comparison, contender: Contender) -> list[dict[str, Any]]:
    runs, bounds = comparison.of(contender), comparison.bounds(contender)
    seeds = [{"seed": run.task.seed, **_numbers(run), **_found(run)} for run in runs]
    return seeds if bounds is None else [{**one, "bound": bound} for one, bound in zip(seeds, bounds, strict=True)]


def _found(run: RunReport) -> dict[str, Any]:
    return {} if run.found is None else {"found": dict(run.found)}


def _fit(fit: Fit) -> dict[str, Any]:
    return {
        "variant": fit.variant,
        "replicas": fit.replicas,
        "factor": fit.factor,
        "scale": fit.scale,
        "attainment": fit.attainment,
        "attainment_with_one_less": fit.attainment_with_one_less,
    }


def _known(ratio: float) -> float | None:
    return ratio if math.isfinite(ratio) else None
