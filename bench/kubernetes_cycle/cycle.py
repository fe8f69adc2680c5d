"""One cycle: from the bytes of Prometheus' answers and the records of API objects to a plan, timed stage by stage."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from bench.kubernetes_cycle.cluster import POOLS
from wva.control.observe import observed_models, observed_variants
from wva.decide.brain import WvaPolicy
from wva.decide.memory import BrainMemory
from wva.fleet.observation import Observation, Trigger
from wva.fleet.plan import Plan
from wva.kubernetes.orders import Act
from wva.kubernetes.picture import Remembered, Setting, View, look
from wva.kubernetes.scope import Scope
from wva.policies.registry import make
from wva.prometheus.intake import Intake
from wva.prometheus.labels import JoinBy, Labels

SETTING = Setting(Scope("wva-system"), pools=POOLS, act=Act.GAUGE)


@dataclass(slots=True)
class Times:
    """Seconds of the stages of one cycle."""

    wall: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)
    """Of the whole process, all threads."""

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
    times: Times


class Cycles:
    """What stays from one cycle to the next."""

    def __init__(self) -> None:
        self._intake = Intake(Labels(join_by=JoinBy.POD))
        policy = make("wva")
        assert isinstance(policy, WvaPolicy)
        self._policy = policy
        self._memory: BrainMemory = policy.initial_memory()
        self._remembered = Remembered()
        self._count = 0

    def queries(self, seconds: int) -> list[str]:
        """What is asked of Prometheus for the samples of so many seconds."""
        return [question.query for question in self._intake.questions(seconds)]

    def turn(self, answers: list[bytes], view: View, at: float) -> Turn:
        """From the answers to ``queries``, which are used up, to a plan."""
        times = Times()
        self._count += 1
        with times.stage("answers to samples"):
            self._intake.begin()
            answers.reverse()
            for question in self._intake.questions(0):
                question.read(answers.pop())
        with times.stage("samples to history"):
            problems = self._intake.take(at)
            assert not problems, problems[0]
        with times.stage("objects to fleet"):
            picture, self._remembered = look(view, SETTING, self._remembered, at)
            state = picture.state()
        models = [model.name for model in state.models]
        with times.stage("history to readings"):
            readings = self._intake.readings(state.endpoints, models, at)
        with times.stage("observation"):
            observation = Observation(
                id=f"bench-{self._count}",
                now=at,
                trigger=Trigger.INTERVAL,
                scope=tuple(models),
                models=observed_models(state.models, readings),
                variants=observed_variants(state, readings, {}),
                inventory=state.inventory,
                outcomes=(),
                configuration="bench",
            )
        with times.stage("decision"):
            plan, self._memory = self._policy(observation, self._memory)
        return Turn(observation, plan, times)
