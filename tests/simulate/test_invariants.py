"""What holds in every run, whatever the fleet, the traffic, the plans and the accidents."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from math import isfinite
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.simulate.fleets import Asked, server, variant
from tests.simulate.runs import FAILED, Scripted, asked, setting, statuses
from wva.engine.batch.state import PICOSECONDS
from wva.fleet.observation import Observation
from wva.fleet.replica import Phase
from wva.simulate.result import RunResult
from wva.simulate.run import Setting, Simulation

WINDOW_S = 12.0
ACCELERATORS = ("x", "y")
MODELS = ("one", "two")


@dataclass(frozen=True)
class Case:
    setting: Setting
    requests: tuple[Asked, ...]
    policy: Scripted
    seed: int


@st.composite
def settings_of_fleets(draw: st.DrawFn) -> Setting:
    models = MODELS[: draw(st.integers(1, 2))]
    variants, servers, initial = [], {}, {}
    for number in range(draw(st.integers(len(models), 4))):
        name = f"v{number}"
        most = draw(st.integers(1, 3))
        lowest = draw(st.integers(0, most))
        variants.append(
            variant(
                name,
                model=models[number % len(models)],
                accelerator=draw(st.sampled_from(ACCELERATORS)),
                gpus=draw(st.sampled_from([1, 1, 2, 3])),
                lowest=lowest,
                most=most,
                startup_s=draw(st.sampled_from([0.0, 0.3, 2.0, 5.0])),
            )
        )
        servers[name] = server(
            step_ms=draw(st.sampled_from([10, 25])),
            kv_blocks=draw(st.sampled_from([8, 20, 500])),
            max_num_seqs=draw(st.sampled_from([1, 2, 50])),
            max_num_batched_tokens=draw(st.sampled_from([60, 2000])),
            max_model_len=draw(st.sampled_from([150, 5000])),
        )
        initial[name] = draw(st.integers(lowest, most))
    count = st.integers(1, 3)
    nodes = st.just([(accelerator, draw(st.integers(3, 4)), draw(count)) for accelerator in ACCELERATORS])
    crash = st.tuples(st.sampled_from([0.0, 1.0, 3.7, 8.0, 15.0]), st.sampled_from([v.name for v in variants]))
    gateway = {
        "queue": draw(st.sampled_from(["engine", "gateway"])),
        "hold_above": draw(st.integers(1, 3)),
        "first_token_timeout": draw(st.sampled_from(["500ms", "3s", "20s"])),
        "total_timeout": draw(st.sampled_from([None, "2s", "10s"])),
        "routing": draw(st.sampled_from(["least-loaded", "round-robin"])),
    }
    return setting(
        *variants,
        servers=servers,
        initial=initial,
        nodes=draw(st.one_of(st.none(), nodes)),
        gateway=gateway,
        interval=draw(st.sampled_from([0.5, 1.0, 4.0])),
        scrape=draw(st.sampled_from([0.5, 1.0, 5.0])),
        crashes=draw(st.lists(crash, max_size=4)),
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    fleet = draw(settings_of_fleets())
    names = [model.name for model in fleet.models]
    moment = st.one_of(st.sampled_from([0.0, 1.0, 5.0, 5.0]), st.integers(0, 1190).map(lambda n: n / 100))
    requests = draw(
        st.lists(
            st.tuples(
                moment,
                st.sampled_from([1, 16, 40, 100, 130, 200]),
                st.sampled_from([1, 5, 60, 200, 600]),
                st.sampled_from(names),
            ),
            min_size=1,
            max_size=40,
        )
    )
    plans = st.lists(st.tuples(st.sampled_from([0.0, 1.0, 2.0, 4.0, 7.0, 11.0, 14.0]), st.integers(0, 4)), max_size=5)
    script = {v.name: sorted(draw(plans)) for v in fleet.variants}
    policy = Scripted(script=script, wrong_every=draw(st.sampled_from([0, 0, 3])))
    return Case(fleet, tuple(sorted(requests)), policy, draw(st.integers(0, 100)))


def floats_in(value: Any) -> Iterator[float]:
    """Every float in nested dataclasses and tuples."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from floats_in(one)
    elif is_dataclass(value):
        for field in fields(value):
            yield from floats_in(getattr(value, field.name))


def every_request_ends_once_and_is_counted(case: Case, simulation: Simulation, result: RunResult) -> None:
    ends = statuses(result)
    failed = sum(status in FAILED for status in ends)
    assert len(ends) == len(case.requests)
    assert sum(status in {"completed", "truncated"} for status in ends) + failed == len(ends)
    gateways = simulation.world.gateways
    assert gateways["arrivals"].sum() == len(ends)
    assert gateways["failed"].sum() == failed
    assert gateways["waiting"].sum() == gateways["queued_tokens"].sum() == 0


def times_are_in_order(case: Case, simulation: Simulation, result: RunResult) -> None:
    gateway = case.setting.scenario.gateway
    for record, status in zip(result.requests, statuses(result), strict=True):
        elapsed_s = (record["finish"] - record["arrival"]) / PICOSECONDS
        assert 0 <= elapsed_s <= result.end_s
        if record["first_token"] >= 0:
            assert record["arrival"] <= record["enqueued"] <= record["scheduled"]
            assert record["scheduled"] < record["first_token"] <= record["finish"]
            assert (record["first_token"] - record["arrival"]) / PICOSECONDS <= gateway.first_token_timeout
        if gateway.total_timeout is not None:
            assert elapsed_s <= gateway.total_timeout
        assert (status == "completed") == (record["produced"] == record["output"] and status not in FAILED)
        assert (status == "too long") == (elapsed_s == 0 and record["replica"] < 0 and status != "crashed")


def nothing_is_left_behind(case: Case, simulation: Simulation, result: RunResult) -> None:
    replicas = simulation.world.engines.replicas
    for name in ("running", "waiting", "in_flight", "used_blocks", "aborts", "decoding", "context"):
        assert not replicas[name].any(), name
    # A replica that was stopped with nothing left is gone.
    assert all(replica.phase is not Phase.DRAINING for replica in simulation._fleet.replicas)


def no_more_gpus_are_held_than_there_are(case: Case, simulation: Simulation, result: RunResult) -> None:
    total: dict[str, int] = {}
    for spec in case.setting.scenario.nodes or ():
        total[spec.accelerator] = total.get(spec.accelerator, 0) + spec.gpus * spec.count
    pending, on_hardware = result.timeline.replicas[:, :, 0], result.timeline.replicas[:, :, 1:].sum(axis=2)
    for accelerator in ACCELERATORS:
        held = sum(
            on_hardware[:, index] * v.gpus_per_replica
            for index, v in enumerate(case.setting.variants)
            if v.accelerator == accelerator
        )
        if total:
            assert np.all(held <= total[accelerator])
    if not total:
        assert not pending.any()


def bills_add_up(case: Case, simulation: Simulation, result: RunResult) -> None:
    for index, use in enumerate(result.use):
        assert 0 <= use.ready_hours <= use.billed_hours
        shown = result.timeline.replicas[:, index]
        if not shown[:, 1:].any() and not use.scale_ups:
            assert use.billed_hours == 0 or case.setting.scenario.variants[index].initial > 0


def observations_are_sound(case: Case, simulation: Simulation, result: RunResult) -> None:
    last: Observation | None = None
    for seen in Scripted.seen:
        assert all(isfinite(value) for value in floats_in(seen))
        assert last is None or last.now < seen.now
        last = seen
        for one in seen.variants:
            staying = [replica for replica in one.replicas if replica.phase is not Phase.DRAINING]
            assert one.desired == len(staying) <= one.variant.max_replicas
            assert one.ready == len(one.in_phase(Phase.READY))
            assert len({replica.id for replica in one.replicas}) == len(one.replicas)
            for replica in one.replicas:
                metrics = replica.instances[0].metrics
                assert replica.phase in (Phase.READY, Phase.DRAINING) or metrics is None
                assert replica.since <= seen.now
                if metrics is not None:
                    assert replica.ready_at is not None
                    assert metrics.age_s <= seen.now - replica.ready_at + 1e-9, "scraped while it served"
                    values = list(floats_in(metrics))
                    assert min(values) >= 0
                    assert metrics.kv_usage is not None
                    assert metrics.kv_usage <= 1


def the_body_stays_within_bounds(case: Case, simulation: Simulation, result: RunResult) -> None:
    for seen in Scripted.seen[1:]:
        for one in seen.variants:
            assert one.variant.min_replicas <= one.desired <= one.variant.max_replicas


INVARIANTS = (
    every_request_ends_once_and_is_counted,
    times_are_in_order,
    nothing_is_left_behind,
    no_more_gpus_are_held_than_there_are,
    bills_add_up,
    observations_are_sound,
    the_body_stays_within_bounds,
)


# A run costs more than all that can be said of it, so every invariant looks at the same ones.
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_every_run_is_sound(case: Case) -> None:
    Scripted.seen.clear()
    simulation = Simulation(case.setting, asked(case.setting, case.requests, WINDOW_S), case.policy, case.seed)
    result = simulation.run()
    for holds in INVARIANTS:
        holds(case, simulation, result)
