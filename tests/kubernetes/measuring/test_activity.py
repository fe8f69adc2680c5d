"""What keeps a model from going to zero."""

from dataclasses import replace

import pytest

from tests.decide.worlds import BUSY, observation, replica, seen, traffic, variant
from wva.fleet.observation import Traffic
from wva.fleet.replica import InstanceMetrics
from wva.kubernetes.measuring.activity import active_models

NOTHING = replace(traffic(100.0), arrival_rate_1m=0.0)
RESTING = replace(BUSY, running=0.0, waiting=0.0)


@pytest.mark.parametrize(
    ("of", "metrics", "active"),
    [
        (NOTHING, RESTING, False),
        (replace(NOTHING, arrival_rate_1m=0.1), RESTING, True),
        (replace(NOTHING, queue_requests=1.0), RESTING, True),
        (NOTHING, replace(RESTING, running=1.0), True),
        (NOTHING, replace(RESTING, waiting=1.0), True),
        # What is unknown may be a request.
        (None, RESTING, True),
        (replace(NOTHING, arrival_rate_1m=None), RESTING, True),
        (replace(NOTHING, queue_requests=None), RESTING, True),
        (NOTHING, None, True),
        (NOTHING, replace(RESTING, running=None), True),
        (NOTHING, replace(RESTING, running=float("nan")), True),
    ],
)
def test_whether_a_model_may_have_requests(of: Traffic | None, metrics: InstanceMetrics | None, active: bool) -> None:
    at = observation(0.0, of, seen(variant(), replica("a", metrics=metrics)))
    assert bool(active_models(at)) is active


def test_a_model_at_zero_without_traffic_is_idle() -> None:
    assert active_models(observation(0.0, NOTHING, seen(variant()))) == frozenset()
