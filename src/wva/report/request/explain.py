"""Gathers what there is to tell of one request."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wva.engine.batch import state
from wva.engine.batch.state import PICOSECONDS
from wva.fleet.observation import Observation
from wva.fleet.replica import Phase
from wva.report.request.decisions import decision_facts, newest_changes
from wva.report.request.facts import (
    AloneOn,
    Episode,
    Explanation,
    RequestFacts,
    StageTime,
    VariantState,
)
from wva.report.request.remedy import find_remedy
from wva.simulate.attainable import Alone, alone
from wva.simulate.follow import Followed, Stage, follow
from wva.simulate.inquiry import Inquiry
from wva.simulate.misses import CAUSES, MET
from wva.simulate.recorded import RecordedRun
from wva.simulate.result import RunResult

STATUS = {
    state.COMPLETED: "completed",
    state.TRUNCATED: "cut short by the longest context",
    state.TOO_LONG: "refused: its prompt is too long",
    state.FIRST_TOKEN_TIMEOUT: "given up before its first token",
    state.TOTAL_TIMEOUT: "given up before its last token",
    state.CRASHED: "lost in a crash",
    state.QUEUE_TIMEOUT: "dropped by the gateway, which had held it for too long",
    state.INCOMPLETE: "unfinished when its client left at the end of the window",
}

EPISODE_GAP_S = 60.0
"""Misses that arrive within so long of each other are one episode."""


def explain_request(
    run: RecordedRun, result: RunResult, causes: NDArray[np.int8], request: int, progress: Callable[[str], None]
) -> Explanation:
    """Explain one request of a run that was made again; ``causes`` are those of all its requests."""
    inquiry = Inquiry(run, result, request, progress)
    before = inquiry.as_recorded()
    before.run_until(int(result.requests[request]["arrival"]) - 1)
    observation = before.look()
    progress("follows it")
    followed = follow(inquiry.as_recorded(), run.setting, request)
    alone_on = [alone(before.world.engines, v, request) for v in inquiry.variants]
    facts = _facts(run, result, causes, request, followed)
    comparison = tuple(_alone_on(run, v, one, facts) for v, one in zip(inquiry.variants, alone_on, strict=True))
    own = None if followed.variant is None else alone_on[inquiry.variants.index(followed.variant)]
    in_force = [(number, decision) for number, decision in inquiry.decisions if decision.time <= facts.arrival_s]
    names = [run.setting.variants[v].name for v in inquiry.variants]
    return Explanation(
        scenario=run.setting.scenario.name,
        policy=run.journal.run.policy,
        seed=run.seed,
        request=facts,
        stages=_stages(followed, own),
        alone=comparison,
        fleet=_fleet(observation, names),
        gateway_queue=_queued(observation, facts.model),
        decision=decision_facts(*in_force[-1], names) if in_force else None,
        changes=newest_changes(in_force, names),
        episode=None if facts.met else _episode(result.requests, causes, request),
        remedy=find_remedy(run, result, inquiry, facts, comparison),
    )


def _facts(
    run: RecordedRun, result: RunResult, causes: NDArray[np.int8], request: int, followed: Followed
) -> RequestFacts:
    record = result.requests[request]
    model = run.setting.models[int(record["model"])]
    status, produced = int(record["status"]), int(record["produced"])
    first, finish = int(record["first_token"]), int(record["finish"])
    arrival = int(record["arrival"])
    answered = status in (state.COMPLETED, state.TRUNCATED)
    steps = max((produced if answered else int(record["output"])) - 1, 0)
    cause = int(causes[request])
    return RequestFacts(
        id=request,
        model=model.name,
        input_tokens=int(record["input"]),
        output_tokens=int(record["output"]),
        produced=produced,
        arrival_s=arrival / PICOSECONDS,
        status=STATUS[status],
        met=cause == MET,
        cause=None if cause == MET else CAUSES[cause],
        ttft_s=None if first < 0 else (first - arrival) / PICOSECONDS,
        ttft_objective_s=model.objectives.ttft_s,
        total_s=(finish - arrival) / PICOSECONDS,
        total_allowed_s=model.objectives.ttft_s + steps * model.objectives.tpot_s,
        tpot_s=(finish - first) / steps / PICOSECONDS if answered and steps else None,
        tpot_objective_s=model.objectives.tpot_s,
        preemptions=int(record["preemptions"]),
        variant=None if followed.variant is None else run.setting.variants[followed.variant].name,
        replica=followed.replica,
        running_before=followed.running,
        waiting_before=followed.waiting,
    )


def _alone_on(run: RecordedRun, variant: int, one: Alone | None, facts: RequestFacts) -> AloneOn:
    name = run.setting.variants[variant].name
    if one is None:
        return AloneOn(name, None, None, met=False)
    ttft_s, total_s = one.ttft_ps / PICOSECONDS, (one.ttft_ps + one.rest_ps) / PICOSECONDS
    allowed_s = facts.ttft_objective_s + one.steps * facts.tpot_objective_s
    return AloneOn(name, ttft_s, total_s, met=ttft_s <= facts.ttft_objective_s and total_s <= allowed_s)


def _stages(followed: Followed, own: Alone | None) -> tuple[StageTime, ...]:
    ideal = dict.fromkeys(Stage, 0)
    if own is not None:
        ideal |= {Stage.PREFILL: own.ttft_ps, Stage.DECODE: own.rest_ps}
    return tuple(
        StageTime(stage.value, spent / PICOSECONDS, None if own is None else ideal[stage] / PICOSECONDS)
        for stage, spent in followed.stages.items()
    )


def _fleet(observation: Observation, variants: Sequence[str]) -> tuple[VariantState, ...]:
    states = []
    for seen in observation.variants:
        if seen.variant.name not in variants:
            continue
        metrics = [i.metrics for replica in seen.replicas for i in replica.instances if i.metrics is not None]
        used = [one.kv_usage for one in metrics if one.kv_usage is not None]
        states.append(
            VariantState(
                variant=seen.variant.name,
                phases={phase.value: len(seen.in_phase(phase)) for phase in Phase},
                running=sum(one.running or 0.0 for one in metrics),
                waiting=sum(one.waiting or 0.0 for one in metrics),
                kv_mean=sum(used) / len(used) if used else None,
                kv_max=max(used, default=None),
            )
        )
    return tuple(states)


def _queued(observation: Observation, model: str) -> float:
    seen = next(seen for seen in observation.models if seen.model.name == model)
    return 0.0 if seen.traffic is None else seen.traffic.queue_requests or 0.0


def _episode(requests: NDArray[Any], causes: NDArray[np.int8], request: int) -> Episode:
    own = requests["model"] == requests[request]["model"]
    missed = np.flatnonzero(own & (causes != MET))
    arrivals = requests["arrival"][missed]
    breaks = np.flatnonzero(np.diff(arrivals) > EPISODE_GAP_S * PICOSECONDS)
    place = int(np.searchsorted(missed, request))
    group = int(np.searchsorted(breaks, place))
    first = int(breaks[group - 1]) + 1 if group else 0
    last = int(breaks[group]) if group < len(breaks) else len(missed) - 1
    between = np.count_nonzero(own[missed[first] : missed[last] + 1])
    return Episode(arrivals[first] / PICOSECONDS, arrivals[last] / PICOSECONDS, last - first + 1, int(between))
