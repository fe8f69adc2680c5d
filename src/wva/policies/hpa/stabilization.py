"""Past recommendations hold a change back, in the manner of ``stabilizeRecommendationWithBehaviors``."""

from wva.policies.hpa.memory import Stamp, within
from wva.policies.hpa.settings import Behavior


def stabilize(desired: int, current: int, past: tuple[Stamp, ...], now: float, behavior: Behavior) -> int:
    """The count nearest to the current one that the recommendations of both windows allow.

    Growing stops at the lowest of the scale-up window, shrinking at the highest of the scale-down window.
    """
    up_window, down_window = behavior.scale_up.stabilization_window_s, behavior.scale_down.stabilization_window_s
    lowest = highest = desired
    for stamp in past:
        if stamp.replicas < lowest and within(stamp, now, up_window):
            lowest = stamp.replicas
        if stamp.replicas > highest and within(stamp, now, down_window):
            highest = stamp.replicas
    return min(max(current, lowest), highest)


def stabilize_without_behavior(desired: int, past: tuple[Stamp, ...], now: float, window_s: float) -> int:
    """The highest recommendation of the window: what the controller does for an HPA without ``spec.behavior``."""
    return max([desired, *(stamp.replicas for stamp in past if within(stamp, now, window_s))])
