"""A fleet that runs in this process, as those who watch it see it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from wva.control.clock import SystemClock
from wva.control.loop import Loop
from wva.engine.server import Server
from wva.fleet.model import Model
from wva.fleet.observation import Observation, VariantObservation
from wva.fleet.plan import Plan
from wva.fleet.replica import Phase, Replica
from wva.fleet.tick import Tick
from wva.gateway.server import Gateway
from wva.live.hardware import variant_power_w
from wva.live.meter import Meter
from wva.live.router import Router
from wva.live.state import LiveState, ModelState, ReplicaState, TickState, VariantState
from wva.live.words import part_of, shadow_costs, shadow_targets, tick_state
from wva.local.body import LocalFleet
from wva.local.schema import FleetSpec

STATE_S = 1.0
"""Seconds on the wall between two states that those who listen are told."""
DECISIONS = 20
"""Turns that a state has at most."""
MOST_WAITING = 256
"""Events that wait for a listener who does not keep up; the oldest are dropped."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a running fleet is made of."""

    spec: FleetSpec
    clock: SystemClock
    models: Sequence[Model]
    servers: dict[str, Server]
    """By variant."""
    gateway: Gateway
    router: Router
    body: LocalFleet
    loop: Loop[Any]
    meter: Meter


class Watch:
    """A ``wva.live.state.LiveFleet``."""

    def __init__(self, parts: Parts, gateway_url: str, directory: str) -> None:
        """Begin to listen to the loop."""
        self._parts = parts
        self._gateway_url = gateway_url
        self._directory = directory
        self._started = parts.clock.utc()
        self._ticks: list[TickState] = []
        self._newest: Tick | None = None
        self._listeners: set[asyncio.Queue[TickState]] = set()
        self.load_ended = False
        """Whether the demonstration load is over."""
        parts.loop.subscribe(self._take)

    @property
    def history(self) -> Sequence[TickState]:
        """The turns that are kept, oldest first."""
        return self._ticks

    async def state(self) -> LiveState:
        """How things stand now."""
        return self.now()

    async def ticks(self, since: int = 0) -> Sequence[TickState]:
        """The turns that are kept with a number above ``since``, oldest first."""
        return [tick for tick in self._ticks if tick.number > since]

    async def events(self) -> AsyncIterator[LiveState | TickState]:
        """A state at once and every second, and every turn as it ends."""
        waiting: asyncio.Queue[TickState] = asyncio.Queue(MOST_WAITING)
        self._listeners.add(waiting)
        loop = asyncio.get_running_loop()
        due = loop.time()
        try:
            while True:
                if loop.time() >= due:
                    due = loop.time() + STATE_S
                    yield self.now()
                try:
                    async with asyncio.timeout_at(due):
                        tick = await waiting.get()
                except TimeoutError:
                    continue
                yield tick
        finally:
            self._listeners.discard(waiting)

    async def pause(self) -> None:
        """Decide, but apply nothing."""
        await self._parts.loop.pause()

    async def resume(self) -> None:
        """Apply again what is decided."""
        await self._parts.loop.resume()

    async def pin(self, variant: str, count: int) -> None:
        """Hold a variant at a count."""
        await self._parts.loop.pin(variant, count)

    async def unpin(self, variant: str) -> None:
        """Let the policy decide again."""
        await self._parts.loop.unpin(variant)

    def now(self) -> LiveState:
        """How things stand now."""
        parts, tick = self._parts, self._newest
        parts.meter.look()
        plan = None if tick is None else tick.plan
        shadows = {} if tick is None else dict(tick.shadows)
        seen = None if tick is None else tick.observation
        present = parts.body.present()
        variants = tuple(self._variant(one, plan, shadows, seen) for one in present)
        powers = [one.power_w for one in variants]
        return LiveState(
            fleet=parts.spec.name,
            now=parts.clock.utc(),
            started_at=self._started,
            speed=parts.spec.speed,
            gateway_url=self._gateway_url,
            run_directory=self._directory,
            policy=parts.spec.policy.name,
            shadows=() if parts.spec.shadow is None else (parts.spec.shadow.name,),
            paused=parts.loop.orders.paused,
            pins=dict(parts.loop.orders.pins),
            problems=dict(parts.loop.problems.now),
            cost_per_hour=sum(
                one.variant.cost_per_hour * (len(one.replicas) - len(one.in_phase(Phase.PENDING))) for one in present
            ),
            cost=parts.meter.cost,
            shadow_cost_per_hour={} if seen is None else shadow_costs(seen, shadows),
            power_w=None if None in powers else sum(power for power in powers if power is not None),
            models=tuple(self._model(model, seen) for model in parts.models),
            variants=variants,
            load_ended=self.load_ended,
            tick=0 if tick is None else tick.number,
            decisions=tuple([one for one in self._ticks if one.changes][-DECISIONS:]),
        )

    def _take(self, tick: Tick) -> None:
        self._newest = tick
        state = tick_state(tick, self._parts.servers)
        self._ticks.append(state)
        del self._ticks[: -self._parts.loop.settings.ticks_kept]
        for waiting in self._listeners:
            if waiting.full():
                waiting.get_nowait()
            waiting.put_nowait(state)

    def _model(self, model: Model, seen: Observation | None) -> ModelState:
        found = None if seen is None else next((one for one in seen.models if one.model.name == model.name), None)
        traffic = None if found is None else found.traffic
        gateway = self._parts.gateway
        tally = gateway.tally(model.name)
        return ModelState(
            name=model.name,
            shape=model.shape,
            priority=model.priority,
            ttft_objective_s=model.objectives.ttft_s,
            tpot_objective_s=model.objectives.tpot_s,
            arrival_rate=None if traffic is None else traffic.arrival_rate_1m,
            in_flight=gateway.in_flight_of(model.name),
            queued=gateway.queued(model.name),
            ttft_p90_s=None if traffic is None else traffic.ttft_p90_1m_s,
            tpot_p90_s=None if traffic is None else traffic.tpot_p90_1m_s,
            offered=tally.offered,
            ended=tally.ended,
            met=tally.met,
            failed=tally.failed,
        )

    def _variant(
        self, now: VariantObservation, plan: Plan | None, shadows: dict[str, Plan], seen: Observation | None
    ) -> VariantState:
        spec = now.variant
        part = part_of(plan, spec.name)
        measured = None if seen is None else next((v for v in seen.variants if v.variant.name == spec.name), None)
        return VariantState(
            name=spec.name,
            model=spec.model,
            accelerator=spec.accelerator,
            gpus_per_replica=spec.gpus_per_replica,
            cost_per_hour=spec.cost_per_hour,
            min_replicas=spec.min_replicas,
            max_replicas=spec.max_replicas,
            desired=now.desired,
            target=None if part is None else part.target,
            shadows=shadow_targets(shadows, spec.name),
            pinned=self._parts.loop.orders.pins.get(spec.name),
            power_w=None if measured is None else variant_power_w(measured, self._parts.servers[spec.name]),
            replicas=tuple(self._replica(replica) for replica in now.replicas),
        )

    def _replica(self, replica: Replica) -> ReplicaState:
        serves = replica.phase in (Phase.READY, Phase.DRAINING)
        load = self._parts.router.load(replica.id) if serves else None
        return ReplicaState(
            id=replica.id,
            phase=replica.phase.value,
            reason=replica.reason,
            since=replica.since,
            started_at=replica.started_at,
            ready_at=replica.ready_at,
            node=replica.node,
            in_flight=self._parts.gateway.in_flight(replica.id) if serves else None,
            running=None if load is None else load.running,
            waiting=None if load is None else load.waiting,
            kv_usage=None if load is None else load.kv_usage,
            metrics_age_s=None if load is None else load.age_s,
        )
