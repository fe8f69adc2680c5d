"""What the loop shows of itself: counts for followers while they are known, and metrics without a fault."""

import subprocess
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tests.record.builders import observation, replica, seen
from wva.fleet.observation import Trigger
from wva.fleet.outcome import Outcome, Result
from wva.fleet.plan import Plan, VariantPlan
from wva.fleet.reason import Reason
from wva.fleet.replica import Phase
from wva.fleet.tick import Tick, TickResult, Timings
from wva.prometheus.gauges import STALE_S, LoopCollector
from wva.prometheus.inherited import NOTHING, Inherited
from wva.record.problems import Problems

NOW = 1000.0
VARIANT = {"variant_name": "fast", "namespace": "default", "accelerator_type": "H100-80GB"}
FIGURES = (("capacity", 12.0), ("required", 10.5))


class StandingClock:
    def __init__(self) -> None:
        self.now = NOW

    def utc(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


class Shown:
    """A collector and what it shows."""

    def __init__(self, instance: str | None = None, inherited: Inherited = NOTHING) -> None:
        self.clock = StandingClock()
        self.problems = Problems()
        self.collector = LoopCollector(self.clock, self.problems, instance, inherited=inherited)
        self.registry = CollectorRegistry()
        self.registry.register(self.collector)

    def watch(self, *ticks: Tick) -> "Shown":
        for one in ticks:
            self.collector.watch(one)
        return self

    def page(self) -> str:
        return generate_latest(self.registry).decode()

    def series(self, name: str) -> list[tuple[dict[str, str], float]]:
        families = text_string_to_metric_families(self.page())
        return [(one.labels, one.value) for family in families for one in family.samples if one.name == name]


def tick(publish: int | None = 3, result: TickResult = TickResult.APPLIED, **changes: object) -> Tick:
    """Two replicas, and a plan for three."""
    fast = seen([replica("a"), replica("b"), replica("c", phase=Phase.DRAINING)], desired=2)
    observed = observation(NOW, fast)
    reasons = (Reason("need", "much"), Reason("grow", "1 more", FIGURES))
    plan = Plan("plan", observed.id, NOW + 30.0, (VariantPlan("fast", 2, 3, publish, reasons),))
    outcomes = (Outcome("plan", "fast", Result.APPLIED, 3),)
    timings = Timings(0.02, 0.004, 0.001, 0.03)
    plain = Tick(1, NOW, Trigger.INTERVAL, None, result, observed, plan, outcomes, timings, {}, {}, False, {})
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_one_series_a_variant_with_the_labels_of_the_reference() -> None:
    shown = Shown().watch(tick())
    assert shown.series("wva_desired_replicas") == [(VARIANT, 3)]
    assert shown.series("wva_current_replicas") == [(VARIANT, 2)]
    assert shown.series("wva_desired_ratio") == [(VARIANT, 1.5)]
    assert Shown("blue").watch(tick()).series("wva_desired_replicas") == [
        ({**VARIANT, "controller_instance": "blue"}, 3)
    ]


def test_where_none_is_the_ratio_is_what_is_desired() -> None:
    none = observation(NOW, seen([]))
    assert Shown().watch(tick(observation=none)).series("wva_desired_ratio") == [(VARIANT, 3)]


def test_what_is_not_known_is_withheld_and_never_0() -> None:
    nothing = Tick(
        2, NOW, Trigger.INTERVAL, None, TickResult.NOTHING_SEEN, None, None, (), Timings(1, 0, 0, 1), {}, {}, False, {}
    )
    for shown in (Shown(), Shown().watch(tick(publish=None)), Shown().watch(nothing), Shown().watch(tick(paused=True))):
        assert shown.series("wva_desired_replicas") == []
        assert shown.series("wva_desired_ratio") == []
    assert Shown().watch(tick(publish=None)).series("wva_current_replicas") == [(VARIANT, 2)]
    assert Shown().watch(nothing).series("wva_current_replicas") == []
    # A turn without a decision leaves the last plan in force.
    assert Shown().watch(tick(), nothing).series("wva_desired_replicas") == [(VARIANT, 3)]


def test_an_expired_plan_and_an_old_look_are_not_shown() -> None:
    shown = Shown().watch(tick())
    shown.clock.now = NOW + 30.1
    assert shown.series("wva_desired_replicas") == []
    assert shown.series("wva_current_replicas") == [(VARIANT, 2)]
    shown.clock.now = NOW + STALE_S + 0.1
    assert shown.series("wva_current_replicas") == shown.series("wva_cost_per_hour") == []
    assert shown.series("wva_loop_last_success_timestamp_seconds") == [({}, NOW)]


def test_a_variant_that_is_gone_takes_its_series_with_it() -> None:
    shown = Shown().watch(tick())
    shown.collector.watch(tick(observation=observation(NOW), plan=Plan("p", "seen-1000", NOW + 30, ()), outcomes=()))
    for name in ("wva_desired_replicas", "wva_current_replicas", "wva_desired_ratio", "wva_cost_per_hour"):
        assert shown.series(name) == []


@pytest.mark.parametrize(
    ("counts", "first", "expected"),
    [
        ({"fast": 5}, tick(publish=None), [5]),
        # What is there is not given up on an old word.
        ({"fast": 1}, tick(publish=None), [2]),
        ({"fast": 0}, tick(publish=None), [2]),
        # It stays within what people allow by now.
        ({"fast": 99}, tick(publish=None), [10]),
        ({"gone": 5}, tick(publish=None), []),
        ({"fast": 5}, tick(publish=None, paused=True), []),
        ({"fast": 5}, tick(publish=None, plan=None, outcomes=()), [5]),
        ({"fast": 5}, tick(publish=3), [3]),
    ],
)
def test_what_a_predecessor_published_stands_in_until_there_is_a_count(
    counts: dict[str, int], first: Tick, expected: list[float]
) -> None:
    shown = Shown(inherited=Inherited(counts, NOW + 20.0)).watch(first)
    assert [value for _, value in shown.series("wva_desired_replicas")] == expected
    shown.clock.now = NOW + 20.1
    assert [value for _, value in shown.series("wva_desired_replicas")] == ([3] if expected == [3] else [])


def test_a_count_of_ones_own_ends_what_was_inherited() -> None:
    shown = Shown(inherited=Inherited({"fast": 5, "slow": 1}, NOW + 20.0)).watch(tick(publish=3), tick(publish=None))
    assert shown.series("wva_desired_replicas") == []


def test_a_pin_bounds_what_is_published() -> None:
    held = tick().observation
    assert held is not None
    (fast,) = held.variants
    pinned = replace(fast, variant=replace(fast.variant, min_replicas=2, max_replicas=2))
    shown = Shown().watch(tick(observation=replace(held, variants=(pinned,))))
    assert shown.series("wva_desired_replicas") == [(VARIANT, 2)]


def test_health_decisions_capacity_and_cost() -> None:
    shown = Shown()
    shown.problems.report("scrape of a", "no")
    shown.problems.report("scrape of b", "no")
    shown.problems.report("journal", "full")
    shown.watch(tick(), tick(trigger=Trigger.BURST), tick(result=TickResult.NO_DECISION, plan=None, outcomes=()))
    assert shown.series("wva_loop_ticks_total") == [
        ({"trigger": "interval", "result": "applied"}, 1),
        ({"trigger": "burst", "result": "applied"}, 1),
        ({"trigger": "interval", "result": "no_decision"}, 1),
    ]
    scaled = {"variant_name": "fast", "namespace": "default", "direction": "up", "reason": "grow"}
    assert shown.series("wva_replica_scaling_total") == [(scaled, 2)]
    assert [took for _, took in shown.series("wva_decision_duration_seconds_sum")] == pytest.approx([0.008])
    assert shown.series("wva_optimization_duration_seconds_count") == [
        ({"status": "success"}, 2),
        ({"status": "error"}, 1),
    ]
    model = {"model_name": "llama", "namespace": "default", "unit": "requests_per_second"}
    assert shown.series("wva_required_capacity") == [(model, 10.5)]
    assert shown.series("wva_spare_capacity") == [(model, 1.5)]
    # Three replicas on hardware, the draining one among them, at 4 an hour.
    assert shown.series("wva_cost_per_hour") == [(VARIANT, 12)]
    assert shown.series("wva_errors_total") == [({"component": "journal"}, 1), ({"component": "scrape"}, 2)]
    assert shown.series("wva_paused") == [({}, 0)]


def test_promtool_finds_no_fault() -> None:
    shown = Shown("blue").watch(tick(), tick(trigger=Trigger.BURST, result=TickResult.NO_DECISION))
    shown.problems.report("journal", "full")
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=shown.page(), text=True, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
