"""Virtual time, and a small fleet in memory that fails on demand."""

import asyncio
import contextlib
import heapq
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.record.builders import MODEL, TRAFFIC, TRAITS, metrics, replica, variant
from tests.record.threshold import Threshold
from wva.control.journal import LiveJournal
from wva.control.loop import Loop
from wva.control.seams import FleetState
from wva.control.settings import LoopSettings
from wva.control.worker import InlineWorker, Workers
from wva.fleet.inventory import Inventory
from wva.fleet.model import Model
from wva.fleet.observation import VariantObservation
from wva.fleet.outcome import Outcome, Result
from wva.fleet.plan import Plan
from wva.fleet.policy import Policy
from wva.fleet.readings import Endpoint, InstanceReading, Readings
from wva.fleet.variant import Variant

START = 1_800_000_000.0


class VirtualClock:
    """Time that passes only when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self.offset = START
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def utc(self) -> float:
        return self.offset + self.now

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        self._count += 1
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, self._count, future))
        await future

    async def advance(self, seconds: float) -> None:
        """Let so much time pass, and everything happen that is due in it, in order."""
        end = self.now + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                self.now = max(self.now, due)
                future.set_result(None)
                await settle()
        self.now = end
        await settle()


async def settle() -> None:
    """Let everything run that can run without time passing."""
    for _ in range(40):
        await asyncio.sleep(0)


async def hang() -> None:
    await asyncio.get_running_loop().create_future()


async def fail() -> None:
    raise RuntimeError("it\nbroke")


async def work() -> None:
    """Nothing goes wrong."""


Trouble = Callable[[], Awaitable[None]]


@dataclass
class MemoryBody:
    """A fleet of one or more variants whose replicas are ready at once."""

    counts: dict[str, int] = field(default_factory=lambda: {"fast": 2})
    variants: dict[str, Variant] = field(default_factory=dict)
    model: Model = MODEL
    on_state: Trouble = work
    on_apply: Trouble = work
    plans: list[Plan] = field(default_factory=list)
    """Every plan that it was given."""

    async def state(self) -> FleetState:
        await self.on_state()
        seen = tuple(self._seen(name, count) for name, count in self.counts.items())
        endpoints = tuple(
            Endpoint(instance.id, "llama", one.variant.name, f"http://{instance.id}")
            for one in seen
            for replica in one.replicas
            for instance in replica.instances
        )
        return FleetState((self.model,), seen, Inventory(), endpoints)

    async def apply(self, plan: Plan) -> tuple[Outcome, ...]:
        self.plans.append(plan)
        await self.on_apply()
        outcomes = []
        for part in plan.variants:
            have = self.counts[part.variant]
            if part.expected != have:
                outcomes.append(Outcome(plan.id, part.variant, Result.CONFLICT, have, f"{have} found"))
                continue
            self.counts[part.variant] = part.target
            outcomes.append(Outcome(plan.id, part.variant, Result.APPLIED, part.target))
        return tuple(outcomes)

    def _seen(self, name: str, count: int) -> VariantObservation:
        replicas = (replica(f"{name}-{number}", waiting=None) for number in range(count))
        bare = tuple(
            replace(one, instances=tuple(replace(i, metrics=None, kv_capacity_tokens=None) for i in one.instances))
            for one in replicas
        )
        return VariantObservation(self.variants.get(name, variant(name)), count, count, None, TRAITS, bare)


@dataclass
class MemoryMetrics:
    """Says that so many requests wait at every instance."""

    waiting: float | None = 1.0
    on_read: Trouble = work

    async def read(self, endpoints: Sequence[Endpoint], models: Sequence[str]) -> Readings:
        await self.on_read()
        reading = InstanceReading(metrics(self.waiting), 4000)
        return Readings({one.instance: reading for one in endpoints}, dict.fromkeys(models, TRAFFIC))


@dataclass
class Stage:
    """A loop in virtual time, and all that it plays with."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    body: MemoryBody = field(default_factory=MemoryBody)
    metrics: MemoryMetrics = field(default_factory=MemoryMetrics)
    directory: Path | None = None
    settings: LoopSettings = field(default_factory=LoopSettings)
    policy: Policy[Any] = field(default_factory=Threshold)
    shadows: tuple[Policy[Any], ...] = ()
    journal: LiveJournal[Any] | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Loop[Any]]:
        """The loop after its first turn, until the block ends."""
        self.journal = None if self.directory is None else LiveJournal(self.directory, self.policy)
        loop: Loop[Any] = Loop(
            self.body,
            self.metrics,
            self.policy,
            self.clock,
            settings=self.settings,
            journal=self.journal,
            shadows=self.shadows,
            workers=Workers(InlineWorker(), InlineWorker(), InlineWorker(), InlineWorker()),
        )
        task = asyncio.create_task(loop.run())
        try:
            await self.clock.advance(0)
            yield loop
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
