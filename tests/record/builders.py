"""Small fleets, and runs of the threshold policy over them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tests.record.threshold import Threshold, ThresholdMemory
from wva.fleet.inventory import Inventory
from wva.fleet.model import Model, Objectives
from wva.fleet.observation import CarrierTraits, ModelObservation, Observation, Traffic, Trigger, VariantObservation
from wva.fleet.outcome import Outcome, Result
from wva.fleet.replica import Instance, InstanceMetrics, Phase, Replica
from wva.fleet.variant import EngineArguments, Role, Variant
from wva.record.decision import Decision
from wva.record.writer import JournalWriter

MODEL = Model("llama", "default", "llama-8b", "bf16", Objectives(1.0, 0.05), 1)
TRAITS = CarrierTraits("wva", True, True, True, True)
TRAFFIC = Traffic(4.0, 100.0, 1e5, 2.0, 3.25, None, 1e3, 1e3, 7.0, 0.0, 0.0, 0.25, None)


def variant(name: str = "fast") -> Variant:
    return Variant(name, "llama", Role.BOTH, "H100-80GB", 1, EngineArguments(), 4.0, 0, 10, 60.0)


def metrics(waiting: float | None, kv_usage: float | None = 0.5) -> InstanceMetrics:
    return InstanceMetrics(3.0, 4.0, waiting, kv_usage, *[None] * 15)


def replica(name: str, waiting: float | None = 0.0, phase: Phase = Phase.READY, since: float = 0.0) -> Replica:
    ready = phase is Phase.READY
    engine = Instance(f"{name}-engine", 1000 if ready else None, metrics(waiting) if ready else None)
    return Replica(name, phase, None, since, 0.0, 0.0, since if ready else None, None, (engine,))


def seen(replicas: Sequence[Replica], desired: int | None = None, name: str = "fast") -> VariantObservation:
    ready = sum(one.phase is Phase.READY for one in replicas)
    wanted = len(replicas) if desired is None else desired
    return VariantObservation(variant(name), wanted, ready, None, TRAITS, tuple(replicas))


def observation(now: float, *variants: VariantObservation, outcomes: tuple[Outcome, ...] = ()) -> Observation:
    models = (ModelObservation(MODEL, TRAFFIC),)
    name = f"seen-{now:g}"
    return Observation(name, now, Trigger.INTERVAL, ("llama",), models, variants, Inventory(), outcomes, "digest")


def decide(policy: Threshold, observations: Sequence[Observation]) -> Iterator[Decision[ThresholdMemory]]:
    memory = policy.initial_memory()
    for number, one in enumerate(observations):
        plan, memory = policy(one, memory)
        outcomes = tuple(Outcome(plan.id, part.variant, Result.APPLIED, part.target) for part in plan.variants)
        yield Decision(one, plan, memory, outcomes, 0.001 * (number + 1))


def record(path: Path, decisions: Sequence[Decision[ThresholdMemory]], policy: Threshold | None = None) -> Path:
    chosen = Threshold() if policy is None else policy
    with JournalWriter(path, chosen, scenario="burst", seed=7, decisions_per_block=4) as journal:
        for decision in decisions:
            journal.append(decision)
    return path


def growth() -> list[Observation]:
    """Two quiet decisions, a queue that asks for a third replica, a start of 45 s, then quiet, then one too many."""
    two = [replica("a", 1.0), replica("b", 2.0)]
    full = [replica("a", 9.0), replica("b", 2.0)]
    third = replica("c", None, Phase.STARTING, 30.0)
    steps = [
        seen(two),
        seen(two),
        seen(full),
        seen([*two, third], desired=3),
        seen([*two, third], desired=3),
        seen([*two, replica("c", 1.0, since=75.0)], desired=3),
        seen([*two, replica("c", 1.0, since=75.0)], desired=3),
        seen([replica(name, 0.0) for name in "abc"], desired=3),
        seen([replica("a", 1.0), replica("b", 1.0), replica("c", 0.0, Phase.DRAINING, 105.0)], desired=2),
        seen([replica("a", 1.0), replica("b", 1.0)], desired=2),
    ]
    return [observation(15.0 * number, step) for number, step in enumerate(steps)]


def refused(decision: Decision[ThresholdMemory], detail: str) -> Decision[ThresholdMemory]:
    outcomes = tuple(replace(one, result=Result.REFUSED, detail=detail, replicas=2) for one in decision.outcomes)
    return replace(decision, outcomes=outcomes)
