"""Who leads: a Lease elector as a state machine, so that two never act at once.

Times in the object are UTC and for people alone. What decides is each candidate's own steady clock: the leader acts
for ``renew_s`` from before it sent its last accepted write, and another takes over ``lease_s`` after it saw the object
change last. A candidate sees a change after it was accepted, and that is after it was sent, so with ``renew_s`` well
below ``lease_s`` the two spans do not meet, whatever the clocks show, however long anyone is paused, and whichever
answers are lost. The difference is for clocks that do not run alike, and for what is on its way to the API server.

The steady clock has to run on while the machine sleeps (``CLOCK_BOOTTIME``). Every write of the object names the
version that it replaces, so that the API server takes one of two.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

LOOK_S = 1.0
"""Seconds at most between two looks of who waits for the lead: a leader that ends in order is followed within them."""


@dataclass(frozen=True, slots=True)
class ElectionSettings:
    """Durations, in seconds."""

    lease_s: float = 15.0
    """Without a change of the object after which another takes over. Whole seconds: the object has no finer ones."""
    renew_s: float = 10.0
    """For which a leader acts on its last accepted write: what is under way then must be over within the lease."""
    retry_s: float = 2.0
    """Between two looks, or two renewals."""

    def __post_init__(self) -> None:
        if not 0 < self.retry_s < self.renew_s < self.lease_s:
            raise ValueError(f"must grow: retry {self.retry_s}, renew {self.renew_s}, lease {self.lease_s}")
        if self.lease_s != int(self.lease_s):
            raise ValueError(f"lease_s must be whole seconds, got {self.lease_s}")


@dataclass(frozen=True, slots=True)
class Lease:
    """The Lease object as it was read, or as a write left it."""

    version: str
    """Its ``resourceVersion``."""
    holder: str
    """Identity of the leader; empty after it let go."""
    duration_s: float
    """What its writer promised others to wait."""
    transitions: int
    acquired: str | None
    """When the holder got it, as written: for people."""
    renewed: str | None


@dataclass(frozen=True, slots=True)
class Write:
    """A write to be sent, at once; the API server must refuse it where the object has another version by then."""

    spec: Mapping[str, Any]
    expected: str | None
    """The version that it replaces; ``None`` creates the object."""
    sent_at: float
    """Steady clock, before it is sent."""
    claims: bool
    """Whether it makes its sender the leader, once it is accepted."""


@dataclass(frozen=True, slots=True)
class Read:
    """Look at the object."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing until then."""

    until: float
    """Steady clock."""


@dataclass(frozen=True, slots=True)
class Over:
    """It has stopped, and has nothing to let go of."""


Step = Write | Read | Wait | Over


@dataclass(frozen=True, slots=True)
class Candidate:
    """What one process knows. Times are of its steady clock."""

    identity: str
    """Different for every process, also for two of one pod one after the other."""
    settings: ElectionSettings = ElectionSettings()
    lease: Lease | None = None
    """The object as it was seen last; ``None`` where there was none."""
    changed_at: float | None = None
    """When it was first seen as it is; ``None`` before the first look."""
    looked_at: float | None = None
    """When it was looked at, or written, last; ``None`` where that has to be done now."""
    acts_until: float | None = None
    """Until when it leads; ``None`` where it does not."""
    stopping: bool = False

    def leads(self, now: float) -> bool:
        """Whether it may act. To be asked before every action, with the time as it is then."""
        return self.acts_until is not None and now < self.acts_until and not self.stopping


def step(candidate: Candidate, now: float, utc: float) -> Step:
    """What to do now. ``utc`` is seconds since the epoch, for the object alone."""
    if candidate.stopping:
        return _last_step(candidate, now, utc)
    if candidate.looked_at is None or candidate.changed_at is None:
        return Read()
    following = candidate.looked_at + candidate.settings.retry_s
    lease = candidate.lease
    if lease is None:
        # Whether there was one a moment ago, with a leader that does not know yet that it is gone, cannot be seen. So
        # it is made without a holder and waited for like any other: from then on every change is a new version.
        bare = {"holderIdentity": "", "leaseDurationSeconds": int(candidate.settings.lease_s), "leaseTransitions": 0}
        return Write(bare, None, now, claims=False)
    if lease.holder == candidate.identity:
        claims = now >= following or not candidate.leads(now)
        return _claim(candidate, lease, now, utc) if claims else Wait(following)
    free_at = _free_at(candidate, lease, candidate.changed_at)
    if now >= free_at:
        return _claim(candidate, lease, now, utc)
    look = candidate.looked_at + min(candidate.settings.retry_s, LOOK_S)
    return Read() if now >= look else Wait(min(look, free_at))


def saw(candidate: Candidate, lease: Lease | None, now: float) -> Candidate:
    """Take in the object as it was read; ``now`` is when the answer came."""
    changed = candidate.changed_at is None or lease != candidate.lease
    held = lease is not None and lease.holder == candidate.identity
    return replace(
        candidate,
        lease=lease,
        changed_at=now if changed else candidate.changed_at,
        looked_at=now,
        acts_until=candidate.acts_until if held else None,
    )


def accepted(candidate: Candidate, write: Write, lease: Lease, now: float) -> Candidate:
    """Take in that the API server took a write, and what the object is by it."""
    leads = write.claims and not candidate.stopping
    return replace(
        candidate,
        lease=lease,
        changed_at=now,
        looked_at=write.sent_at,
        acts_until=write.sent_at + candidate.settings.renew_s if leads else None,
    )


def failed(candidate: Candidate) -> Candidate:
    """Take in that a write was refused or that nothing is known of it: look first. A leader leads for its time."""
    return replace(candidate, looked_at=None)


def stop(candidate: Candidate) -> Candidate:
    """Act no more, and let go of the object at the next step."""
    return replace(candidate, stopping=True, acts_until=None)


def parse_lease(body: Mapping[str, Any]) -> Lease:
    """A Lease of ``coordination.k8s.io/v1``."""
    spec = body.get("spec") or {}
    return Lease(
        version=body["metadata"]["resourceVersion"],
        holder=spec.get("holderIdentity") or "",
        duration_s=float(spec.get("leaseDurationSeconds") or 0),
        transitions=spec.get("leaseTransitions") or 0,
        acquired=spec.get("acquireTime"),
        renewed=spec.get("renewTime"),
    )


def micro_time(utc: float) -> str:
    """``metav1.MicroTime``."""
    return datetime.fromtimestamp(utc, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _last_step(candidate: Candidate, now: float, utc: float) -> Step:
    lease = candidate.lease
    if lease is None or lease.holder != candidate.identity:
        return Over()
    if candidate.looked_at is None:
        return Read()
    # A second is what the object can say at least; who finds no holder does not wait for it.
    spec = {**_spec(candidate, lease, utc), "holderIdentity": "", "leaseDurationSeconds": 1}
    return Write(spec, lease.version, now, claims=False)


def _free_at(candidate: Candidate, lease: Lease, changed_at: float) -> float:
    """When another's object may be taken: at once where it was let go, and where it never had a holder like any."""
    if not lease.holder and lease.renewed is not None:
        return changed_at
    return changed_at + max(lease.duration_s, candidate.settings.lease_s)


def _claim(candidate: Candidate, lease: Lease, now: float, utc: float) -> Write:
    return Write(_spec(candidate, lease, utc), lease.version, now, claims=True)


def _spec(candidate: Candidate, lease: Lease, utc: float) -> dict[str, Any]:
    """``spec`` with this candidate as its holder."""
    own = lease.holder == candidate.identity
    return {
        "holderIdentity": candidate.identity,
        "leaseDurationSeconds": int(candidate.settings.lease_s),
        "acquireTime": lease.acquired if own else micro_time(utc),
        "renewTime": micro_time(utc),
        "leaseTransitions": lease.transitions + (not own),
    }
