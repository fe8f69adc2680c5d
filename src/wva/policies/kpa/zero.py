"""What becomes of a count of 0, in the manner of ``scaler.handleScaleToZero``."""

from dataclasses import dataclass

from wva.fleet.reason import Reason


@dataclass(frozen=True, slots=True)
class Activity:
    """Since when a variant serves, and since when it has nothing to do."""

    active_since: float
    """When it was first seen with a ready replica, in seconds since the epoch."""
    inactive_since: float | None = None
    """When it was found to need no replica any more; ``None`` while it is active."""


@dataclass(frozen=True, slots=True)
class ScaleToZero:
    """When the last replica may go."""

    enabled: bool
    stable_window_s: float
    """Seconds that it has been active at least."""
    grace_period_s: float
    """Seconds for which it has been inactive at least, while traffic is turned to the gateway's queue."""
    pod_retention_period_s: float
    """Seconds for which the last replica stays at least, once none is needed."""

    def handle(
        self, desired: int, current: int, ready: int, activity: Activity, now: float
    ) -> tuple[int, Activity, Reason | None]:
        """The count to set for a desired one, which is the same unless it is 0; what is known then, and why."""
        if ready == 0 or (desired > 0 and activity.inactive_since is not None):
            activity = Activity(now)
        if desired > 0 or current == 0:
            return desired, activity, None
        if not self.enabled:
            return 1, activity, Reason("clamped", "it does not go to zero: scale-to-zero is not enabled")
        if ready == 0:
            return current, activity, Reason("activating", f"no replica is ready yet: stays at {current}")
        if activity.inactive_since is None:
            if now - activity.active_since < self.stable_window_s:
                return 1, activity, Reason("active", "it has not been active for a stable window yet: stays at 1")
            activity = Activity(activity.active_since, now)
        idle = 0.0 if activity.inactive_since is None else now - activity.inactive_since
        if idle >= max(self.grace_period_s, self.pod_retention_period_s):
            return 0, activity, Reason("idle", f"nothing to do for {idle:g} s: to zero")
        return current, activity, Reason("grace", f"nothing to do, but only for {idle:g} s: stays at {current}")
