"""One replica of a live fleet."""

import asyncio
from dataclasses import dataclass, field

from wva.control.seams import Endpoint
from wva.fleet.replica import FAILING, Instance, Phase, Replica
from wva.fleet.variant import Variant
from wva.local.devices import Placement
from wva.local.process import Process

REVISION = "1"
"""Template revision of every replica: a fleet's file does not change while it runs."""


@dataclass(slots=True, eq=False)
class LocalReplica:
    """A replica of a variant, from its order to its release; times in seconds since the epoch, in the fleet's time."""

    id: str
    variant: Variant
    phase: Phase
    since: float
    """When it entered the phase."""
    ordered_at: float
    started_at: float | None = None
    """When its newest start began: one that failed starts anew."""
    ready_at: float | None = None
    """When that start ended, in phases that come after it."""
    reason: str | None = None
    """Why it is in the phase, where that is not a matter of course."""
    placement: Placement | None = None
    """Its hardware, while it has some."""
    process: Process | None = None
    url: str | None = None
    """Base of its addresses, while it has a process."""
    port: int | None = None
    answers: str | None = None
    """What it answers instead of serving, while it starts."""
    failures: int = 0
    """Times in a row that it failed in its start, or soon after it."""
    stopping: bool = False
    """It was asked to end, so it cannot be taken back any more."""
    task: asyncio.Task[None] | None = None
    """What is being done with it."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by whatever is being done with it."""

    def serves(self) -> bool:
        """Whether requests can be at it."""
        return self.ready_at is not None and self.url is not None and not self.stopping

    def endpoint(self) -> Endpoint:
        """Where it is reached; only for one that has a process."""
        assert self.url is not None
        return Endpoint(self.id, self.variant.model, self.variant.name, self.url)

    def _why(self) -> str | None:
        """Why it is in the phase, for people and for the policy."""
        why = self.reason or self.answers
        return f"{FAILING}: {why}" if self.phase is Phase.STARTING and self.failures > 1 else why

    def observed(self, node: str | None) -> Replica:
        """What a policy sees of it, without metrics."""
        return Replica(
            id=self.id,
            phase=self.phase,
            reason=self._why(),
            since=self.since,
            ordered_at=self.ordered_at,
            started_at=self.started_at,
            ready_at=self.ready_at,
            revision=REVISION,
            instances=(Instance(self.id, None, None),),
            node=node,
        )
