"""Runs policies beside the event loop, so that neither a slow nor a broken one stops it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from wva.control.attempts import Attempts
from wva.control.check import misfit
from wva.control.worker import Worker
from wva.fleet.memory import Memory
from wva.fleet.observation import Observation
from wva.fleet.plan import Plan
from wva.fleet.policy import Policy

M = TypeVar("M", bound=Memory)


@dataclass(frozen=True, slots=True)
class Decided(Generic[M]):
    """A policy's answer."""

    plan: Plan
    memory: M
    """Memory after it."""
    duration_s: float
    """Real seconds that the policy took."""


class MisfitError(Exception):
    """A plan that is no answer to its observation. The text says why."""


class Decider:
    """Asks policies, one at a time."""

    def __init__(self, worker: Worker, attempts: Attempts, limit_s: float) -> None:
        """A decision may take ``limit_s`` on the clock of ``attempts``."""
        self._worker = worker
        self._attempts = attempts
        self._limit_s = limit_s

    async def decide(self, part: str, policy: Policy[M], observation: Observation, memory: M) -> Decided[M] | None:
        """The policy's answer; ``None`` where it has none that fits, which is then a problem of that part."""
        about = f"nothing decided on {observation.id}: "
        if self._worker.busy:
            self._attempts.problems.report(part, f"{about}an earlier decision still goes on")
            return None
        job = self._worker.run(lambda: _decided(policy, observation, memory))
        return await self._attempts.result(part, job, self._limit_s, about=about)


class Shadows:
    """Policies that decide on what the fleet shows, for people to compare. Nobody carries their plans out."""

    def __init__(self, policies: Sequence[Policy[Any]], decider: Decider) -> None:
        """They remember by themselves. Raises ``ValueError`` where two have one name."""
        if len({policy.name for policy in policies}) < len(policies):
            raise ValueError("two shadow policies have the same name")
        self._policies: dict[str, tuple[Policy[Any], Any]] = {one.name: (one, one.initial_memory()) for one in policies}
        self._decider = decider

    async def decide(self, observation: Observation) -> dict[str, Plan]:
        """The plan of each by its name, but of those that failed."""
        plans = {}
        for name, (policy, memory) in self._policies.items():
            made = await self._decider.decide(f"shadow {name}", policy, observation, memory)
            if made is not None:
                self._policies[name] = (policy, made.memory)
                plans[name] = made.plan
        return plans


def _decided(policy: Policy[M], observation: Observation, memory: M) -> Decided[M]:
    began = time.perf_counter()
    plan, after = policy(observation, memory)
    duration_s = time.perf_counter() - began
    wrong = misfit(plan, observation)
    if wrong is not None:
        raise MisfitError(wrong)
    return Decided(plan, after, duration_s)
