"""From one run to its numbers, over all that was offered: a request that failed counts in every share."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wva.engine.batch.state import (
    CRASHED,
    FIRST_TOKEN_TIMEOUT,
    INCOMPLETE,
    PICOSECONDS,
    QUEUE_TIMEOUT,
    TOO_LONG,
    TOTAL_TIMEOUT,
    TRUNCATED,
)
from wva.fleet.model import Model
from wva.report.energy import EnergyScore, energy_score
from wva.report.percentiles import Percentiles, nearest_ranks, percentiles
from wva.report.tally import Tally, tally
from wva.simulate.result import RunResult

SETTLED_S = 600
"""What arrives after so many seconds is also scored apart: by then a fleet can have grown from its initial counts."""

REASONS = {
    TOO_LONG: "too_long",
    FIRST_TOKEN_TIMEOUT: "first_token_timeout",
    TOTAL_TIMEOUT: "total_timeout",
    CRASHED: "crash",
    QUEUE_TIMEOUT: "queue_timeout",
    INCOMPLETE: "incomplete",
}
"""Why a request failed, by its status."""


@dataclass(frozen=True, slots=True)
class DecisionTimes:
    """Milliseconds that the policy took for a decision; ``None`` without one."""

    p50: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class ModelScore:
    """One model of a run, in the numbers that have their name in ``Score``."""

    priority: int
    offered: int
    completed: int
    failed: dict[str, int]
    met: int
    attainment: float | None
    attainment_strict: float | None
    attainment_after_600s: float | None
    ttft_s: Percentiles
    tpot_s: Percentiles
    e2e_s: Percentiles


@dataclass(frozen=True, slots=True)
class Score:
    """One run in numbers. ``None`` is unknown."""

    seed: int
    offered: int
    """Requests that arrived in the window."""
    attainable: float
    """Share of the offered that an empty replica would have met: the ceiling of attainment."""
    completed: int
    """Requests that ended with an answer, be it cut short."""
    truncated: int
    """Of these, how many were cut short by the longest context."""
    failed: dict[str, int]
    """Requests that ended without their whole answer, by reason, and their ``sum``."""
    met: int
    """Requests served within the objectives."""
    attainment: float | None
    """Met over offered."""
    attainment_strict: float | None
    """Share of the offered with a first token within TTFT and each further one within TPOT on average."""
    attainment_after_600s: float | None
    """Attainment of the requests that arrived 600 s after the start or later."""
    effective_throughput_rps: float
    """Met requests per second of the window."""
    ttft_s: Percentiles
    """Seconds from arrival to first token, of requests that got one."""
    tpot_s: Percentiles
    """Mean seconds between tokens, of completed requests with two tokens or more."""
    e2e_s: Percentiles
    """Seconds from arrival to last token, of completed requests."""
    replica_hours: dict[str, float]
    """Hours from start order to release, by variant."""
    gpu_hours: float
    cost: float
    """Price of the replica-hours."""
    cost_ready_only: float
    """Price of the replicas while they were ready: what nobody is billed for, but some comparisons count."""
    energy: EnergyScore
    end_s: float
    """When the last request had ended and billing stopped, in seconds from the start."""
    scale_ups: int
    """Decisions that grew a variant."""
    scale_downs: int
    decision_ms: DecisionTimes
    wall_seconds: float
    """Time that the run took, from reading the traffic to its score; compiling not counted."""
    simulated_requests_per_second: float
    """Offered over wall seconds."""
    by_model: dict[str, ModelScore] = field(default_factory=dict)
    """Each model's part, where there is more than one."""


def score(result: RunResult) -> Score:
    """Score a run. Raises ``AssertionError`` where a request is not accounted for."""
    requests = result.requests
    offered = len(requests)
    settled = int(np.searchsorted(requests["arrival"], SETTLED_S * PICOSECONDS))
    counted = tally(requests, result.models, SETTLED_S * PICOSECONDS)
    failed = _failed(counted)
    completed = len(counted.e2e_ps)
    assert completed + failed["sum"] == offered, "a request neither completed nor failed"
    hours = {variant.name: use.billed_hours for variant, use in zip(result.variants, result.use, strict=True)}
    decision_ms = nearest_ranks(result.decision_s * 1000, (0.5, 0.99))
    return Score(
        seed=result.seed,
        offered=offered,
        attainable=int(np.count_nonzero(result.attainable)) / offered,
        completed=completed,
        truncated=counted.by_status[TRUNCATED],
        failed=failed,
        met=counted.met,
        attainment=_share(counted.met, offered),
        attainment_strict=_share(counted.strict, offered),
        attainment_after_600s=_share(counted.met_settled, offered - settled),
        effective_throughput_rps=counted.met / result.window_s,
        ttft_s=percentiles(counted.ttft_ps, PICOSECONDS),
        tpot_s=percentiles(counted.tpot_ps, PICOSECONDS),
        e2e_s=percentiles(counted.e2e_ps, PICOSECONDS),
        replica_hours=hours,
        gpu_hours=sum(hours[variant.name] * variant.gpus_per_replica for variant in result.variants),
        cost=sum(hours[variant.name] * variant.cost_per_hour for variant in result.variants),
        cost_ready_only=sum(
            use.ready_hours * variant.cost_per_hour for variant, use in zip(result.variants, result.use, strict=True)
        ),
        energy=energy_score(result, counted.output_tokens),
        end_s=result.end_s,
        scale_ups=sum(use.scale_ups for use in result.use),
        scale_downs=sum(use.scale_downs for use in result.use),
        decision_ms=DecisionTimes(*decision_ms),
        wall_seconds=result.wall_s,
        simulated_requests_per_second=offered / result.wall_s,
        by_model=_by_model(requests, result.models) if len(result.models) > 1 else {},
    )


def _by_model(requests: NDArray[Any], models: Sequence[Model]) -> dict[str, ModelScore]:
    return {
        model.name: model_score(requests[requests["model"] == index], models, model.priority)
        for index, model in enumerate(models)
    }


def model_score(requests: NDArray[Any], models: Sequence[Model], priority: int) -> ModelScore:
    """The score of one model's requests, dtype REQUEST, which still count by its place among the models."""
    offered = len(requests)
    settled = int(np.searchsorted(requests["arrival"], SETTLED_S * PICOSECONDS))
    counted = tally(requests, models, SETTLED_S * PICOSECONDS)
    return ModelScore(
        priority=priority,
        offered=offered,
        completed=len(counted.e2e_ps),
        failed=_failed(counted),
        met=counted.met,
        attainment=_share(counted.met, offered),
        attainment_strict=_share(counted.strict, offered),
        attainment_after_600s=_share(counted.met_settled, offered - settled),
        ttft_s=percentiles(counted.ttft_ps, PICOSECONDS),
        tpot_s=percentiles(counted.tpot_ps, PICOSECONDS),
        e2e_s=percentiles(counted.e2e_ps, PICOSECONDS),
    )


def _failed(counted: Tally) -> dict[str, int]:
    failed = {reason: counted.by_status[status] for status, reason in REASONS.items()}
    failed["sum"] = sum(failed.values())
    return failed


def with_wall(scored: Score, wall_s: float) -> Score:
    """The score of a run that took ``wall_s`` seconds with all that belongs to it."""
    return replace(scored, wall_seconds=wall_s, simulated_requests_per_second=scored.offered / wall_s)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
