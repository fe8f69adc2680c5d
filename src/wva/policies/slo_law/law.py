"""The formula of the ScaledObject: from saturation to a count of replicas."""

from dataclasses import dataclass
from math import ceil, floor


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The band of saturation within which the count stays."""

    theta_up: float = 0.55
    """Above it the count grows. Low, because latency hardly rises before the queue begins, and then at once."""
    theta_dn: float = 0.40
    """Below it the count shrinks."""

    def __post_init__(self) -> None:
        if not 0.0 < self.theta_dn <= self.theta_up:
            raise ValueError(f"theta_dn must be above 0 and at most theta_up {self.theta_up}, got {self.theta_dn}")


def desired(saturation: float, provisioned: int, ready: int, band: Thresholds) -> int:
    """The count that the saturation asks for.

    On the way up, what is starting already gets credit: the latency is that of the ready replicas alone. On the way
    down it gets none, so that a start is no reason to shrink.
    """
    if saturation > band.theta_up:
        credit = ready / provisioned if 0 < ready < provisioned else 1.0
        return provisioned + ceil(provisioned * (saturation * credit / band.theta_up - 1.0))
    if saturation < band.theta_dn:
        return provisioned - floor(provisioned * (1.0 - saturation / band.theta_dn))
    return provisioned
