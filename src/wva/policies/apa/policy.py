"""One APA for every variant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from wva.decide.view import bounded, dated, in_scope, not_draining
from wva.fleet.observation import Observation, VariantObservation
from wva.fleet.plan import Plan, VariantPlan
from wva.fleet.reason import Reason
from wva.fleet.replica import Phase
from wva.policies.apa.algorithm import Rates, guarded, propose
from wva.policies.apa.cooldown import Cooldown
from wva.policies.apa.memory import VERSION, ApaMemory, Samples, VariantMemory
from wva.policies.apa.settings import MetricSource
from wva.policies.hpa.follower import OFF, between_syncs, is_due
from wva.policies.hpa.memory import Stamp
from wva.policies.hpa.pods import group
from wva.policies.hpa.settings import Metric
from wva.policies.samples import Sample, mean, newest_scrape, recorded

_LONGEST_WINDOW_S = 3600.0


@dataclass(frozen=True, slots=True)
class ApaPolicy:
    """AIBrix's APA with its defaults, on half of the KV cache as in its documentation."""

    name: str = "apa"
    """Name that users select it by."""
    metrics_sources: tuple[MetricSource, ...] = (MetricSource(Metric.KV_USAGE, 0.5),)
    """``spec.metricsSources``; the one that asks for most wins."""
    variant_metrics_sources: Mapping[str, tuple[MetricSource, ...]] = field(default_factory=dict)
    """The same for variants whose PodAutoscaler has others, by variant name."""
    up_fluctuation_tolerance: float = 0.1
    """Share above the target that is ignored."""
    down_fluctuation_tolerance: float = 0.1
    """Share below the target that is ignored; AIBrix's samples have 0.2."""
    max_scale_up_rate: float = 2.0
    """How many times the current count one step reaches at most."""
    max_scale_down_rate: float = 2.0
    """Which part of the current count one step leaves at least: 2 is half of it."""
    observe_window_s: float = 180.0
    """Seconds whose mean is compared with the target (``observeWindowSeconds``); AIBrix's samples have 30."""
    scale_up_cooldown_window_s: float = 0.0
    """Seconds whose highest recommendation counts when growing."""
    scale_down_cooldown_window_s: float = 300.0
    """Seconds whose lowest recommendation counts when shrinking; see ``cooldown_holds``."""
    cooldown_holds: bool = False
    """Whether the highest does instead. AIBrix calls the window one that prevents rapid shrinking, but follows the
    lowest recommendation in it, so that even an old one can pull a count down. True is what the window is for, and
    HPA's way."""
    pending_replica_guard: bool = True
    """Whether replicas that are not ready hold a change back, as since mid-2026. Before, every 10 s of a start-up
    multiplied them again."""
    resync_interval_s: float = 10.0
    """Seconds between two computations; in between nothing changes."""
    staleness_s: float = 60.0
    """Age in seconds from which a scraped value is missing."""
    plan_valid_s: float = 60.0
    """Seconds after its observation for which a plan may still be carried out."""

    def __post_init__(self) -> None:
        if not all([self.metrics_sources, *self.variant_metrics_sources.values()]):
            raise ValueError("metrics_sources must have at least one entry")
        for name in ("up_fluctuation_tolerance", "down_fluctuation_tolerance"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")
        for name in ("max_scale_up_rate", "max_scale_down_rate"):
            if not 1 <= getattr(self, name) < inf:
                raise ValueError(f"{name} must be a number of at least 1, got {getattr(self, name)}")
        for name in ("scale_up_cooldown_window_s", "scale_down_cooldown_window_s"):
            if not 0 <= getattr(self, name) <= _LONGEST_WINDOW_S:
                raise ValueError(f"{name} must be between 0 and {_LONGEST_WINDOW_S:g}, got {getattr(self, name)}")
        if not 0 < self.observe_window_s <= _LONGEST_WINDOW_S:
            raise ValueError(
                f"observe_window_s must be above 0 and at most {_LONGEST_WINDOW_S:g}, got {self.observe_window_s}"
            )
        if not self.resync_interval_s > 0:
            raise ValueError(f"resync_interval_s must be above 0, got {self.resync_interval_s}")

    def initial_memory(self) -> ApaMemory:
        """No variant seen."""
        return ApaMemory(version=VERSION)

    def __call__(self, observation: Observation, memory: ApaMemory) -> tuple[Plan, ApaMemory]:
        """Compute every variant that is due, and let the others stay."""
        before = memory.variants if memory.version == VERSION else {}
        # A variant that is out of scope keeps its history, one that is gone loses it as with a deleted PodAutoscaler.
        names = [seen.variant.name for seen in observation.variants]
        after = {name: before[name] for name in names if name in before}
        plans = []
        for seen in in_scope(observation):
            variant, now = seen.variant, observation.now
            known = before.get(variant.name)
            if known is None:
                known = VariantMemory(now, seen.desired, seen.desired)
            elif now < known.synced_at:
                known = known.not_after(now)
            elif not is_due(known.synced_at, now, self.resync_interval_s):
                lowest = min(variant.min_replicas, variant.max_replicas)
                plans.append(between_syncs(seen, known.desired, known.target, lowest, variant.max_replicas))
                continue
            plan, after[variant.name] = self._sync(seen, known, now)
            plans.append(plan)
        return dated(observation, self.name, self.plan_valid_s, plans), ApaMemory(version=VERSION, variants=after)

    def _sync(self, seen: VariantObservation, known: VariantMemory, now: float) -> tuple[VariantPlan, VariantMemory]:
        """One reconciliation."""
        variant, current = seen.variant, seen.desired
        if current == 0 and variant.min_replicas > 0:
            plan = VariantPlan(variant.name, not_draining(seen), 0, None, (OFF,))
            return plan, VariantMemory(now, 0, 0, known.samples, known.recommendations)
        recommended, samples, reasons = self._recommended(seen, known.samples, now)
        if recommended is None:
            target = bounded(variant, current)
            plan = VariantPlan(variant.name, not_draining(seen), target, None, tuple(reasons))
            return plan, VariantMemory(now, current, target, samples, known.recommendations)
        cooldown = Cooldown(self.scale_up_cooldown_window_s, self.scale_down_cooldown_window_s, self.cooldown_holds)
        recommendations = cooldown.remembered(known.recommendations, Stamp(now, recommended))
        settled = cooldown.settled(recommended, current, recommendations, now)
        if settled != recommended:
            reasons.append(Reason("stabilized", f"recent recommendations make {settled} of {recommended}"))
        target = bounded(variant, settled)
        if target != settled:
            reasons.append(Reason("clamped", f"{settled} is outside {variant.min_replicas} to {variant.max_replicas}"))
        plan = VariantPlan(variant.name, not_draining(seen), target, target, tuple(reasons))
        return plan, VariantMemory(now, current, target, samples, recommendations)

    def _recommended(
        self, seen: VariantObservation, known: Samples, now: float
    ) -> tuple[int | None, Samples, list[Reason]]:
        """The largest count that a metric asks for, ``None`` when none can be read; the readings, and why."""
        variant, current = seen.variant, seen.desired
        ready = len(seen.in_phase(Phase.READY))
        rates = Rates(
            self.up_fluctuation_tolerance,
            self.down_fluctuation_tolerance,
            self.max_scale_up_rate,
            self.max_scale_down_rate,
        )
        samples = dict(known)
        asked: list[tuple[int, float, float, Reason]] = []
        missing = []
        for source in self.variant_metrics_sources.get(variant.name, self.metrics_sources):
            metric, target = source.target_metric, source.target_value
            reading = self._reading(seen, metric, now)
            if reading is None:
                missing.append(Reason("missing", f"no pod reports {metric}"))
                continue
            samples[metric] = recorded(samples.get(metric, ()), reading, self.observe_window_s)
            value = mean(samples[metric], now, self.observe_window_s)
            wanted = bounded(variant, propose(current, value, target, rates))
            text = (
                f"{metric} averages {value:g}, {value / target:.2f} times its target of {target:g}: proposes {wanted}"
            )
            asked.append((wanted, value, target, Reason("metric", text)))
        if not asked:
            return None, samples, [*missing, Reason("held", "no metric can be read: nothing changes")]
        asked.sort(key=lambda entry: entry[0], reverse=True)
        wanted, value, target, _ = asked[0]
        reasons = [*(reason for *_, reason in asked), *missing]
        recommended = guarded(wanted, current, ready, value, target) if self.pending_replica_guard else wanted
        if recommended != wanted:
            reasons.append(Reason("pending", f"with {ready} of {current} ready it is {recommended}, not {wanted}"))
        return recommended, samples, reasons

    def _reading(self, seen: VariantObservation, metric: Metric, now: float) -> Sample | None:
        """The mean over the pods that report at their newest scrape."""
        pods = group(seen.replicas, metric, self.staleness_s, starting_is_pending=False)
        at = newest_scrape(seen.replicas, now, self.staleness_s)
        if at is None or not pods.reporting:
            return None
        return Sample(at, pods.total_milli / pods.reporting / 1000)
