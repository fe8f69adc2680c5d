"""The requests of the interval, and which part of them each variant's planner sees as its own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from wva.decide.trust import known
from wva.fleet.observation import Traffic, VariantObservation
from wva.fleet.replica import Phase
from wva.policies.dynamo.engines import STALENESS_S, finished_totals, in_flight
from wva.policies.dynamo.memory import ModelMemory, PlannerMemory


def count_finished(planner: PlannerMemory, seen: VariantObservation, now: float) -> PlannerMemory:
    """Add what its engines have finished since they were last looked at; a counter that fell has begun anew."""
    finished = planner.finished
    totals: dict[str, float] = {}
    for instance, total in finished_totals(seen).items():
        before = planner.totals.get(instance)
        if total is not None:
            # An engine that was not there when it was last looked has finished all that it counts since.
            finished += total - before if before is not None and total >= before else total
            totals[instance] = total
        elif before is not None:
            totals[instance] = before
    # A clock that was set back makes the last look a thing of the future.
    return replace(planner, finished=finished, totals=totals, looked_at=min(planner.looked_at, now))


def begun(seen: VariantObservation, now: float) -> PlannerMemory:
    """A planner that sees its variant for the first time; what its engines had finished by then is not its affair."""
    totals = {instance: total for instance, total in finished_totals(seen).items() if total is not None}
    return PlannerMemory(looked_at=now, in_flight=in_flight(seen), totals=totals)


def counted(traffic: Traffic | None, now: float) -> tuple[float, float] | None:
    """When the requests that had arrived by then were last counted, and how many they were; ``None`` is unknown."""
    if traffic is None or not 0.0 <= traffic.age_s <= STALENESS_S:
        return None
    arrivals = known(traffic.arrivals_total)
    return None if arrivals is None else (now - traffic.age_s, arrivals)


def arrival_rate(memory: ModelMemory, counted_at: float, arrivals: float) -> float | None:
    """Requests per second since the interval began; ``None`` where they were not counted, or anew, or not since."""
    if memory.counted_at is None or arrivals < memory.arrivals or not counted_at > memory.counted_at:
        return None
    return (arrivals - memory.arrivals) / (counted_at - memory.counted_at)


def shares(
    variants: Sequence[VariantObservation], planners: Mapping[str, PlannerMemory], configured: Mapping[str, float]
) -> dict[str, float]:
    """The part of a model's requests that goes to each of its variants, by name.

    As configured, or by what their engines took on in the interval: what they finished and what is in them more than
    before. Where none took any, by ready replicas, and evenly without any.
    """
    names = [seen.variant.name for seen in variants]
    ready = [float(sum(replica.phase is Phase.READY for replica in seen.replicas)) for seen in variants]
    taken = [max(0.0, planners[seen.variant.name].finished + _more(planners, seen)) for seen in variants]
    for weights in ([configured.get(name, 0.0) for name in names], taken, ready):
        total = sum(weights)
        if total > 0.0:
            return {name: weight / total for name, weight in zip(names, weights, strict=True)}
    return dict.fromkeys(names, 1.0 / len(names))


def _more(planners: Mapping[str, PlannerMemory], seen: VariantObservation) -> float:
    return in_flight(seen) - planners[seen.variant.name].in_flight
