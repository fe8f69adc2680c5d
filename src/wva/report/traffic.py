"""What to send to real servers: a scenario's traffic, or a trace for one model."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wva.fleet.model import Model, Objectives
from wva.report.driven import Source
from wva.scenario.nouns import NAMESPACE, fleet_models
from wva.scenario.schema import Scenario
from wva.scenario.traffic import draw_workload, read_sources
from wva.workload.merge import Workload, merge
from wva.workload.read import read_trace
from wva.workload.superpose import superpose

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, eq=False)
class Traffic:
    """Requests with the objectives of their models."""

    name: str
    sources: tuple[Source, ...]
    models: tuple[Model, ...]
    workload: Workload


def scenario_traffic(scenario: Scenario, seed: int) -> Traffic:
    """The traffic of a scenario, the very requests that a simulation of this seed has.

    Raises:
        UserError: A trace is missing or wrong, or no request arrives.

    """
    sources = tuple(
        Source(
            model=entry.model,
            source="synthetic" if entry.trace is None else entry.trace.name,
            scale=entry.scale,
            jitter_s=entry.jitter,
            start_s=entry.start,
        )
        for entry in scenario.workload
    )
    return Traffic(
        scenario.name, sources, fleet_models(scenario), draw_workload(scenario, read_sources(scenario), seed)
    )


def trace_traffic(
    path: Path,
    model: str,
    objectives: Objectives,
    scale: float,
    start_s: float,
    duration_s: float | None,
    seed: int,
) -> Traffic:
    """A window of a trace, all of it asked of one model.

    Raises:
        UserError: The trace is missing or wrong, or too much of it is asked for.

    """
    trace = superpose(read_trace(path, start_s, duration_s), scale, 0.0, np.random.default_rng(seed))
    served = Model(name=model, namespace=NAMESPACE, shape=UNKNOWN, precision=UNKNOWN, objectives=objectives, priority=0)
    return Traffic(
        path.stem, (Source(model, path.name, scale, 0.0, start_s),), (served,), merge((model,), [(model, trace)])
    )
