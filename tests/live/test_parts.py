"""The parts of a live fleet that need no process: settings, words, power, the meter."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.record.builders import observation, replica, seen
from wva.control.settings import LoopSettings
from wva.engine.routing_cost import full_load_s, request_cost_s
from wva.engine.server import Server
from wva.fleet.model import Objectives
from wva.fleet.observation import Trigger
from wva.fleet.outcome import Outcome, Result
from wva.fleet.plan import Plan, VariantPlan
from wva.fleet.reason import Reason
from wva.fleet.replica import InstanceMetrics, Phase
from wva.fleet.tick import Tick, TickResult, Timings
from wva.live.hardware import added_up, modelled_servers, variant_power_w
from wva.live.meter import Meter
from wva.live.router import speeds
from wva.live.settings import gateway_settings, loop_settings, scraper_settings, served_models
from wva.live.words import tick_state
from wva.local.load import builtin_fleet, with_changes
from wva.local.replica import LocalReplica
from wva.record.find import find_journal
from wva.scenario.nouns import fleet_variants


@pytest.fixture(scope="module")
def servers() -> dict[str, Server]:
    return modelled_servers(builtin_fleet())


def test_what_means_the_fleets_time_stays_and_what_means_the_walls_grows_with_speed() -> None:
    fleet = with_changes(builtin_fleet(), speed=60.0)
    assert loop_settings(fleet).interval_s == 15.0
    assert loop_settings(fleet).journal_limit_s == 300.0
    assert loop_settings(fleet).early_gap_s == 6.0
    assert LoopSettings.paced(15.0, 1.0) == LoopSettings()
    # Four looks a second on the wall at any speed, and windows of samples as the file says, or of every look.
    assert (scraper_settings(fleet).interval_s, scraper_settings(fleet).sample_s) == (15.0, 15.0)
    slower = scraper_settings(with_changes(fleet, speed=12.0))
    assert (slower.interval_s, slower.sample_s) == (3.0, 15.0)
    gateway = gateway_settings(fleet)
    assert gateway.on_the_wall(gateway.first_token_timeout) == 5.0
    assert gateway.reading_max_age == 150.0


def test_routing_knows_what_the_simulated_gateway_knows(servers: dict[str, Server]) -> None:
    fleet = builtin_fleet()
    objectives = Objectives(ttft_s=2.0, tpot_s=0.1)
    known = speeds(fleet, servers)
    assert known["h100"].cost_s < known["a100"].cost_s == request_cost_s(servers["a100"], objectives)
    (model,) = served_models(fleet)
    assert model.full_load_s == full_load_s(objectives) == pytest.approx(24.9)
    assert model.objectives == objectives


def test_changes_on_the_command_line_are_checked_like_the_file() -> None:
    fleet = with_changes(builtin_fleet(), port=0, speed=3.0)
    assert (fleet.gateway.port, fleet.speed, fleet.source) == (0, 3.0, "builtin")
    assert fleet.variants == builtin_fleet().variants
    with pytest.raises(Exception, match=r"speed: must be less than or equal to 100"):
        with_changes(fleet, speed=1000.0)


def measured(running: float, rate: float | None) -> InstanceMetrics:
    one = InstanceMetrics(1.0, running, 0.0, 0.5, *[None] * 15)
    return replace(one, requests_finished_rate_5m=rate, input_tokens_mean_5m=2000.0, output_tokens_mean_5m=100.0)


def test_power_is_known_where_everything_that_it_depends_on_is(servers: dict[str, Server]) -> None:
    server = servers["a100"]
    assert server.power is not None
    standing = server.power.standing_w

    def power(*metrics: InstanceMetrics | None, phase: Phase = Phase.READY) -> float | None:
        replicas = [replica(f"r{number}", phase=phase) for number in range(len(metrics))]
        told = [
            replace(one, instances=(replace(one.instances[0], metrics=of),))
            for one, of in zip(replicas, metrics, strict=True)
        ]
        return variant_power_w(seen(told), server)

    assert power() == 0.0
    assert power(measured(0.0, None)) == pytest.approx(standing)
    assert power(None, phase=Phase.STARTING) == standing
    assert power(None, phase=Phase.PENDING) == 0.0
    assert power(None) is None
    assert power(measured(8.0, 1.0), None) is None
    busy = power(measured(8.0, 1.0))
    assert busy is not None
    assert standing < busy < 2 * 400.0
    assert added_up([1.0, 2.0]) == 3.0
    assert added_up([1.0, None]) is None


def tick(result: TickResult, before: int, target: int, outcome: Outcome | None, **more: object) -> Tick:
    part = VariantPlan("fast", before, target, target, (Reason("need", "x"), Reason("grow", "1 more: too little")))
    one = Tick(
        *(3, 1000.0, Trigger.INTERVAL, None, result, observation(1000.0, seen([replica("a", 2.0)]))),
        *(Plan("p", "o", 2000.0, (part,)), () if outcome is None else (outcome,), Timings(0.1, 0.002, 0.0, 0.2)),
        shadows={"hpa": Plan("q", "o", 2000.0, (VariantPlan("fast", 1, 4, 4),))},
        problems={},
        paused=False,
        pins={},
    )
    return replace(one, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("turn", "words", "changes"),
    [
        (
            tick(TickResult.APPLIED, 1, 2, Outcome("p", "fast", Result.APPLIED, 2)),
            "fast 1 -> 2: 1 more: too little",
            True,
        ),
        (
            tick(TickResult.APPLIED, 1, 3, Outcome("p", "fast", Result.CLAMPED, 2, "no room")),
            "fast 1 -> 3 [clamped, no room]: 1 more: too little",
            True,
        ),
        (
            tick(TickResult.APPLIED, 1, 2, Outcome("p", "fast", Result.APPLIED, 2), pins={"fast": 2}),
            "fast 1 -> 2: pinned at 2",
            True,
        ),
        (tick(TickResult.APPLIED, 1, 1, Outcome("p", "fast", Result.APPLIED, 1)), "holds", False),
        (
            tick(TickResult.PAUSED, 1, 2, Outcome("p", "fast", Result.REFUSED, 1, "paused"), paused=True),
            "fast 1 -> 2 [refused, paused]: 1 more: too little (paused: not applied)",
            True,
        ),
        (
            tick(TickResult.NO_DECISION, 1, 1, None, plan=None, problems={"journal": "x", "policy": "it broke"}),
            "there was no decision, so everything is held: it broke",
            True,
        ),
        (
            tick(TickResult.NOTHING_SEEN, 1, 1, None, plan=None, observation=None),
            "nothing could be seen of the fleet, so everything is held",
            True,
        ),
    ],
)
def test_turns_in_words(turn: Tick, words: str, changes: bool, servers: dict[str, Server]) -> None:
    state = tick_state(turn, {"fast": servers["a100"]})
    assert (state.words, state.changes) == (words, changes)
    if turn.observation is not None:
        (point,) = state.variants
        assert (point.phases["ready"], point.waiting, point.running, point.kv_usage) == (1, 2.0, 4.0, 0.5)
        assert (point.shadows, state.shadow_cost_per_hour, state.cost_per_hour) == ({"hpa": 4}, {"hpa": 16.0}, 4.0)


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def utc(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


def test_replicas_cost_from_their_start_on() -> None:
    variant = fleet_variants(builtin_fleet())[0]
    time = Time()
    replicas = [LocalReplica("a100-1", variant, Phase.PENDING, 0.0, 0.0)]
    meter = Meter([variant], lambda: replicas, time)
    for seconds, phase in ((100, Phase.STARTING), (60, Phase.READY), (30, Phase.DRAINING), (10, None)):
        time.now += seconds
        meter.look()
        if phase is None:
            replicas.clear()
        else:
            replicas[0].phase = phase
    time.now += 1000
    meter.look()
    # Starting for 60 s, ready for 30 s, draining for 10 s; waiting for stock costs nothing.
    assert (meter.use["a100"].on_hardware_s, meter.use["a100"].ready_s) == (100.0, 30.0)
    assert meter.cost == pytest.approx(100 / 3600 * 3.6)


def test_a_directory_of_journals_means_the_newest(tmp_path: Path) -> None:
    for name in ("20260101T000000Z-000", "20260102T000000Z-000", "20260102T000000Z-001"):
        (tmp_path / f"{name}.journal").touch()
    assert find_journal(tmp_path).name == "20260102T000000Z-001.journal"
    (tmp_path / "other.journal").touch()
    with pytest.raises(Exception, match="holds 4 journals"):
        find_journal(tmp_path)
