"""To zero, and not before: a model is retired once it was seen to be without requests for its whole retention."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.decide.worlds import (
    BUSY,
    MODEL,
    SETTINGS,
    TRAITS,
    Play,
    codes,
    observation,
    ready,
    replica,
    seen,
    traffic,
    variant,
)
from wva.decide.memory import Quiet
from wva.decide.quiet import retired, watched
from wva.fleet.observation import ModelObservation, Observation, Traffic, Trigger, VariantObservation
from wva.fleet.replica import InstanceMetrics, Phase

V = variant()
NOW = 50.0
BEFORE = Quiet(10.0, 45.0, 7.0)
NOBODY = traffic(7.0)
RESTING = replace(BUSY, age_s=0.0, running=0.0, waiting=0.0)
NAN = float("nan")
RETENTION_S = 60.0
SHORTLY = replace(MODEL, retention_s=RETENTION_S)


def one(metrics: InstanceMetrics | None = RESTING, phase: Phase = Phase.READY) -> VariantObservation:
    return seen(V, replica("a", phase, metrics))


def look(of: Traffic | None, *variants: VariantObservation, before: Quiet | None = BEFORE) -> Quiet | None:
    return watched(before, ModelObservation(MODEL, of), variants, NOW, SETTINGS)


@pytest.mark.parametrize(
    ("of", "variants", "since"),
    [
        (NOBODY, [one()], 10.0),
        (NOBODY, [one(), seen(variant("w"), replica("b", metrics=RESTING))], 10.0),
        # At zero there is nothing to ask.
        (NOBODY, [seen(V)], 10.0),
        (NOBODY, [one(phase=Phase.PENDING)], 10.0),
        # What came and went between two looks.
        (traffic(8.0), [one()], NOW),
        # A counter that began anew hides what came before.
        (traffic(0.0), [one()], NOW),
        # Requests that wait or run.
        (traffic(7.0, queue=1.0), [one()], None),
        (NOBODY, [one(replace(RESTING, running=1.0))], None),
        (NOBODY, [one(replace(RESTING, waiting=1.0))], None),
        (NOBODY, [one(), seen(variant("w"), replica("b", Phase.DRAINING))], None),
        # What is unknown may be a request.
        (None, [one()], None),
        (replace(NOBODY, age_s=100.0), [one()], None),
        (replace(NOBODY, arrivals_total=None), [one()], None),
        (replace(NOBODY, queue_requests=None), [one()], None),
        (NOBODY, [one(None)], None),
        (NOBODY, [one(replace(RESTING, age_s=100.0))], None),
        (NOBODY, [one(replace(RESTING, running=None))], None),
        (NOBODY, [one(replace(RESTING, waiting=NAN))], None),
        # Whoever has the first one started has not seen it yet.
        (NOBODY, [one(phase=Phase.STARTING)], None),
        (NOBODY, [one(), seen(variant("w"), replica("b", Phase.STARTING))], 10.0),
    ],
)
def test_since_when_a_model_is_quiet(of: Traffic | None, variants: list[VariantObservation], since: float) -> None:
    found = look(of, *variants)
    assert (found and found.since) == since


@pytest.mark.parametrize(("gateway_s", "engine_s", "seen"), [(1.0, 3.0, 47.0), (4.0, 3.0, 46.0), (9.0, 3.0, 45.0)])
def test_it_is_known_up_to_the_oldest_figure(gateway_s: float, engine_s: float, seen: float) -> None:
    found = look(replace(NOBODY, age_s=gateway_s), one(replace(RESTING, age_s=engine_s)))
    assert found == replace(BEFORE, seen=seen)


def test_a_first_look_and_one_after_a_gap_begin_anew() -> None:
    assert look(NOBODY, one(), before=None) == Quiet(NOW, NOW, 7.0)
    away = Quiet(-1000.0, NOW - SETTINGS.level_window_s - 1.0, 7.0)
    assert look(NOBODY, one(), before=away) == Quiet(NOW, NOW, 7.0)


@pytest.mark.parametrize(("own", "expected"), [(35.0, True), (35.1, False), (None, False), (0.0, True)])
def test_the_models_own_retention_goes_before_the_policys(own: float | None, expected: bool) -> None:
    assert retired(BEFORE, replace(MODEL, retention_s=own), SETTINGS) is expected
    assert retired(replace(BEFORE, since=BEFORE.seen - SETTINGS.idle_window_s), MODEL, SETTINGS)
    assert not retired(None, replace(MODEL, retention_s=own), SETTINGS)


def shown(now: float, arrivals: float | None, *variants: VariantObservation, **more: object) -> Observation:
    of = None if arrivals is None else traffic(arrivals)
    found = observation(now, of, *variants, **more)  # type: ignore[arg-type]
    return replace(found, models=(replace(found.models[0], model=SHORTLY),))


def resting(count: int, **changes: object) -> VariantObservation:
    of = variant(**changes)  # type: ignore[arg-type]
    unasked = replace(RESTING, requests_finished_rate_5m=0.0)
    return seen(of, *(replica(f"{of.name}-{number}", metrics=unasked) for number in range(count)))


def test_a_model_that_nobody_ever_asked_for_goes_to_zero_after_its_retention() -> None:
    play = Play()
    for now in range(0, 60, 10):
        plan = play.see(shown(float(now), 0.0, resting(3)))["v"]
        assert (plan.target, codes(plan)[0]) == (3, "blind")
    plan = play.see(shown(60.0, 0.0, resting(3)))["v"]
    assert (plan.target, plan.publish, codes(plan)) == (2, 2, ["idle", "shrink"])
    assert play.see(shown(70.0, 0.0, resting(1)))["v"].target == 0
    at_zero = play.see(shown(80.0, 0.0, resting(0)))["v"]
    assert (at_zero.target, at_zero.publish, codes(at_zero)) == (0, 0, ["idle", "hold"])


def test_after_a_load_its_retention_is_all_that_is_waited_for() -> None:
    play = Play()
    for now in range(0, 330, 15):
        play.see(shown(float(now), 2.0 * now, ready(V, 1)))
    for now in range(330, 390, 15):
        assert play.see(shown(float(now), 660.0, resting(1)))["v"].target == 1
    assert codes(play.see(shown(405.0, 660.0, resting(1)))["v"]) == ["idle", "shrink"]


@pytest.mark.parametrize(
    "more",
    [
        resting(1, min_replicas=1),
        replace(resting(1), traits=replace(TRAITS, reaches_zero=False)),
    ],
)
def test_what_may_not_go_to_zero_stays(more: VariantObservation) -> None:
    play = Play()
    for now in (0.0, 30.0, 60.0, 90.0):
        plan = play.see(shown(now, 0.0, more))["v"]
    assert (plan.target, codes(plan)) == (1, ["idle", "hold"])


def test_a_rollout_is_waited_for() -> None:
    mixed = seen(V, replica("a", metrics=RESTING), replica("b", metrics=RESTING, revision="0"))
    play = Play()
    for now in (0.0, 30.0, 60.0):
        plan = play.see(shown(now, 0.0, mixed))["v"]
    assert (plan.target, codes(plan)) == (2, ["guard", "hold"])


def test_a_request_that_waits_at_zero_wakes_however_long_nobody_asked() -> None:
    play = Play()
    for now in (0.0, 30.0, 60.0):
        play.see(shown(now, 0.0, resting(0)))
    assert play.see(shown(61.0, 0.0, resting(0), trigger=Trigger.ARRIVAL_AT_ZERO))["v"].target == 1


LOOKS = st.lists(
    st.tuples(
        st.floats(1.0, 100.0),
        st.sampled_from(["nothing", "nothing", "nothing", "arrival", "blind", "dark", "runs", "starts"]),
    ),
    max_size=40,
)


@given(LOOKS, st.floats(0.0, 200.0))
def test_none_goes_before_it_was_seen_without_a_request_for_that_long(
    looks: list[tuple[float, str]], retention_s: float
) -> None:
    now = arrivals = 0.0
    quiet, since = None, None
    model = replace(MODEL, retention_s=retention_s)
    for elapsed_s, kind in looks:
        now += elapsed_s
        arrivals += kind == "arrival"
        metrics = {"dark": None, "runs": BUSY}.get(kind, RESTING)
        phase = Phase.STARTING if kind == "starts" else Phase.READY
        of = None if kind == "blind" else traffic(arrivals)
        quiet = watched(quiet, ModelObservation(model, of), [one(metrics, phase)], now, SETTINGS)
        if kind == "arrival" or (kind == "nothing" and since is None):
            since = now
        elif kind != "nothing":
            since = None
        known = since is not None and now - since >= retention_s
        assert retired(quiet, model, SETTINGS) is known
