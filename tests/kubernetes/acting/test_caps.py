"""How much may change within a minute."""

import pytest

from wva.kubernetes.acting.caps import Caps, Change, grant

NOW = 1000.0


@pytest.mark.parametrize(
    ("caps", "recent", "current", "target", "free", "gpus", "granted", "replicas"),
    [
        (Caps(), [], 2, 50, 0, 8, 50, 48),
        (Caps(10), [], 2, 50, 0, 8, 12, 10),
        (Caps(10), [(30, 6)], 2, 50, 0, 8, 6, 4),
        (Caps(10), [(61, 6)], 2, 50, 0, 8, 12, 10),
        (Caps(10), [(30, 10)], 2, 50, 0, 8, 2, 0),
        (Caps(10), [], 50, 2, 0, 8, 40, 10),
        (Caps(None, 16), [], 2, 50, 0, 8, 4, 2),
        (Caps(None, 16), [(1, 1)], 2, 50, 0, 8, 3, 1),
        (Caps(None, 4), [], 2, 50, 0, 8, 3, 1),
        (Caps(None, 4), [(1, 1)], 2, 50, 0, 8, 2, 0),
        (Caps(3, 16), [], 2, 50, 0, 8, 4, 2),
        (Caps(1), [], 2, 5, 3, 8, 5, 0),
        (Caps(1), [], 2, 6, 2, 8, 5, 1),
        (Caps(1), [], 2, 2, 2, 8, 2, 0),
    ],
)
def test_a_count_goes_as_far_as_the_caps_let_it(
    caps: Caps, recent: list[tuple[float, int]], current: int, target: int, free: int, gpus: int, granted: int,
    replicas: int,
) -> None:  # fmt: skip
    before = tuple(Change(NOW - age, count, count * gpus) for age, count in recent)
    found = grant(caps, before, NOW, current, target, free=free, gpus=gpus)
    assert (found.target, found.change.replicas, found.change.gpus) == (granted, replicas, replicas * gpus)
    assert (found.cap is None) == (granted == target)


def test_the_cap_that_binds_is_named() -> None:
    assert grant(Caps(4, 16), (), NOW, 0, 9, free=0, gpus=8).cap == "cap of 16 GPUs a minute"
    assert grant(Caps(1, 16), (), NOW, 0, 9, free=0, gpus=8).cap == "cap of 1 replicas a minute"


def test_a_cap_is_at_least_one() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Caps(0)
