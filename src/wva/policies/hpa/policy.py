"""One HPA for every variant, on metrics of its pods."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wva.fleet.observation import Observation, VariantObservation
from wva.fleet.plan import Plan
from wva.fleet.reason import Reason
from wva.policies.hpa.calculator import Proposal, largest, propose
from wva.policies.hpa.follower import Follower
from wva.policies.hpa.memory import VERSION, HpaMemory
from wva.policies.hpa.pods import Pods, group
from wva.policies.hpa.settings import Behavior, Metric, PodsMetric, tolerances


@dataclass(frozen=True, slots=True)
class HpaPolicy:
    """One HPA for every variant; by default the WVA paper's baseline: 3 waiting requests and half of the KV cache."""

    name: str = "hpa"
    """Name that users select it by."""
    metrics: tuple[PodsMetric, ...] = (PodsMetric(Metric.WAITING, 3.0), PodsMetric(Metric.KV_USAGE, 0.5))
    """``spec.metrics``; the one that proposes most wins."""
    variant_metrics: Mapping[str, tuple[PodsMetric, ...]] = field(default_factory=dict)
    """``spec.metrics`` of the variants whose HPA has others, by variant name."""
    behavior: Behavior | None = field(default_factory=Behavior)
    """``spec.behavior``. ``None`` is an object without it, which the controller limits in another, older way."""
    tolerance: float = 0.1
    """Relative distance from a target that is ignored (``--horizontal-pod-autoscaler-tolerance``)."""
    sync_period_s: float = 15.0
    """Seconds between two computations (``--horizontal-pod-autoscaler-sync-period``); in between nothing changes."""
    downscale_stabilization_s: float = 300.0
    """Seconds of recommendations whose highest holds without ``behavior``
    (``--horizontal-pod-autoscaler-downscale-stabilization``)."""
    staleness_s: float = 300.0
    """Age in seconds from which a scraped value is missing: Prometheus looks back 5 minutes by default."""
    starting_is_pending: bool = False
    """Whether the pod of a starting replica is in phase ``Pending``, as while its image is pulled, and therefore
    ignored when shrinking. The default is phase ``Running``, as while the engine loads weights: such a pod is missing
    its metrics, and counts as at the target when shrinking. When growing both count as idle."""
    plan_valid_s: float = 60.0
    """Seconds after its observation for which a plan may still be carried out."""

    def __post_init__(self) -> None:
        if not all([self.metrics, *self.variant_metrics.values()]):
            raise ValueError("metrics must have at least one entry")
        if not self.tolerance >= 0:
            raise ValueError(f"tolerance must not be negative, got {self.tolerance}")
        self._follower()

    def initial_memory(self) -> HpaMemory:
        """No HPA seen."""
        return HpaMemory(version=VERSION)

    def __call__(self, observation: Observation, memory: HpaMemory) -> tuple[Plan, HpaMemory]:
        """Compute every variant that is due, and let the others stay."""
        return self._follower().follow(self.name, observation, memory, self._from_metrics)

    def _follower(self) -> Follower:
        return Follower(self.behavior, self.sync_period_s, self.downscale_stabilization_s, self.plan_valid_s)

    def _from_metrics(self, seen: VariantObservation) -> tuple[int | None, list[Reason]]:
        """The largest proposal, or ``None`` when metrics that cannot be read forbid one; and why."""
        down, up = tolerances(self.behavior, self.tolerance)
        proposals = []
        for entry in self.variant_metrics.get(seen.variant.name, self.metrics):
            pods = group(seen.replicas, entry.metric, self.staleness_s, self.starting_is_pending)
            proposal = propose(seen.desired, entry.target_milli, pods, down, up)
            if proposal is None:
                reason = Reason("missing", f"no pod reports {entry.metric}")
            else:
                reason = Reason("metric", _told(entry, pods, proposal))
            proposals.append((proposal, reason))
        return largest(seen.desired, proposals)


def _told(entry: PodsMetric, pods: Pods, proposal: Proposal) -> str:
    text = (
        f"{entry.metric} averages {proposal.usage_milli / 1000:g} over {pods.reporting} pods, "
        f"{proposal.ratio:.2f} times its target of {entry.average_value:g}: proposes {proposal.replicas}"
    )
    if pods.missing or pods.unready:
        return f"{text}, with {pods.missing} pods missing and {pods.unready} unready"
    return text
