"""Random fleets over time, for properties that hold for every policy.

``stories()`` draws a ``Story``: a fleet and what happens to it step by step. ``Body`` plays it: it shows one
observation a step and carries plans out as the story says, so that what a policy sees depends on what it decided.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from enum import Enum
from math import nan
from typing import Any, TypeVar

from hypothesis import strategies as st

from wva.fleet.inventory import Inventory, Pool, Supply
from wva.fleet.model import Model, Objectives
from wva.fleet.observation import (
    CarrierTraits,
    ModelObservation,
    Observation,
    Traffic,
    Trigger,
    VariantObservation,
)
from wva.fleet.outcome import Outcome, Result
from wva.fleet.plan import Plan
from wva.fleet.replica import Instance, InstanceMetrics, Phase, Replica
from wva.fleet.variant import EngineArguments, Role, Variant

Seen = TypeVar("Seen", InstanceMetrics, Traffic)

ACCELERATORS = ("H100-80GB", "A100-80GB")
VERY_OLD_S = 1e6


class Reply(Enum):
    """What the body does with its part of a plan."""

    APPLY = "apply"
    REFUSE = "refuse"
    HALF = "half"
    """It goes half of the way, as when the hardware ran out."""
    USER = "user"
    """Someone else sets the count right after."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one replica is like at one step."""

    phase: Phase
    metrics: tuple[InstanceMetrics | None, ...]
    """One entry an instance; counters are per second here, and grow with the time of the story."""


@dataclass(frozen=True, slots=True)
class VariantStep:
    """What happens to one variant at one step."""

    lag: int
    """Replicas that the body has more than it works towards."""
    draining: int
    ready_known: bool
    readings: tuple[Reading, ...]
    """Taken in turn by the replicas."""
    reply: Reply
    user_count: int


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to the fleet at one step."""

    elapsed_s: float
    trigger: Trigger
    scope: tuple[str, ...]
    blind: bool
    """Whether every metric and all traffic is unknown."""
    traffic: tuple[Traffic | None, ...]
    """One entry a model; counters are per second here."""
    inventory: Inventory
    variants: tuple[VariantStep, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """A fleet and what happens to it."""

    start: float
    models: tuple[Model, ...]
    variants: tuple[Variant, ...]
    desired: tuple[int, ...]
    """Count of each variant at the start."""
    traits: CarrierTraits
    steps: tuple[Step, ...]


class Body:
    """Plays a story."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self._desired = dict(zip((v.name for v in story.variants), story.desired, strict=True))
        self._outcomes: tuple[Outcome, ...] = ()
        self._step: Step | None = None

    def steps(self) -> Iterator[tuple[Step, Observation]]:
        """Each step with its observation; the plan that answers it is carried out before the next one is asked for."""
        now = self.story.start
        for number, step in enumerate(self.story.steps):
            now += step.elapsed_s
            self._step = step
            yield step, self._observe(number, step, now)

    def carry_out(self, plan: Plan) -> None:
        """Answer the plan as the story says."""
        assert self._step is not None
        behaviours = dict(zip((v.name for v in self.story.variants), self._step.variants, strict=True))
        outcomes = []
        for part in plan.variants:
            before, behaviour = self._desired[part.variant], behaviours[part.variant]
            count, result = {
                Reply.APPLY: (part.target, Result.APPLIED),
                Reply.REFUSE: (before, Result.REFUSED),
                Reply.HALF: ((before + part.target) // 2, Result.CLAMPED),
                Reply.USER: (behaviour.user_count, Result.CONFLICT),
            }[behaviour.reply]
            self._desired[part.variant] = count
            outcomes.append(Outcome(plan.id, part.variant, result, count))
        self._outcomes = tuple(outcomes)

    def _observe(self, number: int, step: Step, now: float) -> Observation:
        age = now - self.story.start
        return Observation(
            id=f"o{number}",
            now=now,
            trigger=step.trigger,
            scope=step.scope,
            models=tuple(
                ModelObservation(model, _counted(traffic, age))
                for model, traffic in zip(self.story.models, step.traffic, strict=True)
            ),
            variants=tuple(
                _variant_observation(variant, self._desired[variant.name], happens, self.story.traits, now, age)
                for variant, happens in zip(self.story.variants, step.variants, strict=True)
            ),
            inventory=step.inventory,
            outcomes=self._outcomes,
            configuration="configuration",
        )


def _variant_observation(
    variant: Variant, desired: int, happens: VariantStep, traits: CarrierTraits, now: float, age: float
) -> VariantObservation:
    replicas = [
        _replica(f"{variant.name}-{number}", happens.readings[number % len(happens.readings)], now, age)
        for number in range(max(0, desired + happens.lag))
    ]
    replicas += [
        replace(_replica(f"{variant.name}-old-{number}", happens.readings[0], now, age), phase=Phase.DRAINING)
        for number in range(happens.draining)
    ]
    ready = sum(replica.phase is Phase.READY for replica in replicas)
    return VariantObservation(
        variant=variant,
        desired=desired,
        ready=ready if happens.ready_known else None,
        revision="1",
        traits=traits,
        replicas=tuple(replicas),
    )


def _replica(name: str, reading: Reading, now: float, age: float) -> Replica:
    since = now - min(age, 30.0)
    placed = reading.phase is not Phase.PENDING
    ready = reading.phase is Phase.READY
    return Replica(
        id=name,
        phase=reading.phase,
        reason=None if placed else "waiting for stock",
        since=since,
        ordered_at=since,
        started_at=since if placed else None,
        ready_at=since if ready else None,
        revision="1",
        instances=tuple(
            Instance(f"{name}/{rank}", 100_000 if ready else None, _counted(metrics, age) if ready else None)
            for rank, metrics in enumerate(reading.metrics)
        ),
    )


def _counted(seen: Seen | None, age: float) -> Seen | None:
    """The same with its counters after that many seconds."""
    if seen is None:
        return None
    rates = {field.name: getattr(seen, field.name) for field in fields(seen) if field.name.endswith("_total")}
    counters: dict[str, Any] = {name: None if rate is None else rate * age for name, rate in rates.items()}
    return replace(seen, **counters)


# What is not known at all, of an instance and of a model.
_FIGURES = [field.name for field in fields(InstanceMetrics) if field.name != "age_s"]
_FLOWS = [field.name for field in fields(Traffic) if field.name != "age_s"]
NOTHING_READ: tuple[InstanceMetrics | None, ...] = (
    None,
    InstanceMetrics(age_s=5.0, **dict.fromkeys(_FIGURES)),
    InstanceMetrics(age_s=5.0, **dict.fromkeys(_FIGURES, nan)),
    InstanceMetrics(age_s=VERY_OLD_S, **dict.fromkeys(_FIGURES, 0.0)),
)
NO_TRAFFIC: tuple[Traffic | None, ...] = (None, Traffic(age_s=5.0, **dict.fromkeys(_FLOWS)))

IDLE = InstanceMetrics(age_s=5.0, **dict.fromkeys(_FIGURES, 0.0))
"""An engine with nothing to do."""

_SHARES = ("kv_usage", "kv_usage_max_1m", "prefix_hit_rate_5m")


def _figure(highest: float) -> st.SearchStrategy[float | None]:
    known = st.floats(0.0, highest) | st.sampled_from((0.0, highest))
    return known | known | st.sampled_from((None, nan))


_AGES = st.sampled_from((0.0, 5.0, 14.0, 40.0, 200.0, 400.0, VERY_OLD_S))

instance_metrics: st.SearchStrategy[InstanceMetrics] = st.builds(
    InstanceMetrics,
    age_s=_AGES,
    **{name: _figure(1.0 if name in _SHARES else 50.0) for name in _FIGURES},
)
"""One engine's metrics: any figure known, unknown or not a number, any age."""

traffics: st.SearchStrategy[Traffic] = st.builds(Traffic, age_s=_AGES, **{name: _figure(100.0) for name in _FLOWS})
"""One model's traffic: any figure known, unknown or not a number, any age."""

_PHASES = st.sampled_from((Phase.READY, Phase.READY, Phase.READY, Phase.STARTING, Phase.PENDING))


@st.composite
def variants(draw: st.DrawFn, name: str, model: str) -> Variant:
    """A variant with any minimum and maximum."""
    lowest = draw(st.integers(0, 4))
    return Variant(
        name=name,
        model=model,
        role=Role.BOTH,
        accelerator=draw(st.sampled_from(ACCELERATORS)),
        tensor_parallel=draw(st.sampled_from((1, 2, 4))),
        engine=EngineArguments(),
        cost_per_hour=draw(st.sampled_from((1.8, 3.0))),
        min_replicas=lowest,
        max_replicas=lowest + draw(st.integers(0, 12)),
        startup_s=110.0,
    )


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    """A pool for each accelerator, or none; fixed, elastic or unknown."""
    pools = []
    for accelerator in ACCELERATORS:
        supply = draw(st.sampled_from((None, *Supply)))
        if supply is None:
            continue
        free = tuple(draw(st.lists(st.integers(1, 8), max_size=3)))
        known = supply is not Supply.UNKNOWN
        pools.append(Pool(accelerator, accelerator, supply, sum(free) + 32 if known else None, free if known else None))
    return Inventory(tuple(pools))


@st.composite
def stories(draw: st.DrawFn, longest: int = 8) -> Story:
    """A fleet of one or two models with one to three variants, and up to that many steps."""
    model_names = [f"model-{number}" for number in range(draw(st.integers(1, 2)))]
    fleet = tuple(
        draw(variants(f"variant-{number}", draw(st.sampled_from(model_names))))
        for number in range(draw(st.integers(1, 3)))
    )
    # A few readings that recur, instead of one for every replica at every step, keep the examples small.
    metrics = draw(st.lists(instance_metrics, min_size=1, max_size=4))
    flows = draw(st.lists(traffics, min_size=1, max_size=2))
    step = _steps(model_names, len(fleet), metrics, flows)
    steps = [draw(step) for _ in range(draw(st.integers(1, longest)))]
    return Story(
        start=draw(st.sampled_from((0.0, 1.7e9))),
        models=tuple(
            Model(name, "default", "Llama-3.1-8B-Instruct", "bf16", Objectives(2.0, 0.1), priority)
            for priority, name in enumerate(model_names)
        ),
        variants=fleet,
        desired=tuple(draw(st.integers(variant.min_replicas, variant.max_replicas)) for variant in fleet),
        traits=CarrierTraits(
            owner="wva",
            chooses_victims=draw(st.booleans()),
            drains=draw(st.booleans()),
            reaches_zero=draw(st.booleans()),
            restores=draw(st.booleans()),
        ),
        steps=tuple(steps),
    )


@st.composite
def _steps(
    draw: st.DrawFn, models: list[str], variant_count: int, metrics: list[InstanceMetrics], flows: list[Traffic]
) -> Step:
    blind, idle = draw(st.sampled_from(((False, False), (False, False), (False, True), (True, False))))
    seen = st.sampled_from(NOTHING_READ if blind else (IDLE,) if idle else (None, *metrics, *metrics))
    readings = st.builds(Reading, _PHASES, st.lists(seen, min_size=1, max_size=2).map(tuple))
    return Step(
        elapsed_s=draw(st.sampled_from((0.0, 0.5, 5.0, 14.9, 15.0, 15.0, 15.2, 30.0, 61.0, 299.0, 301.0, 4000.0))),
        trigger=draw(st.sampled_from(Trigger)),
        scope=tuple(draw(st.sampled_from((models, models, models[:1])))),
        blind=blind,
        traffic=tuple(draw(st.sampled_from(NO_TRAFFIC if blind else (None, *flows))) for _ in models),
        inventory=draw(inventories()),
        variants=tuple(
            VariantStep(
                lag=draw(st.sampled_from((0, 0, 0, -1, 1))),
                draining=draw(st.integers(0, 2)),
                ready_known=draw(st.booleans()),
                readings=tuple(draw(st.lists(readings, min_size=1, max_size=4))),
                reply=draw(st.sampled_from((Reply.APPLY, Reply.APPLY, *Reply))),
                user_count=draw(st.integers(0, 18)),
            )
            for _ in range(variant_count)
        ),
    )
