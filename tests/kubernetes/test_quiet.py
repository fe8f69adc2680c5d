"""Since when models are known to be without requests."""

from dataclasses import replace

from tests.decide.worlds import BUSY, MODEL, observation, ready, replica, seen, traffic, variant
from wva.decide.memory import Quiet
from wva.fleet.observation import ModelObservation
from wva.kubernetes.quiet import quiet_models

RESTING = replace(BUSY, age_s=0.0, running=0.0, waiting=0.0)


def test_a_models_own_variants_say_whether_it_is_quiet() -> None:
    other = replace(MODEL, name="other")
    quiet = seen(variant("o", model="other"), replica("o-0", metrics=RESTING))
    at = observation(5.0, traffic(100.0), ready(variant(), 1), quiet)
    at = replace(at, models=(*at.models, ModelObservation(other, traffic(7.0))))
    first = quiet_models(at, {"m": Quiet(0.0, 0.0, 100.0)})
    assert first == {"other": Quiet(5.0, 5.0, 7.0)}
    assert quiet_models(replace(at, now=6.0), first) == {"other": Quiet(5.0, 6.0, 7.0)}
