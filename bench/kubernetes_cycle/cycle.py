"""One cycle: from the bytes of Prometheus' answers and the records of API objects to a plan, timed stage by stage."""

import asyncio
import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.kubernetes_cycle.cluster import POOLS
from wva.control.garbage import Sparing
from wva.control.observe import observed_models, observed_variants
from wva.control.seams import FleetState
from wva.decide.brain import WvaPolicy
from wva.decide.memory import BrainMemory
from wva.fleet.observation import Observation, Trigger
from wva.fleet.plan import Plan
from wva.fleet.readings import Readings
from wva.kubernetes.acting.load import loads
from wva.kubernetes.orders import Act
from wva.kubernetes.picture import Remembered, look
from wva.kubernetes.scope import Scope
from wva.kubernetes.snapshot import view_of
from wva.kubernetes.unchanged import Unchanged
from wva.kubernetes.view import Setting, View
from wva.kubernetes.watching.kinds import Kind
from wva.kubernetes.watching.mirror import Mirror
from wva.policies.registry import make
from wva.prometheus.engine_traffic import EngineTraffic
from wva.prometheus.intake import Intake
from wva.prometheus.labels import JoinBy, Labels

SETTING = Setting(Scope("wva-system"), pools=POOLS, act=Act.GAUGE)


@dataclass(slots=True)
class Times:
    """Seconds of the stages of one cycle."""

    wall: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)
    """Of the whole process, all threads."""

    @property
    def whole(self) -> float:
        """All stages on the wall."""
        return sum(self.wall.values())

    @property
    def processor(self) -> float:
        """All stages of the processor."""
        return sum(self.cpu.values())

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what is done inside."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall[name] = time.perf_counter() - wall
        self.cpu[name] = time.process_time() - cpu


@dataclass(frozen=True, slots=True)
class Turn:
    """What came of a cycle."""

    observation: Observation
    plan: Plan


class Cycles:
    """What stays from one cycle to the next."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._intake = Intake(Labels(join_by=JoinBy.POD), latencies=False)
        self._arrivals = EngineTraffic()
        policy = make("wva")
        assert isinstance(policy, WvaPolicy)
        self._policy = policy
        self._memory: BrainMemory = policy.initial_memory()
        self._remembered = Remembered()
        self._unchanged = Unchanged()
        self._sparing = Sparing()
        self.last: Turn | None = None
        """What came of the newest cycle."""
        self._count = 0

    def hear(self, pods: Iterable[Mapping[str, Any]]) -> None:
        """Take in pods as the API server tells of them between cycles."""
        for body in pods:
            self._mirror.seen(Kind.POD, body)

    def queries(self, seconds: int) -> list[str]:
        """What is asked of Prometheus for the samples of so many seconds."""
        return [question.query for question in self._intake.questions(seconds)]

    async def turn(self, answers: list[bytes], at: float) -> Times:
        """From the answers to ``queries``, which are used up, to a plan, which is the ``last`` one then.

        What runs on the event loop and what beside it is as in the controller.
        """
        times = Times()
        self._count += 1
        with times.stage("view of objects (on the loop)"):
            view = view_of(self._mirror, lambda _: {})
        with times.stage("objects to fleet"):
            self._remembered, state = await asyncio.to_thread(self._look, view, at)
        with times.stage("answers to samples"):
            self._intake.begin()
            answers.reverse()
            for question in self._intake.questions(0):
                await asyncio.to_thread(question.read, answers.pop())
        with times.stage("samples to histories"):
            problems = await asyncio.to_thread(self._intake.take, at)
            assert not problems, problems[0]
        models = [model.name for model in state.models]
        with times.stage("histories to readings"):
            readings = await asyncio.to_thread(self._intake.readings, state.endpoints, models, at)
        with times.stage("what engines and pods tell"):
            await asyncio.to_thread(self._arrivals.update, state.endpoints, readings.instances, at)
            await asyncio.to_thread(loads, readings, at)
        with times.stage("observation"):
            observation = await asyncio.to_thread(self._observe, state, readings, at)
        with times.stage("decision"):
            plan, self._memory = await asyncio.to_thread(self._policy, observation, self._memory)
        with times.stage("end of the turn (on the loop)"):
            # What the last one left is let go of, and the collector of reference cycles has its turn.
            self.last = Turn(observation, plan)
            self._sparing.turned()
        return times

    def _look(self, view: View, at: float) -> tuple[Remembered, FleetState]:
        picture, remembered = look(view, SETTING, self._remembered, at, self._unchanged)
        return remembered, picture.state()

    def _observe(self, state: FleetState, readings: Readings, at: float) -> Observation:
        return Observation(
            id=f"bench-{self._count}",
            now=at,
            trigger=Trigger.INTERVAL,
            scope=tuple(model.name for model in state.models),
            models=observed_models(state.models, readings),
            variants=observed_variants(state, readings, {}),
            inventory=state.inventory,
            outcomes=(),
            configuration="bench",
        )
