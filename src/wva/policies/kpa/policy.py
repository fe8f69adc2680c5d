"""One KPA for every variant."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import floor, inf

from wva.decide.view import bounded, dated, in_scope, not_draining
from wva.fleet.observation import Observation, VariantObservation
from wva.fleet.plan import Plan, VariantPlan
from wva.fleet.reason import Reason
from wva.fleet.replica import Phase
from wva.policies.hpa.memory import Stamp
from wva.policies.kpa.concurrency import concurrency
from wva.policies.kpa.decider import Decider, Panic
from wva.policies.kpa.memory import VERSION, KpaMemory, VariantMemory, delayed
from wva.policies.kpa.zero import Activity, ScaleToZero
from wva.policies.samples import mean, recorded, within

_LEAST_TARGET = 0.01
"""The lowest concurrency that Knative aims at (``autoscaling.TargetMin``)."""

_PRECISION = 1e6
"""Means are cut off at millionths, as in ``aggregation.roundToNDigits``."""


@dataclass(frozen=True, slots=True)
class KpaPolicy:
    """Knative's Pod Autoscaler with the defaults of its ``config-autoscaler``."""

    name: str = "kpa"
    """Name that users select it by."""
    container_concurrency_target_default: float = 100.0
    """Requests that each replica can have in flight."""
    target: Mapping[str, float] = field(default_factory=dict)
    """The same for variants of their own (annotation ``autoscaling.knative.dev/target``), by variant name."""
    container_concurrency_target_percentage: float = 70.0
    """Percent of them that is aimed at."""
    stable_window_s: float = 60.0
    """Seconds whose mean concurrency counts outside of panic, 6 to 3600; and after which panic ends."""
    panic_window_percentage: float = 10.0
    """Percent of the stable window whose mean brings panic about, 1 to 100."""
    panic_threshold_percentage: float = 200.0
    """Percent of the ready replicas that the panic window has to want for panic."""
    max_scale_up_rate: float = 1000.0
    """How many times the ready replicas it wants at most."""
    max_scale_down_rate: float = 2.0
    """Which part of the ready replicas it wants at least: 2 is half of them."""
    scale_down_delay_s: float = 0.0
    """Seconds whose highest count holds."""
    activation_scale: int = 1
    """The least count while there is anything to do."""
    enable_scale_to_zero: bool = True
    """Whether a variant whose minimum is 0 goes there."""
    scale_to_zero_grace_period_s: float = 30.0
    """Seconds without anything to do before it does."""
    scale_to_zero_pod_retention_period_s: float = 0.0
    """Seconds that the last replica stays at least."""
    staleness_s: float = 60.0
    """Age in seconds from which a scraped value is missing."""
    plan_valid_s: float = 60.0
    """Seconds after its observation for which a plan may still be carried out."""

    def __post_init__(self) -> None:
        for target in (self.container_concurrency_target_default, *self.target.values()):
            if not _LEAST_TARGET <= target < inf:
                raise ValueError(f"a target must be a number of at least {_LEAST_TARGET:g}, got {target}")
        if not 0 < self.container_concurrency_target_percentage <= 100:
            raise ValueError(
                "container_concurrency_target_percentage must be above 0 and at most 100, "
                f"got {self.container_concurrency_target_percentage}"
            )
        if not 6 <= self.stable_window_s <= 3600:
            raise ValueError(f"stable_window_s must be between 6 and 3600, got {self.stable_window_s}")
        if not 1 <= self.panic_window_percentage <= 100:
            raise ValueError(f"panic_window_percentage must be between 1 and 100, got {self.panic_window_percentage}")
        for name in ("max_scale_up_rate", "max_scale_down_rate"):
            if not 1 < getattr(self, name) < inf:
                raise ValueError(f"{name} must be above 1, got {getattr(self, name)}")
        if not self.panic_threshold_percentage > 100:
            raise ValueError(f"panic_threshold_percentage must be above 100, got {self.panic_threshold_percentage}")
        if not 0 <= self.scale_down_delay_s <= 3600:
            raise ValueError(f"scale_down_delay_s must be between 0 and 3600, got {self.scale_down_delay_s}")
        if not self.activation_scale >= 1:
            raise ValueError(f"activation_scale must be at least 1, got {self.activation_scale}")
        for name in ("scale_to_zero_grace_period_s", "scale_to_zero_pod_retention_period_s"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")

    def initial_memory(self) -> KpaMemory:
        """No variant seen."""
        return KpaMemory(version=VERSION)

    def __call__(self, observation: Observation, memory: KpaMemory) -> tuple[Plan, KpaMemory]:
        """Decide for every variant in scope."""
        before = memory.variants if memory.version == VERSION else {}
        # A variant that is out of scope keeps its history, one that is gone loses it as with a deleted revision.
        names = [seen.variant.name for seen in observation.variants]
        after = {name: before[name] for name in names if name in before}
        plans = []
        for seen in in_scope(observation):
            name, now = seen.variant.name, observation.now
            known = before[name].not_after(now) if name in before else _first_seen(seen, now)
            plan, after[name] = self._decide(seen, known, observation)
            plans.append(plan)
        return dated(observation, self.name, self.plan_valid_s, plans), KpaMemory(version=VERSION, variants=after)

    def _decide(
        self, seen: VariantObservation, known: VariantMemory, observation: Observation
    ) -> tuple[VariantPlan, VariantMemory]:
        variant, now = seen.variant, observation.now
        sample = concurrency(seen, observation, self.staleness_s)
        if sample is not None:
            known = replace(known, samples=recorded(known.samples, sample, self.stable_window_s))
        if not known.samples or not within(known.samples[-1], now, self.stable_window_s):
            target = bounded(variant, seen.desired)
            held = Reason("held", "no concurrency was seen for a stable window: nothing changes")
            return VariantPlan(variant.name, not_draining(seen), target, None, (held,)), known
        ready = len(seen.in_phase(Phase.READY))
        desired, panic, reasons = self._scaled(variant.name, known, ready, now)
        recommendations = delayed(known.recommendations, Stamp(now, desired), self.scale_down_delay_s)
        if recommendations[0].replicas != desired:
            desired = recommendations[0].replicas
            reasons.append(Reason("delayed", f"a count of the scale-down delay holds it at {desired}"))
        target = bounded(variant, desired)
        if target != desired:
            reasons.append(Reason("clamped", f"{desired} is outside {variant.min_replicas} to {variant.max_replicas}"))
        target, activity, reason = self._scale_to_zero().handle(target, seen.desired, ready, known.activity, now)
        if reason is not None:
            reasons.append(reason)
            target = bounded(variant, target)
        known = VariantMemory(activity, panic, known.samples, recommendations)
        return VariantPlan(variant.name, not_draining(seen), target, target, tuple(reasons)), known

    def _scaled(self, variant: str, known: VariantMemory, ready: int, now: float) -> tuple[int, Panic, list[Reason]]:
        """The count that concurrency asks for, the panic it leaves, and why."""
        target = self.target.get(variant, self.container_concurrency_target_default)
        decider = Decider(
            max(_LEAST_TARGET, target * self.container_concurrency_target_percentage / 100),
            self.max_scale_up_rate,
            self.max_scale_down_rate,
            self.panic_threshold_percentage / 100,
            self.stable_window_s,
            self.activation_scale,
        )
        panic_window_s = self.stable_window_s * self.panic_window_percentage / 100
        stable = _cut_off(mean(known.samples, now, self.stable_window_s))
        panicking = _cut_off(mean(known.samples, now, panic_window_s))
        desired, panic = decider.scale(stable, panicking, ready, known.panic, now)
        text = (
            f"concurrency {stable:g}, {panicking:g} lately, over {decider.target_value:g} for each of {ready} ready: "
            f"{desired}"
        )
        reasons = [Reason("concurrency", text)]
        if panic.since is not None:
            reasons.append(Reason("panic", f"panics, and does not go below {panic.pods}"))
        return desired, panic, reasons

    def _scale_to_zero(self) -> ScaleToZero:
        return ScaleToZero(
            self.enable_scale_to_zero,
            self.stable_window_s,
            self.scale_to_zero_grace_period_s,
            self.scale_to_zero_pod_retention_period_s,
        )


def _first_seen(seen: VariantObservation, now: float) -> VariantMemory:
    """It starts in panic over more than one ready replica, so as not to shrink before it knows the load."""
    ready = len(seen.in_phase(Phase.READY))
    return VariantMemory(Activity(now), Panic(now, ready) if ready > 1 else Panic())


def _cut_off(value: float) -> float:
    return floor(value * _PRECISION) / _PRECISION
