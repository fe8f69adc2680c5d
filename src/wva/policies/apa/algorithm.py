"""The count that one metric asks for, in the manner of ``APAAlgorithm`` and ``applyPendingReplicaGuard``."""

from dataclasses import dataclass
from math import ceil, floor


@dataclass(frozen=True, slots=True)
class Rates:
    """How far a metric may be from its target, and how far one step goes."""

    up_fluctuation_tolerance: float
    down_fluctuation_tolerance: float
    max_scale_up_rate: float
    max_scale_down_rate: float


def propose(current: int, value: float, target: float, rates: Rates) -> int:
    """The current count times value over target, unless that is within the tolerances; as far as the rates allow."""
    ratio = value / target
    if ratio > 1 + rates.up_fluctuation_tolerance:
        return min(ceil(current * ratio), ceil(rates.max_scale_up_rate * current))
    if ratio < 1 - rates.down_fluctuation_tolerance:
        return max(ceil(current * ratio), floor(current / rates.max_scale_down_rate))
    return current


def guarded(desired: int, current: int, ready: int, value: float, target: float) -> int:
    """The count with replicas in mind that are not ready and have no part in the value.

    They count as idle when it grows, and as at the target when it shrinks. That holds a change back, and never turns
    it around nor takes it further.
    """
    pending = current - min(ready, current)
    if pending == 0 or desired == current:
        return desired
    if desired > current:
        return min(max(ceil(value * (current - pending) / target), current), desired)
    return max(min(ceil((value * (current - pending) + target * pending) / target), current), desired)
