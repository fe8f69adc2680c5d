"""How much one replica takes: a sweep of rates over each load of the benchmark."""

from dataclasses import dataclass

from bench.published.cases import KNEE_RATES, LOADS, SCENARIOS, two_gpus
from bench.published.measure import Measured, measured, run_all
from wva.scenario.load import load_scenario
from wva.scenario.schema import ClientsSpec, Scenario

STAGE_S = 300.0
"""Length of each stage of the published sweep."""

JUMP = 10.0
"""The knee is the first rate whose P99 TTFT is so many times that of the lowest rate."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One rate of the sweep."""

    rate: float
    measured: Measured


Sweep = tuple[Stage, ...]
"""The stages of one load in order of their rate."""


def run_sweeps() -> dict[tuple[str, int], Sweep]:
    """The sweep of every load, on replicas of one GPU and of two."""
    return {
        (load, gpus): tuple(Stage(rate, measured(run_all(at_rate(load, rate, gpus), "static"))) for rate in KNEE_RATES)
        for load in LOADS
        for gpus in (1, 2)
    }


def at_rate(load: str, rate: float, gpus: int = 1) -> Scenario:
    """A load of the benchmark at another rate, from clients without a limit that wait for every answer."""
    scenario = load_scenario(SCENARIOS / "published" / f"{load}.yaml")
    (entry,) = scenario.workload
    assert entry.synthetic is not None
    synthetic = entry.synthetic.model_copy(update={"rate": ((0.0, rate), (STAGE_S, rate))})
    workload = (entry.model_copy(update={"synthetic": synthetic, "duration": None}),)
    changed = scenario.model_copy(update={"workload": workload, "clients": ClientsSpec()})
    return changed if gpus == 1 else two_gpus(changed)


def knee(stages: Sweep) -> Stage | None:
    """The first stage whose P99 TTFT has jumped; ``None`` where it never does."""
    calm = stages[0].measured.p99_ttft_s
    for stage in stages[1:]:
        now = stage.measured.p99_ttft_s
        if calm is not None and now is not None and now > JUMP * calm:
            return stage
    return None


def peak(stages: Sweep) -> Stage:
    """The stage with the most output tokens a second, of answers that were complete within the stage."""
    return max(stages, key=lambda stage: stage.measured.output_tokens_per_s)
