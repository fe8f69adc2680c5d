"""Replicas that have hardware and never come to serve: made good elsewhere, but not by more of the same."""

from dataclasses import replace

from tests.decide.worlds import Play, codes, ready, replica, seen, variant
from wva.fleet.observation import VariantObservation
from wva.fleet.replica import FAILING, Phase

RATE = 64.0
V = variant()
DEAR = variant("dear", cost_per_hour=9.0)


def crashing(of: str) -> VariantObservation:
    """Replicas of which one fails, after so many that serve: ``rrx`` are two that do and one that does not."""
    loop = f"{FAILING}: CrashLoopBackOff"
    return seen(
        V,
        *(
            replica(f"v-{place}") if kind == "r" else replace(replica(f"v-{place}", Phase.STARTING), reason=loop)
            for place, kind in enumerate(of)
        ),
    )


def enough() -> int:
    """Replicas that the load needs."""
    play = Play()
    return play.run(330.0, RATE, ready(V, 1))["v"].target


def test_one_that_keeps_failing_is_made_good() -> None:
    count = enough()
    play = Play()
    whole = play.run(330.0, RATE, ready(V, count))["v"]
    assert whole.target == count
    plan = play.decide(RATE, crashing("r" * (count - 1) + "x"))["v"]
    assert plan.target == count + 1
    assert "lost" in codes(plan)
    assert str(plan.reasons[2]) == "not counted on, as starts fail or take far longer than usual: 1 replica of v"


def test_more_of_what_never_serves_are_not_ordered() -> None:
    play = Play()
    play.run(330.0, RATE, ready(V, 2))
    plan = play.decide(RATE, crashing("xx"))["v"]
    assert plan.target == 2
    assert codes(plan)[-1] == "short"


def test_another_variant_serves_in_their_place() -> None:
    play = Play()
    play.run(330.0, RATE, ready(V, 2), ready(DEAR, 0))
    plans = play.decide(RATE, crashing("xx"), ready(DEAR, 0))
    assert plans["v"].target == 2
    assert plans["dear"].target >= 2
