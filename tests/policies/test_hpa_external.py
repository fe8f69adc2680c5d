"""External metrics: their arithmetic, worked by hand."""

import pytest

from wva.policies.hpa.external import propose_average, propose_value


@pytest.mark.parametrize(
    ("current", "total", "target", "replicas"),
    [
        (2, 7_000, 1_000, 7),  # 7 / 1 = 7, far from 2
        (2, 2_100, 1_000, 2),  # 2.1 / 2 = 1.05: within a tenth
        (10, 11_000, 1_000, 10),  # 1.1 exactly is within
        (10, 11_001, 1_000, 12),  # just beyond: ceil(11.001)
        (20, 18_000, 1_000, 20),  # 0.9 exactly is within: asked for 18, a follower stays at 20
        (4, 0, 1_000, 0),
        (0, 0, 1_000, 0),
        (0, 1, 1_000, 1),  # from zero nothing is tolerated
    ],
)
def test_an_average_value_divides_the_total(current: int, total: int, target: int, replicas: int) -> None:
    assert propose_average(current, total, target, 0.1, 0.1).replicas == replicas


def test_an_average_value_within_the_tolerance_stays_though_the_total_asks_for_more() -> None:
    # 250 over 3 pods at 80 each is 1.04 of the target; ceil(250 / 80) would be 4.
    assert propose_average(3, 250_000, 80_000, 0.1, 0.1).replicas == 3
    assert propose_average(3, 250_000, 80_000, 0.0, 0.0).replicas == 4


@pytest.mark.parametrize(
    ("current", "ready", "value", "replicas"),
    [
        (4, 4, 1_500, 6),  # 1.5 x 4
        (4, 2, 1_500, 3),  # only ready pods are multiplied: fewer than there are, and nothing guards it
        (4, 4, 1_050, 4),  # within a tenth
        (4, 4, 500, 2),
        (0, 0, 1_500, 2),  # from zero: ceil(1.5)
    ],
)
def test_a_value_multiplies_the_ready_pods(current: int, ready: int, value: int, replicas: int) -> None:
    assert propose_value(current, ready, value, 1_000, 0.1, 0.1).replicas == replicas
