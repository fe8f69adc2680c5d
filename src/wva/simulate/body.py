"""Plans become replicas: ordering, waiting for stock, starting, draining, crashing, releasing."""

import heapq
from collections.abc import Sequence

import numpy as np

from wva.engine.batch.state import IDLE, NEVER, PICOSECONDS
from wva.fleet.outcome import Outcome, Result
from wva.fleet.plan import Plan, VariantPlan
from wva.fleet.replica import Phase
from wva.fleet.variant import Variant
from wva.simulate.loop import drain, kill, make_ready
from wva.simulate.replicas import SimulatedReplica, Usage
from wva.simulate.stock import Stock
from wva.simulate.world import World

STOPPED_FIRST = (Phase.PENDING, Phase.STARTING, Phase.READY)
"""Order in which a shrink takes replicas; within a phase the newest first, so the longest warm serve on."""


class SimulatedFleet:
    """The replicas of every variant, the same for every policy."""

    def __init__(
        self,
        world: World,
        variants: Sequence[Variant],
        models: Sequence[int],
        costs: Sequence[float],
        stock: Stock,
    ) -> None:
        """``models`` and ``costs`` hold each variant's model index and its weight in routing."""
        self.variants = tuple(variants)
        self.replicas: list[SimulatedReplica] = []
        self.usage = [Usage() for _ in variants]
        self.scale_ups = [0] * len(variants)
        self.scale_downs = [0] * len(variants)
        self.revision = 0
        """Changes whenever a replica changes its phase."""
        self._world = world
        self._models = models
        self._costs = costs
        self._stock = stock
        self._rows = list(range(len(world.due) - 1, -1, -1))
        self._made = [0] * len(variants)
        self._starts: list[tuple[int, int, SimulatedReplica]] = []

    @property
    def stock(self) -> Stock:
        """Where replicas get their GPUs."""
        return self._stock

    def desired(self, variant: int) -> int:
        """Replicas of a variant that are not draining."""
        return sum(r.variant == variant and r.phase is not Phase.DRAINING for r in self.replicas)

    def begin(self, variant: int, count: int) -> None:
        """Have ``count`` replicas ready at the start of the run."""
        for _ in range(count):
            replica = self._order(variant, 0)
            if self._start(replica, 0, startup_s=0.0):
                self._serve(replica, 0)

    def next_start(self) -> int:
        """When the next starting replica becomes ready; NEVER when none starts."""
        while self._starts and self._starts[0][2].phase is not Phase.STARTING:
            heapq.heappop(self._starts)
        return self._starts[0][0] if self._starts else NEVER

    def finish_starts(self, now: int) -> None:
        """Let every replica serve whose start is over."""
        while self.next_start() <= now:
            _, _, replica = heapq.heappop(self._starts)
            self._serve(replica, now)

    def release_emptied(self, now: int) -> None:
        """Release the draining replicas that have nothing left."""
        for replica in [r for r in self.replicas if r.phase is Phase.DRAINING]:
            if self._world.engines.replicas[replica.row]["mode"] == IDLE:
                self._release(replica, now)

    def crash(self, variant: int, now: int) -> None:
        """Crash the longest ready replica of a variant; it starts anew on its hardware."""
        ready = [r for r in self.replicas if r.variant == variant and r.phase is Phase.READY]
        if not ready:
            return
        replica = min(ready, key=lambda r: r.since)
        self._account(replica, now)
        kill(self._world, replica.row, self._models[variant], now)
        self._free_row(replica)
        self._enter(replica, Phase.STARTING, now, "crashed")
        self._schedule_start(replica, now, self.variants[variant].startup_s)

    def apply(self, plan: Plan, now: int) -> tuple[Outcome, ...]:
        """Carry out a plan, one outcome a variant."""
        names = {variant.name: index for index, variant in enumerate(self.variants)}
        stale = now > plan.valid_until * PICOSECONDS
        outcomes = []
        for part in plan.variants:
            index = names[part.variant]
            current = self.desired(index)
            if stale or part.expected != current:
                detail = "the plan has expired" if stale else f"{part.expected} expected, {current} found"
                outcomes.append(Outcome(plan.id, part.variant, Result.CONFLICT, current, detail))
                continue
            outcomes.append(self._apply_part(plan.id, part, index, current, now))
        return tuple(outcomes)

    def close(self, now: int) -> None:
        """Account for what is still billed at the end of the run."""
        for replica in self.replicas:
            self._account(replica, now)

    def _apply_part(self, plan: str, part: VariantPlan, index: int, current: int, now: int) -> Outcome:
        variant = self.variants[index]
        target = min(max(part.target, variant.min_replicas), variant.max_replicas)
        if target > current:
            self.scale_ups[index] += 1
            for _ in range(target - current):
                self._start(self._order(index, now), now, variant.startup_s)
        elif target < current:
            self.scale_downs[index] += 1
            for replica in self._victims(index, current - target):
                self._stop(replica, now)
        if target != part.target:
            limit = "max" if target < part.target else "min"
            return Outcome(plan, part.variant, Result.CLAMPED, target, f"{limit} {target}")
        waiting = sum(r.variant == index and r.phase is Phase.PENDING for r in self.replicas)
        if waiting:
            return Outcome(plan, part.variant, Result.PENDING, target, f"{waiting} waiting for stock")
        return Outcome(plan, part.variant, Result.APPLIED, target)

    def _victims(self, variant: int, count: int) -> list[SimulatedReplica]:
        own = [r for r in self.replicas if r.variant == variant and r.phase in STOPPED_FIRST]
        own.sort(key=lambda r: (STOPPED_FIRST.index(r.phase), -r.ordered_at, -self.replicas.index(r)))
        return own[:count]

    def _order(self, variant: int, now: int) -> SimulatedReplica:
        self._made[variant] += 1
        name = f"{self.variants[variant].name}-{self._made[variant]}"
        replica = SimulatedReplica(name, variant, Phase.PENDING, now, now, reason="waiting for stock")
        self.replicas.append(replica)
        self.revision += 1
        return replica

    def _start(self, replica: SimulatedReplica, now: int, startup_s: float) -> bool:
        node = self._stock.take(self.variants[replica.variant])
        if node is None:
            return False
        replica.node = node
        replica.started_at = now
        self._enter(replica, Phase.STARTING, now)
        self._schedule_start(replica, now, startup_s)
        return True

    def _schedule_start(self, replica: SimulatedReplica, now: int, startup_s: float) -> None:
        replica.ready_at = now + round(startup_s * PICOSECONDS)
        heapq.heappush(self._starts, (replica.ready_at, self.revision, replica))

    def _serve(self, replica: SimulatedReplica, now: int) -> None:
        replica.row = self._rows.pop()
        self._account(replica, now)
        self._enter(replica, Phase.READY, now)
        self._world.cost[replica.row] = self._costs[replica.variant]
        make_ready(self._world, replica.row, replica.variant, self._models[replica.variant], now)

    def _stop(self, replica: SimulatedReplica, now: int) -> None:
        if replica.phase is not Phase.READY:
            self._release(replica, now)
            return
        self._account(replica, now)
        self._enter(replica, Phase.DRAINING, now)
        if drain(self._world, replica.row, self._models[replica.variant]):
            self._release(replica, now)

    def _release(self, replica: SimulatedReplica, now: int) -> None:
        self._account(replica, now)
        self._free_row(replica)
        self.replicas.remove(replica)
        replica.phase = Phase.DRAINING
        self.revision += 1
        if replica.node is None:
            return
        self._stock.give_back(self.variants[replica.variant], replica.node)
        for waiting in [r for r in self.replicas if r.phase is Phase.PENDING]:
            self._start(waiting, now, self.variants[waiting.variant].startup_s)

    def _free_row(self, replica: SimulatedReplica) -> None:
        if replica.row is not None:
            self._world.draining[replica.row] = False
            self._rows.append(replica.row)
            replica.row = None

    def _enter(self, replica: SimulatedReplica, phase: Phase, now: int, reason: str | None = None) -> None:
        replica.phase = phase
        replica.since = now
        replica.reason = reason
        self.revision += 1

    def _account(self, replica: SimulatedReplica, now: int) -> None:
        """Bill the time since the replica entered its phase."""
        usage = self.usage[replica.variant]
        if replica.phase is not Phase.PENDING:
            usage.billed_ps += now - replica.since
        if replica.phase is Phase.READY:
            usage.ready_ps += now - replica.since


def most_rows(variants: Sequence[Variant]) -> int:
    """Rows of engines that a fleet can need at once: every variant at its maximum, and as many still draining."""
    return int(np.sum([2 * variant.max_replicas + 2 for variant in variants]))
