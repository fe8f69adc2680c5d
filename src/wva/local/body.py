"""Plans become processes on this machine."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from wva.control.carry_out import accepted, in_order, judge, no_such_variant, victims, waiting_for_stock
from wva.control.seams import Clock, FleetState
from wva.fleet.errors import UserError
from wva.fleet.observation import CarrierTraits, VariantObservation
from wva.fleet.outcome import Outcome, Result
from wva.fleet.plan import Plan, VariantPlan
from wva.fleet.replica import Phase
from wva.fleet.variant import Variant
from wva.local.devices import Devices
from wva.local.lifecycle import Lifecycle
from wva.local.probe import Prober
from wva.local.race import race
from wva.local.replica import REVISION, LocalReplica
from wva.local.routes import Backend, Routes
from wva.local.schema import FleetSpec
from wva.local.timing import Timing
from wva.scenario.nouns import fleet_models, fleet_variants

TRAITS = CarrierTraits(owner="wva", chooses_victims=True, drains=True, reaches_zero=True, restores=True)
"""What this body can do with a plan."""
KEPT_LOGS = 50
"""Logs of replicas that are gone which stay on disk."""


class LocalFleet:
    """The replicas of a live fleet: a ``wva.control.seams.Body``. ``local_fleet`` makes one."""

    def __init__(self, fleet: FleetSpec, clock: Clock, routes: Routes, logs: Path, prober: Prober) -> None:
        """Have no replica yet; ``logs`` is an existing directory for their logs."""
        self.variants = fleet_variants(fleet)
        self._models = fleet_models(fleet)
        self.replicas: list[LocalReplica] = []
        """All that are not gone, in the order in which they were ordered."""
        self._clock = clock
        self._routes = routes
        self._devices = Devices(fleet.nodes)
        self._timing = Timing.of(fleet.replicas, fleet.speed)
        self._life = Lifecycle(fleet, clock, self._timing, prober, routes, logs, self._route_of)
        self._accelerators = tuple(dict.fromkeys(variant.accelerator for variant in self.variants))
        self._ordered = {variant.name: 0 for variant in self.variants}
        self._left_logs: deque[Path] = deque()
        self._closing = False

    def begin(self, variant: Variant, count: int) -> None:
        """Order replicas that the fleet starts with."""
        for _ in range(count):
            self._place(self._order(variant))

    async def close(self) -> tuple[str, ...]:
        """Take every replica out of routing and stop it: SIGTERM, and SIGKILL after the grace; wait until all are gone.

        What becomes of requests in flight is up to the servers. ``kill`` meanwhile cuts it short. Returns the names of
        replicas whose processes even SIGKILL did not end, as one that hangs in a driver.
        """
        self._stop_all()
        tasks = [replica.task for replica in self.replicas if replica.task is not None]
        if tasks:
            longest = self._timing.stop_grace_s + self._timing.kill_wait_s
            await race(asyncio.wait(tasks), self._clock.sleep(longest))
        return tuple(replica.id for replica in self.replicas)

    def kill(self) -> None:
        """Kill every process at once."""
        self._stop_all()
        for replica in self.replicas:
            if replica.process is not None:
                replica.process.kill()

    def present(self) -> tuple[VariantObservation, ...]:
        """Every variant with its replicas, as they are now."""
        return tuple(self._observe(variant) for variant in self.variants)

    async def state(self) -> FleetState:
        """Say what is there now."""
        serving = [replica.endpoint() for replica in self.replicas if replica.serves()]
        return FleetState(
            models=self._models,
            variants=self.present(),
            inventory=self._devices.inventory(self._accelerators),
            endpoints=tuple(serving),
        )

    async def apply(self, plan: Plan) -> tuple[Outcome, ...]:
        """Carry a plan out, one outcome a variant; what is to grow into hardware that others leave comes last."""
        # Nothing is awaited here, so no replica moves between one part and the next.
        outcomes = {place: self._apply_part(plan, plan.variants[place]) for place in in_order(plan)}
        return tuple(outcomes[place] for place in range(len(plan.variants)))

    def _apply_part(self, plan: Plan, part: VariantPlan) -> Outcome:
        variant = next((variant for variant in self.variants if variant.name == part.variant), None)
        if variant is None:
            return no_such_variant(plan, part)
        current = self._desired(variant)
        if self._closing:
            return Outcome(plan.id, part.variant, Result.REFUSED, current, "the fleet is being stopped")
        expired = self._clock.utc() > plan.valid_until
        target = judge(plan, part, variant, current, expired=expired, members=self.replicas)
        if isinstance(target, Outcome):
            return target
        if target > current:
            self._grow(variant, target - current, part.restore)
        elif target < current:
            self._shrink(variant, current - target, part)
        own = self._members(variant)
        return accepted(plan, part, target, (*waiting_for_stock(own), *_failing(own)))

    def _members(self, variant: Variant) -> list[LocalReplica]:
        return [replica for replica in self.replicas if replica.variant is variant]

    def _desired(self, variant: Variant) -> int:
        """Replicas of a variant that are not draining."""
        return sum(replica.phase is not Phase.DRAINING for replica in self._members(variant))

    def _grow(self, variant: Variant, count: int, restore: Sequence[str]) -> None:
        """Take back what still drains, of those named, in their order; order the rest anew."""
        draining = {r.id: r for r in self._members(variant) if r.phase is Phase.DRAINING and r.serves()}
        back = [draining[name] for name in dict.fromkeys(restore) if name in draining][:count]
        for replica in back:
            self._life.enter(replica, Phase.READY)
            self._work(replica, partial(self._life.serve, replica))
        for _ in range(count - len(back)):
            self._place(self._order(variant))

    def _shrink(self, variant: Variant, count: int, part: VariantPlan) -> None:
        deadlines = {victim.replica: victim.drain_deadline for victim in part.victims}
        for replica in victims(self._members(variant), count, part):
            self._stop(replica, deadlines.get(replica.id))

    def _order(self, variant: Variant) -> LocalReplica:
        self._ordered[variant.name] += 1
        now = self._clock.utc()
        name = f"{variant.name}-{self._ordered[variant.name]}"
        replica = LocalReplica(name, variant, Phase.PENDING, now, now, reason="waiting for stock")
        _remove(self._life.log(replica))
        self.replicas.append(replica)
        return replica

    def _place(self, replica: LocalReplica) -> None:
        """Start it on free hardware; without any it stays pending."""
        replica.placement = self._devices.take(replica.variant)
        if replica.placement is not None:
            self._life.enter(replica, Phase.STARTING)
            replica.started_at = replica.since
            self._work(replica, partial(self._life.serve, replica))

    def _stop_all(self) -> None:
        self._closing = True
        for replica in tuple(self.replicas):
            self._stop(replica, self._clock.utc())

    def _stop(self, replica: LocalReplica, deadline: float | None) -> None:
        if replica.placement is None:
            self._release(replica)
            return
        if replica.phase is not Phase.DRAINING:
            self._life.enter(replica, Phase.DRAINING)
        if not replica.stopping:
            self._work(replica, partial(self._leave, replica, deadline))

    async def _leave(self, replica: LocalReplica, deadline: float | None) -> None:
        await self._life.leave(replica, deadline)
        self._release(replica)

    def _release(self, replica: LocalReplica) -> None:
        """Let it go, and start on its hardware what waits for some."""
        self.replicas.remove(replica)
        self._left_logs.append(self._life.log(replica))
        if len(self._left_logs) > KEPT_LOGS:
            _remove(self._left_logs.popleft())
        if replica.placement is not None:
            self._devices.give_back(replica.variant, replica.placement)
        if not self._closing:
            for waiting in [r for r in self.replicas if r.phase is Phase.PENDING]:
                self._place(waiting)

    def _work(self, replica: LocalReplica, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Have this done with a replica instead of what is being done with it, once that has been left off."""
        if replica.task is not None:
            replica.task.cancel()
        replica.task = asyncio.get_running_loop().create_task(_alone(replica.lock, work), name=replica.id)
        replica.task.add_done_callback(_complain)

    def _route_of(self, replica: LocalReplica) -> None:
        self._route(replica.variant.model)

    def _route(self, model: str) -> None:
        """Tell the gateway who serves a model."""
        serving = [replica for replica in self.replicas if replica.variant.model == model and replica.serves()]
        backends = [Backend(replica.endpoint(), replica.phase is Phase.DRAINING) for replica in serving]
        self._routes.place(model, () if self._closing else backends)

    def _observe(self, variant: Variant) -> VariantObservation:
        own = self._members(variant)
        return VariantObservation(
            variant=variant,
            desired=self._desired(variant),
            ready=sum(replica.phase is Phase.READY for replica in own),
            revision=REVISION,
            traits=TRAITS,
            replicas=tuple(
                replica.observed(None if replica.placement is None else self._devices.name(variant, replica.placement))
                for replica in own
            ),
        )


@asynccontextmanager
async def local_fleet(fleet: FleetSpec, clock: Clock, routes: Routes, logs: Path) -> AsyncIterator[LocalFleet]:
    """A fleet with its initial replicas ordered; all that was started has ended when this does, or when ``wva`` dies.

    ``logs`` is the directory of the replicas' logs, which is made where it is missing.

    Raises:
        UserError: The logs cannot be written.

    """
    try:
        logs.mkdir(parents=True, exist_ok=True)
        (logs / ".writable").touch()
        (logs / ".writable").unlink()
    except OSError as error:
        raise UserError(f"logs {logs}: cannot be written ({error.strerror}); choose another directory") from None
    # A connection a request: one that is kept would have a server wait for it when it is to stop.
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True)) as session:
        body = LocalFleet(fleet, clock, routes, logs, Prober(session))
        try:
            for variant, spec in zip(body.variants, fleet.variants, strict=True):
                body.begin(variant, spec.initial)
            yield body
        finally:
            left = await body.close()
            if left:
                raise RuntimeError(f"processes of {', '.join(left)} are left that SIGKILL does not end")


async def _alone(lock: asyncio.Lock, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async with lock:
        await work()


def _complain(task: asyncio.Task[None]) -> None:
    """Report an error that nobody foresaw, which would end the care for a replica in silence."""
    if not task.cancelled() and task.exception() is not None:
        context = {"message": f"replica {task.get_name()} is no longer looked after", "exception": task.exception()}
        task.get_loop().call_exception_handler(context)


def _failing(members: Sequence[LocalReplica]) -> tuple[str, ...]:
    """What is to be said of replicas that fail again and again."""
    failing = [replica for replica in members if replica.phase is Phase.STARTING and replica.failures > 1]
    return tuple(f"{one.id} failed {one.failures} times in a row: {one.reason}" for one in failing)


def _remove(log: Path) -> None:
    for path in (log, log.with_name(f"{log.name}.1")):
        with suppress(OSError):
            path.unlink()
