"""KEDA's own part: a variant whose triggers are active has replicas, and one that has no minimum goes without.

In the manner of ``RequestScale`` of KEDA's scale executor.
"""

from dataclasses import dataclass, replace

from wva.fleet.observation import VariantObservation
from wva.fleet.reason import Reason
from wva.policies.hpa.follower import is_due


@dataclass(frozen=True, slots=True)
class ScaledObject:
    """What KEDA knows of one ScaledObject."""

    created_at: float
    """When it was first seen, in seconds since the epoch."""
    polled_at: float | None = None
    last_active_at: float | None = None
    """When a trigger was last found active; ``None`` before it ever was."""
    desired: int = 0
    """The count in force at the last poll."""
    decided: int | None = None
    """The count that KEDA set then; ``None`` left it to the HPA."""

    def not_after(self, now: float) -> "ScaledObject":
        """The same with nothing from after that instant, for a clock that was set back: what was, was just now."""
        return replace(
            self,
            created_at=min(self.created_at, now),
            polled_at=None if self.polled_at is None else min(self.polled_at, now),
            last_active_at=None if self.last_active_at is None else min(self.last_active_at, now),
        )


@dataclass(frozen=True, slots=True)
class Executor:
    """How KEDA takes a variant to 0 and back."""

    polling_interval_s: float
    cooldown_period_s: float
    initial_cooldown_period_s: float

    def poll(
        self, seen: VariantObservation, known: ScaledObject, active: bool, error: bool, now: float
    ) -> tuple[ScaledObject, Reason | None]:
        """Look at the triggers if it is time; what KEDA decided then stands in ``decided``, with the reason.

        ``active`` tells whether any trigger is above its activation threshold, ``error`` whether any cannot be read.
        """
        current = seen.desired
        if known.polled_at is not None and not is_due(known.polled_at, now, self.polling_interval_s):
            if known.decided is None or current != known.desired:
                return replace(known, decided=None), None
            return known, Reason("between_polls", f"stays at {known.decided} until the next poll")
        # With replicas there, an error beside an active trigger leaves the time of the last activity as it was.
        if active and not (error and current > 0):
            known = replace(known, last_active_at=now)
        decided, reason = self._decide(seen, known, active, error, now)
        return replace(known, polled_at=now, desired=current, decided=decided), reason

    def _decide(
        self, seen: VariantObservation, known: ScaledObject, active: bool, error: bool, now: float
    ) -> tuple[int | None, Reason | None]:
        current, highest = seen.desired, seen.variant.max_replicas
        lowest = min(seen.variant.min_replicas, highest)
        if active and current == 0 and highest > 0:
            wanted = max(1, lowest)
            return wanted, Reason("activated", f"a trigger is active: from 0 to {wanted}")
        if active or error:
            return None, None
        if current < lowest:
            return lowest, Reason("clamped", f"{current} is below the minimum of {lowest}")
        if current == 0 or lowest > 0:
            return None, None
        if not self._cooled_down(known, now):
            return None, Reason("cooldown", "no trigger is active, but one was not long ago")
        return 0, Reason("deactivated", f"no trigger is active: from {current} to 0")

    def _cooled_down(self, known: ScaledObject, now: float) -> bool:
        if known.last_active_at is None:
            return now - known.created_at >= self.initial_cooldown_period_s
        return now - known.last_active_at >= self.cooldown_period_s
