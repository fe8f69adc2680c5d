"""What one metric proposes, with numbers worked by hand. Values and targets are thousandths."""

import pytest

from wva.policies.hpa.calculator import Proposal, propose
from wva.policies.hpa.pods import Pods


def replicas(current: int, target: int, pods: Pods, down: float = 0.1, up: float = 0.1) -> int:
    proposal = propose(current, target, pods, down, up)
    assert proposal is not None
    return proposal.replicas


@pytest.mark.parametrize(
    ("current", "target", "levels", "expected"),
    [
        (5, 3000, [3270] * 5, 5),  # 1.09 is within the tolerance
        (5, 3000, [3300] * 5, 5),  # 1.1 is the edge of it, and within
        (5, 3000, [3303] * 5, 6),  # 1.101 x 5 = 5.505
        (5, 3000, [2700] * 5, 5),  # 0.9 is the other edge, and within
        (5, 3000, [2697] * 5, 5),  # 0.899 x 5 = 4.495, rounded up
        (5, 3000, [3600] * 5, 6),  # 1.2 x 5 = 6 exactly
        (5, 500, [50] * 5, 1),  # 0.1 x 5 = 0.5
        (5, 500, [0] * 5, 0),
        (1, 3000, [30_000], 10),
        # The controller's own cases for metrics of pods; readiness plays no part in them.
        (3, 15_000, [20_000, 10_000, 30_000], 4),
        (3, 15_000, [50_000, 10_000, 30_000], 6),
        (3, 15_000, [50_000, 15_000, 30_000], 7),
        (1, 4400, [8600], 2),
        (5, 20_000, [12_000] * 5, 3),
    ],
)
def test_every_pod_reports(current: int, target: int, levels: list[int], expected: int) -> None:
    assert replicas(current, target, Pods(sum(levels), len(levels), missing=0, unready=0)) == expected


def test_the_mean_is_an_integer_division() -> None:
    # 9902 / 3 = 3300.67 is cut to 3300, which is 1.1 times the target and within the tolerance.
    assert propose(3, 3000, Pods(9902, 3, 0, 0), 0.1, 0.1) == Proposal(3, usage_milli=3300, ratio=1.1)


def test_the_ceiling_is_of_a_binary_float() -> None:
    # 0.28 x 25 is 7, but 7.000000000000001 in double precision, and the controller asks for 8.
    assert replicas(25, 500, Pods(140 * 25, 25, 0, 0)) == 8


@pytest.mark.parametrize(
    ("current", "total", "reporting", "missing", "expected"),
    [
        # Below the target, the missing are at it: (4 x 1 + 2 x 3) / 6 = 1.666, 0.5553 x 6 = 3.33. Without them: 2.
        (6, 4000, 4, 2, 4),
        # Above the target, the missing are idle: (2 x 9) / 4 = 4.5, 1.5 x 4 = 6. Without them: 12 of 4.
        (4, 18_000, 2, 2, 6),
        # 3 x 4 / 4 = 3 is the target itself: no change.
        (4, 12_000, 3, 1, 4),
        # 5 x 3.6 / 10 = 1.8 turns 1.2 into 0.6: no change, and not 6.
        (10, 18_000, 5, 5, 10),
        # 19802 / 6 = 3300.33 is cut to 3300, which is 1.1 times the target and within the tolerance.
        (6, 19_802, 4, 2, 6),
        # Surplus pods, as in a rollout: 0.85 x 8 = 6.8 would grow 4 although the load is low: no change.
        (4, 14_400, 6, 2, 4),
        # Pods that are not there at all: 1.333 x 3 = 4 would shrink 10 although the load is high: no change.
        (10, 12_000, 2, 1, 10),
        # Exactly at the target the missing are left out.
        (5, 9000, 3, 2, 5),
    ],
)
def test_pods_missing_their_metric(current: int, total: int, reporting: int, missing: int, expected: int) -> None:
    assert replicas(current, 3000, Pods(total, reporting, missing, unready=0)) == expected


@pytest.mark.parametrize(
    ("current", "total", "reporting", "unready", "expected"),
    [
        # Above the target, the unready are idle: 3 x 9 / 6 = 4.5, 1.5 x 6 = 9.
        (6, 27_000, 3, 3, 9),
        # 3 x 6.3 / 6 = 3.15 is within the tolerance: the three on their way are enough. Without them: 7.
        (6, 18_900, 3, 3, 6),
        # Below the target they are ignored, and so is that they are on their way: 0.5 x 4 = 2.
        (8, 6000, 4, 4, 2),
        # So 0.95 is within the tolerance, whatever else is on its way.
        (8, 11_400, 4, 4, 8),
    ],
)
def test_unready_pods(current: int, total: int, reporting: int, unready: int, expected: int) -> None:
    assert replicas(current, 3000, Pods(total, reporting, missing=0, unready=unready)) == expected


def test_missing_and_unready_together() -> None:
    # Above: 2 x 18 / (2 + 1 + 1) = 9, 3 x 4 = 12.
    assert replicas(4, 3000, Pods(36_000, 2, missing=1, unready=1)) == 12
    # Below: (2 x 1 + 3) / 3 = 1.666, 0.5553 x 3 = 1.67; the unready one is ignored.
    assert replicas(4, 3000, Pods(2000, 2, missing=1, unready=1)) == 2


def test_without_any_value_there_is_no_proposal() -> None:
    assert propose(5, 3000, Pods(0, 0, missing=5, unready=0), 0.1, 0.1) is None
    assert propose(5, 3000, Pods(0, 0, missing=0, unready=5), 0.1, 0.1) is None
    assert propose(5, 3000, Pods(0, 0, missing=0, unready=0), 0.1, 0.1) is None


def test_fewer_pods_than_wanted_can_turn_high_load_into_a_shrink() -> None:
    # 2 of 10 exist, twice the target each: 2 x 2 = 4. Nothing in the simple way looks at the current count.
    assert replicas(10, 3000, Pods(12_000, 2, 0, 0)) == 4


def test_tolerances_differ_by_direction() -> None:
    busy, idle = Pods(3180 * 5, 5, 0, 0), Pods(2550 * 5, 5, 0, 0)  # 1.06 and 0.85
    assert replicas(5, 3000, busy, down=0.2, up=0.05) == 6
    assert replicas(10, 3000, idle, down=0.2, up=0.05) == 10
    # The tolerances count again after the missing were filled in: (4 x 2 + 3) / 5 = 2.2 is 0.7333, and x 5 = 3.67.
    assert replicas(5, 3000, Pods(8000, 4, missing=1, unready=0), down=0.2, up=0.0) == 4
    assert replicas(5, 3000, Pods(8000, 4, missing=1, unready=0), down=0.3, up=0.0) == 5
