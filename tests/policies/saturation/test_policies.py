"""Both analyzers over time, each behind its gauge and its HPAs."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.policies.saturation.builders import at, observed, pod, shown, variant
from wva.fleet.errors import UserError
from wva.fleet.plan import VariantPlan
from wva.fleet.replica import InstanceMetrics, Phase
from wva.fleet.variant import Variant
from wva.policies import saturation
from wva.policies.hpa.settings import Behavior, ScaleDownRules, ScaleUpRules
from wva.policies.registry import POLICIES, SPACES, make
from wva.policies.saturation.defects import DEFECTS
from wva.policies.saturation.gauge import GaugePolicy
from wva.policies.saturation.memory import SaturationMemory
from wva.policies.saturation.percent_policy import SaturationPercentPolicy
from wva.policies.saturation.tokens_policy import SaturationTokensPolicy

AT_ONCE = Behavior(ScaleUpRules(0.0), ScaleDownRules(0.0))


@dataclass
class Cluster:
    """One variant that starts replicas in no time or in that many seconds, all with the same figures."""

    policy: GaugePolicy
    count: int = 1
    highest: int = 100
    startup_s: float = 0.0
    memory: SaturationMemory = field(init=False)
    ready_at: list[float] = field(init=False)

    def __post_init__(self) -> None:
        self.memory = self.policy.initial_memory()
        self.ready_at = [0.0] * self.count

    def at(self, now: float, metrics: InstanceMetrics | None, held: tuple[float, float] | None = None) -> VariantPlan:
        """Decide when every ready replica shows this, and carry it out."""
        starting = pod(None, phase=Phase.STARTING)
        pods = [pod(metrics) if since <= now else starting for since in self.ready_at]
        seen = observed(variant(highest=self.highest), pods)
        plan, self.memory = self.policy(at(now, seen, held=held), self.memory)
        (part,) = plan.variants
        grown = [now + self.startup_s] * (part.target - len(self.ready_at))
        self.ready_at = self.ready_at[: part.target] + grown
        return part

    @property
    def gauge(self) -> int:
        return self.memory.models["m"].gauges["a"].replicas


def codes(part: VariantPlan) -> list[str]:
    return [reason.code for reason in part.reasons]


FULL = shown(0.95, 20)
IDLE = shown(0.0, 0)
BUSY = shown(0.5, 0)


def test_defaults_are_the_originals() -> None:
    percent = SaturationPercentPolicy()
    assert percent.optimization_interval_s == 30
    assert (percent.thresholds.kv_cache_threshold, percent.thresholds.queue_length_threshold) == (0.8, 5)
    assert (percent.thresholds.kv_spare_trigger, percent.thresholds.queue_spare_trigger) == (0.1, 3)
    tokens = SaturationTokensPolicy()
    assert tokens.optimization_interval_s == 15
    assert (tokens.thresholds.kv_cache_threshold, tokens.thresholds.queue_length_threshold) == (0.8, 5)
    assert (tokens.thresholds.scale_up_threshold, tokens.thresholds.scale_down_boundary) == (0.85, 0.7)
    for policy, window, period in ((percent, 240, 150), (tokens, 0, 15)):
        assert policy.behavior is not None
        for rules in (policy.behavior.scale_up, policy.behavior.scale_down):
            (only,) = rules.policies
            assert (rules.stabilization_window_s, only.value, only.period_s) == (window, 10, period)


@pytest.mark.parametrize("name", ["saturation-percent", "saturation-tokens"])
def test_untuned_values_are_the_defaults(name: str) -> None:
    space = SPACES[name]([variant()])
    assert make(name, space.options(space.defaults())) == make(name)


def test_percent_needs_six_minutes_for_a_replica() -> None:
    # Full all the time, with starts of 110 s. The gauge is raised at 0, but the HPA follows when its first sight has
    # left its window of 240 s. The replica is ready at 350, the loop at 360 raises the gauge, and the HPA's last
    # recommendation of 2, of 345, leaves the window at 585. From then on it is 110 s, 10 s to the next loop and 240 s.
    # So 3 replicas in ten minutes, as in the reference's own benchmark, and 6 in half an hour.
    cluster = Cluster(SaturationPercentPolicy(), startup_s=110.0)
    counts = {now: cluster.at(now, FULL).target for now in range(0, 1801, 15)}
    changes = [now for now in counts if now and counts[now] != counts[now - 15]]
    assert changes == [240, 585, 945, 1305, 1665]
    assert (counts[600], counts[1800]) == (3, 6)


def test_percent_adds_one_at_a_time_when_everything_reports() -> None:
    cluster = Cluster(SaturationPercentPolicy(behavior=AT_ONCE), startup_s=110.0)
    # At once after each loop that finds all ready: 110 s later that is the loop at 120.
    assert [cluster.at(now, FULL).target for now in (0, 30, 60, 90, 120, 150, 240)] == [2, 2, 2, 2, 3, 3, 4]


def test_percent_looks_every_30_seconds_while_its_hpa_syncs_every_15() -> None:
    cluster = Cluster(SaturationPercentPolicy(behavior=AT_ONCE))
    seen = [(cluster.at(now, FULL).target, cluster.gauge) for now in (0, 15, 29, 30, 45, 58, 60)]
    # Timers jitter by up to 5 %: the loop of 29 counts as that of 30, and that of 58 as that of 60.
    assert seen == [(2, 2), (2, 2), (2, 3), (3, 3), (3, 3), (3, 4), (4, 4)]


def test_an_extra_early_call_changes_nothing() -> None:
    cluster = Cluster(SaturationTokensPolicy())
    part = cluster.at(0, FULL)
    before = cluster.memory
    early = cluster.at(5, IDLE)
    assert (early.target, codes(early)) == (part.target, ["between_syncs"])
    assert cluster.memory == before


def test_a_clock_that_was_set_back_stops_neither_loop_nor_hpa() -> None:
    cluster = Cluster(SaturationPercentPolicy(behavior=AT_ONCE))
    assert cluster.at(1000, FULL).target == 2
    cluster.ready_at = [0.0, 0.0]
    assert cluster.at(10, FULL).target == 3


def test_ten_replicas_do_not_become_eleven() -> None:
    # 11 is 1.1 times 10, which an HPA ignores; so the model waits for its eleventh replica for good, idle or not.
    cluster = Cluster(SaturationPercentPolicy(), count=10)
    for now in range(0, 1200, 15):
        part = cluster.at(now, FULL)
        assert (part.target, cluster.gauge) == (10, 11)
    assert codes(part) == ["gauge", "tolerated"]
    assert str(part.reasons[-1]) == "1.10 times the current count is within the tolerance"
    for now in range(1200, 3600, 15):
        assert cluster.at(now, IDLE).target == 10
    assert cluster.gauge == 11
    strict = Cluster(SaturationPercentPolicy(tolerance=0.0, behavior=AT_ONCE), count=10)
    assert [strict.at(now, FULL).target for now in (0, 30)] == [11, 12]


def test_percent_knows_no_maximum_and_freezes_beyond_it() -> None:
    cluster = Cluster(SaturationPercentPolicy(behavior=AT_ONCE), count=3, highest=4)
    assert [cluster.at(now, FULL).target for now in (0, 30)] == [4, 4]
    assert cluster.gauge == 5
    assert [cluster.at(now, IDLE).target for now in (60, 90, 3600)] == [4, 4, 4]
    tokens = Cluster(SaturationTokensPolicy(), count=3, highest=4)
    assert [tokens.at(now, FULL).target for now in (0, 15)] == [4, 4]
    assert tokens.gauge == 4
    assert tokens.at(30, IDLE).target == 1


def test_tokens_follow_demand_at_once_both_ways() -> None:
    cluster = Cluster(SaturationTokensPolicy(), startup_s=110.0)
    # 60 requests of 10,000 tokens at the gateway, beside 50,000 in use: 650,000 / .85 = 764,706 less 80,000 is nine
    # replicas of 80,000 more; while they start that suffices.
    held = (60.0, 2_400_000.0)
    assert [cluster.at(now, BUSY, held).target for now in (0, 15, 30)] == [10, 10, 10]
    # Without the queue the 50,000 / .7 = 71,429 of the only one that reports leave no replica to spare.
    assert cluster.at(45, BUSY).target == 10
    # Once all report, 800,000 - 714,286 is one; idle, all but one go.
    assert cluster.at(120, BUSY).target == 10
    assert codes(cluster.at(135, BUSY)) == ["gauge", "tolerated"]
    assert cluster.at(150, IDLE).target == 1


def test_percent_does_not_see_the_gateways_queue() -> None:
    cluster = Cluster(SaturationPercentPolicy(behavior=AT_ONCE))
    assert [cluster.at(now, BUSY, (60.0, 2_400_000.0)).target for now in (0, 30, 60)] == [1, 1, 1]


def test_when_nothing_reports_percent_keeps_its_ask_and_tokens_forget_theirs() -> None:
    percent = Cluster(SaturationPercentPolicy(), count=2)
    percent.at(0, FULL)
    assert (percent.at(30, None).target, percent.gauge) == (2, 3)
    slow = replace(SaturationTokensPolicy(), behavior=SaturationPercentPolicy().behavior)
    tokens = Cluster(slow, count=2)
    tokens.at(0, FULL)
    assert tokens.gauge == 3
    assert (tokens.at(15, None).target, tokens.gauge) == (2, 2)


def test_a_gauge_that_was_never_set_changes_nothing() -> None:
    part = Cluster(SaturationPercentPolicy(), count=2).at(0, None)
    assert (part.target, part.publish, codes(part)) == (2, None, ["missing"])


def decided(policy: GaugePolicy, *fleet: tuple[Variant, list[InstanceMetrics]]) -> dict[str, int]:
    """First targets for variants whose replicas show these."""
    seen = [observed(of, [pod(one) for one in metrics]) for of, metrics in fleet]
    plan, _ = policy(at(0, *seen), policy.initial_memory())
    return {part.variant: part.target for part in plan.variants}


def test_every_variant_has_an_hpa_of_its_own() -> None:
    cheap, dear = variant("a", 1.8), variant("b", 3.0)
    percent = SaturationPercentPolicy(behavior=AT_ONCE)
    assert decided(percent, (dear, [FULL]), (cheap, [FULL])) == {"a": 2, "b": 1}
    assert decided(percent, (dear, [IDLE] * 2), (cheap, [IDLE] * 2)) == {"a": 2, "b": 1}
    tokens = SaturationTokensPolicy()
    # k2 of both is the 95,000 in use, k1 80,000. 190,000 / .85 = 223,529 less 160,000: one more of the cheaper.
    assert decided(tokens, (dear, [FULL]), (cheap, [FULL])) == {"a": 2, "b": 1}
    # 320,000 to spare: all of the dear one but its HPA's minimum, and the same of the cheap one.
    assert decided(tokens, (dear, [IDLE] * 2), (cheap, [IDLE] * 2)) == {"a": 1, "b": 1}


def test_a_zero_switches_a_variant_off_until_its_old_gauge_takes_over() -> None:
    policy = SaturationPercentPolicy(behavior=AT_ONCE)
    first, memory = policy(at(0, observed(variant(), [pod(FULL)])), policy.initial_memory())
    assert first.variants[0].target == 2
    off, memory = policy(at(30, observed(variant(), [], desired=0)), memory)
    assert (off.variants[0].target, off.variants[0].publish) == (0, None)
    on, memory = policy(at(60, observed(variant(), [pod(IDLE)])), memory)
    assert on.variants[0].target == 2


def test_models_out_of_scope_keep_their_gauges_and_what_is_gone_is_forgotten() -> None:
    policy = SaturationTokensPolicy()
    other = replace(variant("b"), model="n")
    both = at(0, observed(variant(), [pod(FULL)]), observed(other, [pod(FULL)]))
    _, memory = policy(replace(both, scope=("m", "n")), policy.initial_memory())
    assert {name: list(known.gauges) for name, known in memory.models.items()} == {"m": ["a"], "n": ["b"]}
    later = at(15, observed(variant("c"), [pod(FULL)]), observed(other, [pod(IDLE)]))
    _, after = policy(later, memory)
    assert after.models["n"] == memory.models["n"]
    assert list(after.models["m"].gauges) == ["c"]
    assert list(after.models["m"].learned.records) == ["c"]
    _, left = policy(at(30, observed(variant("c"), [pod(FULL)])), after)
    assert list(left.models) == ["m"]


def test_memory_is_bounded() -> None:
    cluster = Cluster(SaturationTokensPolicy(), count=4)
    for tick in range(200):
        cluster.at(15.0 * tick, FULL if tick % 3 else IDLE)
    learned = cluster.memory.models["m"].learned
    assert [len(seen) for seen in learned.observed.values()] == [10]
    assert list(learned.records) == ["a"]


def test_it_says_why() -> None:
    part = Cluster(SaturationPercentPolicy()).at(0, shown(0.75, 0))
    assert [str(reason) for reason in part.reasons] == [
        "wva_desired_replicas is 2: one more of the cheapest variant, as spare KV cache 0.050 is below 0.1",
        "recent recommendations hold 2 at 1",
    ]


@pytest.mark.parametrize("name", ["saturation-percent", "saturation-tokens"])
@pytest.mark.parametrize(
    "options", [{"optimization_interval_s": 0}, {"tolerance": -1}, {"sync_period_s": 0}, {"thresholds": {"x": 1}}]
)
def test_mistakes_are_refused(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=f"policy {name}, option"):
        make(name, options)


def test_every_defect_is_named_where_it_is() -> None:
    assert {name for defect in DEFECTS for name in defect.policies} <= set(POLICIES)
    folder = Path(saturation.__file__).parent
    sources = [path.read_text() for path in folder.glob("*.py") if path.name != "defects.py"]
    assert [defect.name for defect in DEFECTS if not any(f"*{defect.name}*" in text for text in sources)] == []
