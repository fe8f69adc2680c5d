"""One ScaledObject for every variant, on the latencies of its model."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wva.decide.view import not_draining
from wva.fleet.observation import ModelObservation, Observation, VariantObservation
from wva.fleet.plan import Plan
from wva.fleet.reason import Reason
from wva.policies.hpa.external import propose_average
from wva.policies.hpa.follower import Follower
from wva.policies.hpa.settings import Behavior, RatePolicy, ScaleDownRules, ScaleUpRules, Unit, tolerances
from wva.policies.slo_law.law import Thresholds, desired
from wva.policies.slo_law.memory import VERSION, Sample, SloLawMemory
from wva.policies.slo_law.saturation import raw, record, smoothed

GUIDE = Behavior(
    ScaleUpRules(30.0, (RatePolicy(Unit.PERCENT, 100, 60.0), RatePolicy(Unit.PODS, 4, 60.0))),
    ScaleDownRules(180.0, (RatePolicy(Unit.PODS, 1, 120.0),)),
)
"""The guide's ``behavior``: up by doubling or 4 pods in a minute, down by a pod in two."""

_ONE_EACH_MILLI = 1000
"""The formula's answer is the count: each replica is to hold 1 of it."""


@dataclass(frozen=True, slots=True)
class SloLawPolicy:
    """llm-d's SLO-aware control law, with the numbers of its guide."""

    name: str = "slo-law"
    """Name that users select it by."""
    thresholds: Thresholds = field(default_factory=Thresholds)
    """The band of the formula."""
    variant_thresholds: Mapping[str, Thresholds] = field(default_factory=dict)
    """The band of the variants whose ScaledObject has another, by variant name."""
    clamp: float = 2.0
    """Saturation above which more makes no difference: at the knee of the queue latency is beyond measure."""
    smoothing_window_s: float = 45.0
    """Seconds over which the capped saturation is averaged."""
    behavior: Behavior = GUIDE
    """``advanced.horizontalPodAutoscalerConfig.behavior``."""
    tolerance: float = 0.1
    """Relative distance from the count at which the HPA stays where it is."""
    sync_period_s: float = 15.0
    """Seconds between two computations of the HPA; in between nothing changes."""
    plan_valid_s: float = 60.0
    """Seconds after its observation for which a plan may still be carried out."""

    def __post_init__(self) -> None:
        highest = max(band.theta_up for band in (self.thresholds, *self.variant_thresholds.values()))
        if not self.clamp > highest:
            raise ValueError(f"clamp must be above every theta_up, of which the highest is {highest}, got {self.clamp}")
        if not self.smoothing_window_s > 0:
            raise ValueError(f"smoothing_window_s must be above 0, got {self.smoothing_window_s}")
        if not self.tolerance >= 0:
            raise ValueError(f"tolerance must not be negative, got {self.tolerance}")
        self._follower()

    def initial_memory(self) -> SloLawMemory:
        """No latency and no HPA seen."""
        return SloLawMemory(version=VERSION)

    def __call__(self, observation: Observation, memory: SloLawMemory) -> tuple[Plan, SloLawMemory]:
        """Record the signal of every model, then compute every variant that is due and let the others stay."""
        if memory.version != VERSION:
            memory = self.initial_memory()
        signals = {
            seen.model.name: self._record(memory.signals.get(seen.model.name, ()), observation.now, seen)
            for seen in observation.models
        }

        def propose(seen: VariantObservation) -> tuple[int | None, list[Reason]]:
            return self._from_latency(seen, signals.get(seen.variant.model))

        plan, hpa = self._follower().follow(self.name, observation, memory.hpa, propose)
        return plan, SloLawMemory(version=VERSION, signals=signals, hpa=hpa)

    def _follower(self) -> Follower:
        # A behavior is always given, so the window that holds without one is never looked at.
        return Follower(self.behavior, self.sync_period_s, 0.0, self.plan_valid_s)

    def _record(self, samples: tuple[Sample, ...], now: float, seen: ModelObservation) -> tuple[Sample, ...]:
        saturation = min(raw(seen.traffic, seen.model.objectives), self.clamp)
        return record(samples, now, saturation, self.smoothing_window_s)

    def _from_latency(
        self, seen: VariantObservation, samples: tuple[Sample, ...] | None
    ) -> tuple[int | None, list[Reason]]:
        """What the HPA makes of the formula's answer; ``None`` where the formula has none."""
        provisioned, ready = not_draining(seen), seen.ready
        if not samples or ready is None or provisioned == 0:
            return None, [Reason("held", "the formula has no answer without objectives, replicas or their readiness")]
        band = self.variant_thresholds.get(seen.variant.name, self.thresholds)
        saturation = smoothed(samples)
        wanted = desired(saturation, provisioned, ready, band)
        down, up = tolerances(self.behavior, self.tolerance)
        proposal = propose_average(provisioned, wanted * _ONE_EACH_MILLI, _ONE_EACH_MILLI, down, up)
        told = (
            f"latency is at {saturation:.2f} of its objective, with {band.theta_dn:g} to {band.theta_up:g} to keep to: "
            f"{ready} ready of {provisioned} replicas become {wanted}"
        )
        reasons = [Reason("saturation", told)]
        if proposal.replicas != wanted:
            reasons.append(Reason("tolerated", f"the HPA takes {wanted} for {proposal.replicas}"))
        return proposal.replicas, reasons
