"""How much may change within a minute, whatever plans say: what a wrong plan can do stays small."""

from dataclasses import dataclass

_WINDOW_S = 60.0


@dataclass(frozen=True, slots=True)
class Caps:
    """The most that is changed in any minute, over all variants; ``None`` is without limit."""

    replicas_per_minute: int | None = None
    gpus_per_minute: int | None = None

    def __post_init__(self) -> None:
        for value in (self.replicas_per_minute, self.gpus_per_minute):
            if value is not None and value < 1:
                raise ValueError(f"caps must be at least 1, got {value}")


@dataclass(frozen=True, slots=True)
class Change:
    """Replicas that were ordered, or told to go."""

    at: float
    """Seconds since the epoch."""
    replicas: int
    gpus: int


Changes = tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Granted:
    """What may be done now of what was wanted."""

    target: int
    change: Change
    """What that takes of the caps."""
    cap: str | None = None
    """What keeps it from being all, for people."""


def grant(caps: Caps, changes: Changes, now: float, current: int, target: int, *, free: int, gpus: int) -> Granted:
    """How far a count may go now.

    One replica may change where nothing did within the last minute: a cap below its size would hold it for ever.

    Args:
        caps: What may be changed in a minute.
        changes: What was.
        now: Seconds since the epoch.
        current: Replicas that do not drain.
        target: The count that is wanted.
        free: Replicas that drain and can be taken back, which takes nothing of the caps.
        gpus: GPUs of a replica.

    """
    recent = newest(changes, now)
    wanted = max(current - target, target - current - free, 0)
    least = 0 if recent else 1
    allowed, cap = wanted, None
    if caps.gpus_per_minute is not None:
        left = caps.gpus_per_minute - sum(each.gpus for each in recent)
        most = max(least, left // max(1, gpus))
        if most < allowed:
            allowed, cap = most, f"cap of {caps.gpus_per_minute} GPUs a minute"
    if caps.replicas_per_minute is not None:
        most = max(least, caps.replicas_per_minute - sum(each.replicas for each in recent))
        if most < allowed:
            allowed, cap = most, f"cap of {caps.replicas_per_minute} replicas a minute"
    withheld = wanted - allowed
    return Granted(
        target=target - withheld if target > current else target + withheld,
        change=Change(now, allowed, allowed * gpus),
        cap=cap,
    )


def newest(changes: Changes, now: float) -> Changes:
    """Those of the last minute."""
    return tuple(each for each in changes if now - each.at < _WINDOW_S)
