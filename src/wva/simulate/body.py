"""Plans become replicas: ordering, waiting for stock, starting, serving, draining, crashing, releasing."""

import heapq
from collections.abc import Sequence

from wva.control.carry_out import accepted, in_order, judge, no_such_variant, victims, waiting_for_stock
from wva.control.stock import Stock
from wva.engine.batch.replicas import read_work
from wva.engine.batch.state import IDLE, NEVER, NONE, PICOSECONDS
from wva.fleet.outcome import Outcome
from wva.fleet.plan import Plan, VariantPlan
from wva.fleet.replica import Phase
from wva.fleet.variant import Variant
from wva.simulate.loop import advance, drain, kill, make_ready
from wva.simulate.replicas import SimulatedReplica, Usage
from wva.simulate.world import World


class SimulatedFleet:
    """The replicas of every variant, the same for every policy."""

    def __init__(
        self, world: World, variants: Sequence[Variant], models: Sequence[int], costs: Sequence[float], stock: Stock
    ) -> None:
        """Have no replica yet.

        ``models`` holds the model index of each variant and ``costs`` its weight in routing; the world's servers are in
        the order of the variants.
        """
        self.variants = tuple(variants)
        self.stock = stock
        self.replicas: list[SimulatedReplica] = []
        """All that are not released, in the order in which they were ordered."""
        self.usage = tuple(Usage() for _ in variants)
        """What each variant has consumed up to the newest change of phase of each replica."""
        self.revision = 0
        """Changes whenever a replica comes, changes its phase or goes."""
        self._world = world
        self._models = models
        self._costs = costs
        self._index = {variant.name: index for index, variant in enumerate(variants)}
        self._desired = [0] * len(variants)
        self._ordered = [0] * len(variants)
        self._starts: list[tuple[int, int, SimulatedReplica]] = []
        self._rows = list(range(len(world.due) - 1, -1, -1))
        self._left_rows: list[int] = []

    def desired(self, variant: int) -> int:
        """Replicas of a variant that are not draining."""
        return self._desired[variant]

    def begin(self, variant: int, count: int) -> None:
        """Have ``count`` replicas ready at the start of the run; those beyond the stock wait for it."""
        for _ in range(count):
            self._start(self._order(variant, 0), 0, startup_s=0.0)
        self._finish_starts(0)

    def serve_until(self, until: int) -> None:
        """Work through all that happens up to and at ``until``: requests, ends of starts, releases."""
        clock = self._world.clock[0]
        while True:
            due = max(int(clock["now"]), min(until, self.next_start()))
            if advance(self._world, due) != NONE:
                self._release_emptied(int(clock["now"]))
                continue
            self._finish_starts(due)
            if due == until:
                return

    def next_start(self) -> int:
        """When the next starting replica can serve; NEVER when none starts, or no row is left for it."""
        while self._starts and self._starts[0][2].phase is not Phase.STARTING:
            heapq.heappop(self._starts)
        return self._starts[0][0] if self._starts and self._rows else NEVER

    def scraped(self) -> None:
        """Let rows that the newest scrape found empty serve again: no row shows two replicas in successive scrapes."""
        self._rows += self._left_rows
        self._left_rows = []

    def crash(self, variant: int, now: int) -> None:
        """Crash the longest ready replica of a variant, if one is ready; it starts anew on its hardware."""
        ready = [r for r in self.replicas if r.variant == variant and r.phase is Phase.READY]
        if ready:
            replica = min(ready, key=lambda r: r.since)
            kill(self._world, self._leave_row(replica, now), self._models[variant], now)
            self._begin_start(replica, now, self.variants[variant].startup_s, "crashed")

    def apply(self, plan: Plan, now: int) -> tuple[Outcome, ...]:
        """Carry out a plan, one outcome a variant; what is to grow into hardware that others leave comes last."""
        outcomes = {place: self._apply_part(plan, plan.variants[place], now) for place in in_order(plan)}
        return tuple(outcomes[place] for place in range(len(plan.variants)))

    def close(self, now: int) -> None:
        """Account for what is still billed at the end of the run."""
        for replica in self.replicas:
            self._account(replica, now)
            self._account_work(replica, now)

    def consumed(self, now: int, busy: Sequence[float], saturated: Sequence[float]) -> list[list[float]]:
        """(on hardware, busy, saturated) picoseconds of each variant up to ``now``.

        The engine in each row was ``busy`` and ``saturated`` for so long.
        """
        consumed = [[usage.billed_ps, usage.busy_ps, usage.saturated_ps] for usage in self.usage]
        for replica in self.replicas:
            own = consumed[replica.variant]
            if replica.phase is not Phase.PENDING:
                own[0] += now - replica.since
            row = replica.row
            if row is not None:
                own[1] += busy[row]
                own[2] += saturated[row]
        return consumed

    def _apply_part(self, plan: Plan, part: VariantPlan, now: int) -> Outcome:
        index = self._index.get(part.variant)
        if index is None:
            return no_such_variant(plan, part)
        current = self._desired[index]
        expired = now > plan.valid_until * PICOSECONDS
        target = judge(plan, part, self.variants[index], current, expired=expired, members=self.replicas)
        if isinstance(target, Outcome):
            return target
        self._scale(index, current, target, now, part)
        return accepted(plan, part, target, waiting_for_stock(self._members(index)))

    def _members(self, variant: int) -> list[SimulatedReplica]:
        return [replica for replica in self.replicas if replica.variant == variant]

    def _scale(self, variant: int, current: int, target: int, now: int, part: VariantPlan) -> None:
        if target > current:
            self.usage[variant].scale_ups += 1
            for _ in range(target - current):
                self._start(self._order(variant, now), now, self.variants[variant].startup_s)
        elif target < current:
            self.usage[variant].scale_downs += 1
            for replica in victims(self._members(variant), current - target, part):
                self._stop(replica, now)

    def _order(self, variant: int, now: int) -> SimulatedReplica:
        self._ordered[variant] += 1
        self._desired[variant] += 1
        name = f"{self.variants[variant].name}-{self._ordered[variant]}"
        replica = SimulatedReplica(name, variant, Phase.PENDING, now, now, reason="waiting for stock")
        self.replicas.append(replica)
        self.revision += 1
        return replica

    def _start(self, replica: SimulatedReplica, now: int, startup_s: float) -> None:
        """Start on free hardware; without any the replica stays pending."""
        replica.node = self.stock.take(self.variants[replica.variant])
        if replica.node is not None:
            self._begin_start(replica, now, startup_s)

    def _begin_start(self, replica: SimulatedReplica, now: int, startup_s: float, reason: str | None = None) -> None:
        self._enter(replica, Phase.STARTING, now, reason)
        replica.started_at = now
        replica.ready_at = now + round(startup_s * PICOSECONDS)
        heapq.heappush(self._starts, (replica.ready_at, self.revision, replica))

    def _finish_starts(self, now: int) -> None:
        while self.next_start() <= now:
            _, _, replica = heapq.heappop(self._starts)
            self._enter(replica, Phase.READY, now)
            replica.ready_at = now
            replica.row = self._rows.pop()
            self._world.cost[replica.row] = self._costs[replica.variant]
            make_ready(self._world, replica.row, replica.variant, self._models[replica.variant], now)

    def _stop(self, replica: SimulatedReplica, now: int) -> None:
        self._desired[replica.variant] -= 1
        row = replica.row
        self._enter(replica, Phase.DRAINING, now)
        if row is None or drain(self._world, row, self._models[replica.variant]):
            self._release(replica, now)

    def _release_emptied(self, now: int) -> None:
        """Release the draining replicas that have nothing left."""
        for replica in [r for r in self.replicas if r.phase is Phase.DRAINING]:
            if self._world.engines.replicas[replica.row]["mode"] == IDLE:
                self._release(replica, now)

    def _release(self, replica: SimulatedReplica, now: int) -> None:
        """Let a draining replica go, and start on its hardware what waits for some."""
        self._account(replica, now)
        self.replicas.remove(replica)
        self.revision += 1
        if replica.row is not None:
            self._leave_row(replica, now)
        if replica.node is not None:
            self.stock.give_back(self.variants[replica.variant], replica.node)
            for waiting in [r for r in self.replicas if r.phase is Phase.PENDING]:
                self._start(waiting, now, self.variants[waiting.variant].startup_s)

    def _leave_row(self, replica: SimulatedReplica, now: int) -> int:
        row = replica.row
        assert row is not None
        self._account_work(replica, now)
        replica.row = None
        self._world.draining[row] = False
        self._left_rows.append(row)
        return row

    def _enter(self, replica: SimulatedReplica, phase: Phase, now: int, reason: str | None = None) -> None:
        self._account(replica, now)
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

    def _account_work(self, replica: SimulatedReplica, now: int) -> None:
        """Add what the engine of a replica that serves has done."""
        if replica.row is not None:
            usage = self.usage[replica.variant]
            busy, saturated = read_work(self._world.engines, replica.row, now)
            usage.busy_ps += busy
            usage.saturated_ps += saturated


def most_rows(variants: Sequence[Variant]) -> int:
    """Rows of engines for a fleet: every variant at its maximum, and twice as many draining or not yet scraped away.

    If ever they do not suffice, a replica starts for longer, until one is left.
    """
    return sum(3 * variant.max_replicas + 2 for variant in variants)
