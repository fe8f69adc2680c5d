"""The requests of a scenario: sources read once, traffic drawn from them for each seed."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from wva.fleet.errors import UserError
from wva.scenario.schema import Scenario, SyntheticSpec, TokensSpec, WorkloadSpec
from wva.workload.burstiness import PeakToMean, peaks_to_means
from wva.workload.merge import Workload, merge
from wva.workload.read import read_trace
from wva.workload.superpose import superpose
from wva.workload.synthetic import Constant, Lognormal, Synthetic, TokenCounts, Uniform, draw_trace
from wva.workload.trace import Trace

STREAM = 0
"""First number of the spawn key of every generator of traffic; other uses of a run's seed take other numbers."""

Source = Trace | Synthetic
"""What the traffic of one workload entry is drawn from: a window of a trace, or the process itself."""


def read_sources(scenario: Scenario) -> tuple[Source, ...]:
    """The source of each workload entry; a trace that several entries name is read once.

    Raises:
        UserError: A trace is missing or wrong.

    """
    read: dict[tuple[Path, float, float | None], Trace] = {}

    def source(entry: WorkloadSpec) -> Source:
        if entry.trace is None:
            assert entry.synthetic is not None
            return _synthetic(entry.synthetic)
        key = (entry.trace, entry.start, entry.duration)
        if key not in read:
            read[key] = read_trace(*key)
        return read[key]

    return tuple(source(entry) for entry in scenario.workload)


def draw_traces(scenario: Scenario, sources: Sequence[Source], seed: int) -> tuple[Trace, ...]:
    """The traffic of each workload entry for a seed, superposed and scaled.

    Raises:
        UserError: There are too many requests or distinct prefix blocks.

    """
    return tuple(drawn for _, drawn in _drawn(scenario, sources, seed))


def draw_workload(scenario: Scenario, sources: Sequence[Source], seed: int) -> Workload:
    """All requests of a run. The same sources and seed give the same requests, whatever policy serves them.

    ``Workload.models`` has the order of the scenario's models.

    Raises:
        UserError: No request arrives, too many do, or prefix blocks do not fit together.

    """
    traces = draw_traces(scenario, sources, seed)
    names = [entry.model for entry in scenario.workload]
    workload = merge(tuple(scenario.models), list(zip(names, traces, strict=True)))
    if not workload:
        raise UserError(f"scenario {scenario.source}: workload: no request arrives with seed {seed}; raise scale")
    return workload


def burstiness(scenario: Scenario, sources: Sequence[Source], seed: int) -> tuple[PeakToMean, ...]:
    """How bursty each workload entry is before and after it was superposed; synthetic traffic has one answer twice."""
    return tuple(peaks_to_means(before, after) for before, after in _drawn(scenario, sources, seed))


def _drawn(scenario: Scenario, sources: Sequence[Source], seed: int) -> Iterator[tuple[Trace, Trace]]:
    for index, (entry, source) in enumerate(zip(scenario.workload, sources, strict=True)):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(STREAM, index)))
        if isinstance(source, Trace):
            yield source, superpose(source, entry.scale, entry.jitter, rng)
        else:
            drawn = draw_trace(source, rng, entry.scale).window(entry.start, entry.duration)
            yield drawn, drawn


def _synthetic(spec: SyntheticSpec) -> Synthetic:
    inputs, outputs = _token_counts(spec.input_tokens), _token_counts(spec.output_tokens)
    return Synthetic(spec.rate, inputs, outputs, spec.arrivals)


def _token_counts(spec: TokensSpec) -> TokenCounts:
    if spec.lognormal is not None:
        return Lognormal(spec.lognormal.mean, spec.lognormal.cv)
    if spec.uniform is not None:
        return Uniform(spec.uniform.min, spec.uniform.max)
    assert spec.constant is not None
    return Constant(spec.constant)
