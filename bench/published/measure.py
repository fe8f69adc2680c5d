"""Run one policy on one scenario, and read from the run what the others published of theirs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wva.engine.batch.state import COMPLETED, INCOMPLETE, PICOSECONDS, TRUNCATED
from wva.policies.registry import make
from wva.report.percentiles import nearest_ranks
from wva.scenario.schema import Scenario
from wva.scenario.text import parse_yaml
from wva.scenario.traffic import draw_workload, read_sources
from wva.simulate.result import PHASES, RunResult
from wva.simulate.run import prepare, simulate

READY = PHASES.index("ready")
ORDERED = [PHASES.index(phase) for phase in ("pending", "starting", "ready")]


@dataclass(frozen=True, slots=True)
class Measured:
    """Means over the seeds, as the published rows are means of their runs; ``None`` where nothing completed."""

    p99_ttft_s: float | None
    """Of completed requests, as GuideLLM reports it."""
    p99_itl_ms: float | None
    """Mean time between a completed request's tokens, at its 99th percentile."""
    mean_replicas: float
    """Ready ones, over the run."""
    most_replicas: float
    """Ready ones at the most."""
    sent: float
    completed: float
    errors: float
    """Failed, without those that were unfinished at the end."""
    incomplete: float
    output_tokens_per_s: float
    """Of answers that were complete when the window ended."""


def run(scenario: Scenario, policy: str, options: Path | None = None, seed: int = 1) -> RunResult:
    """Run a policy of the registry with the options of a file."""
    chosen = None if options is None else parse_yaml(options.read_text(encoding="utf-8"), f"policy options {options}")
    traffic = draw_workload(scenario, read_sources(scenario), seed)
    return simulate(prepare(scenario), traffic, make(policy, chosen), seed)


def run_all(scenario: Scenario, policy: str, options: Path | None = None) -> list[RunResult]:
    """Run it on every seed of the scenario."""
    return [run(scenario, policy, options, seed) for seed in scenario.seeds]


def measured(results: Sequence[RunResult]) -> Measured:
    """Means of all that the runs measured."""
    numbers = [_numbers(result) for result in results]
    return Measured(**{name: _mean([each[name] for each in numbers]) for name in numbers[0]})


def is_completed(requests: NDArray[Any]) -> NDArray[np.bool_]:
    """Which requests were answered."""
    return np.isin(requests["status"], (COMPLETED, TRUNCATED))


def replicas_at_scrapes(result: RunResult, variant: int | None = None) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """(ordered, ready) replicas of one variant, or of all, at each scrape; ordered are all but draining ones."""
    counts = result.timeline.replicas
    own = counts.sum(axis=1) if variant is None else counts[:, variant]
    return own[:, ORDERED].sum(axis=1), own[:, READY]


def _numbers(result: RunResult) -> Mapping[str, float | None]:
    answered = result.requests[is_completed(result.requests)]
    ttft = (answered["first_token"] - answered["arrival"]) / PICOSECONDS
    paced = answered[answered["produced"] > 1]
    itl = (paced["finish"] - paced["first_token"]) / (paced["produced"] - 1) / (PICOSECONDS / 1000)
    _, ready = replicas_at_scrapes(result)
    incomplete = int(np.sum(result.requests["status"] == INCOMPLETE))
    in_window = answered[answered["finish"] <= result.window_s * PICOSECONDS]
    return {
        "p99_ttft_s": nearest_ranks(ttft, (0.99,))[0],
        "p99_itl_ms": nearest_ranks(itl, (0.99,))[0],
        "mean_replicas": sum(use.ready_hours for use in result.use) * 3600 / result.end_s,
        "most_replicas": float(ready.max()),
        "sent": float(len(result.requests)),
        "completed": float(len(answered)),
        "errors": float(len(result.requests) - len(answered) - incomplete),
        "incomplete": float(incomplete),
        "output_tokens_per_s": float(in_window["produced"].sum()) / result.window_s,
    }


def _mean(values: Sequence[float | None]) -> Any:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
