"""From mean concurrency to a count, in the manner of ``autoscaler.Scale``."""

from dataclasses import dataclass
from math import ceil, floor


@dataclass(frozen=True, slots=True)
class Panic:
    """Whether the autoscaler panics, and how far that has brought it (``panicTime``, ``maxPanicPods``)."""

    since: float | None = None
    """When the load was last over the threshold, in seconds since the epoch; ``None`` when it does not panic."""
    pods: int = 0
    """The highest count of this panic, below which it does not go."""


@dataclass(frozen=True, slots=True)
class Decider:
    """How concurrency becomes a count (``DeciderSpec``)."""

    target_value: float
    """Concurrency that each pod is to have."""
    max_scale_up_rate: float
    max_scale_down_rate: float
    panic_threshold: float
    """Pods wanted over pods ready from which it panics."""
    stable_window_s: float
    activation_scale: int

    def scale(self, stable: float, panicking: float, ready: int, panic: Panic, now: float) -> tuple[int, Panic]:
        """The count for the mean concurrency of the stable and of the panic window, and the panic from now on.

        The count stays within what the rates allow of the pods that are ready, 1 if none is. It panics from when the
        panic window wants so many times the ready pods until it has not for a whole stable window. Then the larger of
        both counts holds, and never less than the highest so far.
        """
        pods = max(1, ready)
        wanted_in_panic = ceil(panicking / self.target_value)
        over = wanted_in_panic / pods >= self.panic_threshold
        if over:
            panic = Panic(now, panic.pods)
        elif panic.since is not None and now - panic.since >= self.stable_window_s:
            panic = Panic()
        desired = self._allowed(ceil(stable / self.target_value), pods)
        if panic.since is None:
            return desired, panic
        highest = max(desired, self._allowed(wanted_in_panic, pods), panic.pods)
        return highest, Panic(panic.since, highest)

    def _allowed(self, wanted: int, pods: int) -> int:
        """The count within the rates, and at least the activation scale unless nothing is wanted."""
        highest = ceil(self.max_scale_up_rate * pods)
        lowest = floor(pods / self.max_scale_down_rate)
        allowed = min(max(wanted, lowest), highest)
        return max(allowed, self.activation_scale) if wanted > 0 and self.activation_scale > 1 else allowed
