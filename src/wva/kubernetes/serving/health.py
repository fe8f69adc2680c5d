"""Whether the controller is well, by what it says of itself. Either answer is a line that says what is wrong."""

from dataclasses import dataclass

_TURNS = 4
"""Intervals without a turn after which a leading controller counts as hung."""
_LEAST_S = 60.0
"""And seconds at least: a turn that waits for everybody for as long as it may takes some half a minute."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """How the controller is. Times in seconds of a steady clock."""

    leading_since: float | None = None
    """When it began to lead; ``None`` where it does not."""
    turned_at: float | None = None
    """When the control loop last ended a turn, whatever came of it."""
    configured: bool = False
    """Whether its ConfigMaps were read."""
    not_seen: tuple[str, ...] = ()
    """Kinds of objects that were not listed yet, or of which nothing was heard for too long."""
    stopping: bool = False


def not_alive(vitals: Vitals, now: float, interval_s: float) -> str | None:
    """Why it should be restarted; ``None`` where it is alive. Only the leader's loop turns."""
    if vitals.leading_since is None or vitals.stopping:
        return None
    turned = vitals.leading_since if vitals.turned_at is None else max(vitals.leading_since, vitals.turned_at)
    longest = max(_TURNS * interval_s, _LEAST_S)
    if now - turned <= longest:
        return None
    return f"the control loop has not turned for {now - turned:.0f} s; {longest:.0f} s is the longest that it may take"


def not_ready(vitals: Vitals) -> str | None:
    """Why it cannot do its work; ``None`` where it can, or could if it led."""
    if vitals.stopping:
        return "stopping"
    if vitals.not_seen:
        return f"not seen: {', '.join(vitals.not_seen)}"
    return None if vitals.configured else "its ConfigMaps are not read yet"
