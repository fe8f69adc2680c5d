"""Hardware that does not come: learned from pods that no node takes for too long, and from refused quota.

What is short is not asked for again until a while has passed, twice as long each time it comes to nothing, so that
another variant is tried meanwhile. A pod that gets its node ends it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from wva.kubernetes.objects.pod import Pod
from wva.kubernetes.objects.workload import Refusal

_WEIGHT = 0.2
"""Weight of one measured wait against all before it."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited for what. All in seconds."""

    unlearned_s: float = 600.0
    """For a node, until a wait was measured: clouds take 2 to 5 minutes, some machines 10."""
    least_s: float = 60.0
    """For a node at least: the scheduler itself backs off for some seconds."""
    deviations: float = 4.0
    """Mean absolute deviations above the mean wait that are still usual."""
    first_s: float = 300.0
    """From the first shortage to the next attempt."""
    longest_s: float = 3600.0
    """Between attempts at most."""

    def over(self, now: float) -> float:
        """Since when something must have been waited for that is not waited for any longer."""
        return now - self.unlearned_s - 1.0


@dataclass(frozen=True, slots=True)
class Waits:
    """How long pods waited that a node was made for."""

    mean_s: float
    deviation_s: float
    newest: float
    """When the newest that was learned from got its node."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """Something that did not come."""

    since: float
    """When it was seen first, in seconds since the epoch, as the next."""
    until: float
    """When it is asked for again."""
    failures: int
    """Attempts in a row that came to nothing."""
    cause: str
    """In one line, for people."""


@dataclass(frozen=True, slots=True)
class Shortages:
    """What is remembered, as plain data."""

    waits: Mapping[str, Waits] = field(default_factory=dict)
    """By accelerator."""
    open: Mapping[str, Shortage] = field(default_factory=dict)
    """By accelerator, or by variant where its namespace's quota is the limit. Kept until something comes."""

    def short_of(self, now: float) -> frozenset[str]:
        """What is not to be asked for now."""
        return frozenset(name for name, shortage in self.open.items() if now < shortage.until)


@dataclass(frozen=True, slots=True)
class Attempt:
    """How an order of hardware stands, for one accelerator or, as to quota, one variant."""

    name: str
    refused_since: float | None
    """Since when it has been refused, or nothing has come for too long; ``None`` while it may still come."""
    cause: str
    came_at: float | None
    """When something last came."""


def learn(waits: Mapping[str, Waits], pods: Mapping[str, Iterable[Pod]], least_s: float) -> dict[str, Waits]:
    """Learn from the pods of each accelerator that got a node after a wait: what was free is no provisioning."""
    learned = dict(waits)
    for accelerator, own in pods.items():
        ended = sorted(
            (pod.scheduled_at, pod.scheduled_at - pod.created_at)
            for pod in own
            if pod.scheduled_at is not None
            and pod.created_at is not None
            and pod.scheduled_at - pod.created_at >= least_s
        )
        for at, took in ended:
            known = learned.get(accelerator)
            if known is None:
                learned[accelerator] = Waits(took, took / 4, at)
            elif at > known.newest:
                error = took - known.mean_s
                deviation = known.deviation_s + _WEIGHT * (abs(error) - known.deviation_s)
                learned[accelerator] = Waits(known.mean_s + _WEIGHT * error, deviation, at)
    return learned


def longest_wait_s(waits: Waits | None, patience: Patience) -> float:
    """Seconds that a pod may wait for a node before it counts as not coming."""
    if waits is None:
        return patience.unlearned_s
    return max(patience.least_s, waits.mean_s + patience.deviations * waits.deviation_s)


def waiting(accelerator: str, pods: Iterable[Pod], waits: Waits | None, now: float, patience: Patience) -> Attempt:
    """How the pods of one accelerator fare with the scheduler."""
    longest = longest_wait_s(waits, patience)
    stuck: list[tuple[float, str]] = []
    came: float | None = None
    for pod in pods:
        if pod.scheduled_at is not None:
            came = pod.scheduled_at if came is None else max(came, pod.scheduled_at)
        elif pod.unschedulable is not None and pod.deleted_at is None and not pod.ended:
            began = pod.created_at if pod.created_at is not None else pod.unschedulable_since
            if began is not None and now - began > longest:
                stuck.append(
                    (began + longest, f"no node takes {pod.name} for more than {longest:.0f} s: {pod.unschedulable}")
                )
    since, cause = min(stuck, default=(None, ""))
    return Attempt(accelerator, since, cause, came)


def refused(variant: str, refusal: Refusal | None, pods: Iterable[Pod], now: float) -> Attempt:
    """How a variant fares with its namespace's quota. Without a refusal it may only be that nothing is asked for."""
    came = max((pod.created_at for pod in pods if pod.created_at is not None), default=None)
    if refusal is None or not refusal.by_quota:
        return Attempt(variant, None, "", came)
    return Attempt(variant, now if refusal.since is None else refusal.since, refusal.message, came)


def updated(memory: Shortages, attempts: Iterable[Attempt], now: float, patience: Patience) -> Shortages:
    """Open, prolong and end shortages by what the attempts have come to."""
    open_now = dict(memory.open)
    for attempt in attempts:
        known = open_now.get(attempt.name)
        if known is not None and attempt.came_at is not None and attempt.came_at > known.since:
            del open_now[attempt.name]
            known = None
        if attempt.refused_since is None:
            continue
        if attempt.came_at is not None and attempt.came_at > attempt.refused_since:
            # It came after all, if only for another: the one that waits may wait for something else.
            continue
        if known is None:
            open_now[attempt.name] = Shortage(now, now + patience.first_s, 1, attempt.cause)
        elif now >= known.until:
            failures = known.failures + 1
            pause = min(patience.longest_s, patience.first_s * 2.0 ** min(failures - 1, 30))
            open_now[attempt.name] = replace(known, until=now + pause, failures=failures, cause=attempt.cause)
    return replace(memory, open=open_now)
