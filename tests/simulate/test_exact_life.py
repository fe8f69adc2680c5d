"""The closed form equals the step-by-step reference while replicas become ready, drain and crash."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulate import reference
from tests.simulate.test_exact import MS, Case, cases, ends, reference_ends, reference_fleet, world_of
from wva.engine.batch import state
from wva.simulate.loop import advance, all_served, drain, kill, make_ready
from wva.simulate.world import World


@dataclass(frozen=True)
class Event:
    """A replica changes its phase; what its phase does not allow is left out."""

    time: int
    kind: str
    row: int


@st.composite
def lives(draw: st.DrawFn, blocks: bool = False) -> tuple[Case, list[Event]]:
    """A case with nothing ready at first, and what happens to its replicas."""
    case = draw(cases(blocks))
    time = st.one_of(
        st.sampled_from([0, 10 * MS, 50 * MS, 100 * MS, 200 * MS]), st.integers(0, max(case.arrivals) + 200 * MS)
    )
    kind = st.sampled_from(["ready", "ready", "drain", "kill"])
    events = draw(st.lists(st.builds(Event, time, kind, st.integers(0, len(case.servers) - 1)), min_size=1, max_size=8))
    # With nobody ready only a timeout ends the wait.
    timeout = case.first_token_timeout or 700 * MS
    return replace(case, first_token_timeout=timeout), sorted(events, key=lambda event: event.time)


def reach(world: World, fleet: reference.Fleet, now: int) -> None:
    while advance(world, now) != state.NONE:
        pass
    fleet.run_until(now)


def happen(event: Event, world: World, fleet: reference.Fleet) -> None:
    engine, row, now = fleet.engines[event.row], event.row, event.time
    if event.kind == "ready" and not engine.ready and engine.step_end is None:
        make_ready(world, row, row, 0, now)
        fleet.make_ready(row, now)
    elif event.kind == "drain" and engine.ready:
        assert drain(world, row, 0) == (engine.step_end is None)
        fleet.drain(row)
    elif event.kind == "kill" and engine.ready:
        kill(world, row, 0, now)
        fleet.kill(row, now)


def check(case: Case, events: list[Event]) -> None:
    world, fleet = world_of(case, ready=False), reference_fleet(case)
    for engine in fleet.engines:
        engine.ready = False
    for event in events:
        reach(world, fleet, event.time)
        happen(event, world, fleet)
        assert world.gateways[0]["waiting"] == len(fleet.held)
        for row, engine in enumerate(fleet.engines):
            assert (world.engines.replicas[row]["mode"] == state.IDLE) == (engine.step_end is None)
    while advance(world, state.NEVER - 1) != state.NONE:
        pass
    fleet.run()
    assert ends(world) == reference_ends(fleet)
    assert all_served(world)
    failed = [status for *_, status in ends(world) if status not in ("completed", "truncated")]
    assert world.gateways[0]["failed"] == len(failed)


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(lives())
def test_closed_form_equals_steps_while_replicas_come_and_go(life: tuple[Case, list[Event]]) -> None:
    check(*life)


@settings(max_examples=150, deadline=None)
@given(lives(blocks=True))
def test_a_prefix_cache_lives_and_dies_with_its_replica(life: tuple[Case, list[Event]]) -> None:
    check(*life)
