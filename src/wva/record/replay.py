"""Makes the decisions of a recorded run again and says whether they come out the same."""

from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from wva.fleet.errors import UserError
from wva.fleet.memory import Memory
from wva.fleet.plan import Plan
from wva.fleet.policy import Policy
from wva.record.column import column
from wva.record.compare import Difference, first_difference
from wva.record.decision import Decision, PlainMemory
from wva.record.digest import code_digest, configuration_digest
from wva.record.reader import Journal
from wva.record.rebuild import memory_type, rebuild_memory, rebuild_policy
from wva.record.run import encode_configuration, type_name


@dataclass(frozen=True, slots=True)
class DifferentDecision:
    """A decision that comes out differently now."""

    index: int
    time: float
    """Seconds, as ``Observation.now``."""
    difference: Difference
    """The first one in it."""


@dataclass(frozen=True, slots=True)
class Replay:
    """The result of a replay."""

    decisions: int
    different: int
    """Decisions that come out differently."""
    first: DifferentDecision | None
    code_changed: bool
    """Whether the deciding code is other than the recorded run's."""
    configuration_changed: bool
    """Whether the policy is configured otherwise than the recorded run's, new fields with defaults included."""
    fleet_configurations: int
    """Different configuration digests in the observations; more than one means that it changed during the run."""

    @property
    def equal(self) -> bool:
        """Whether every decision comes out as recorded."""
        return self.different == 0


def replay(journal: Journal, policy: Policy[Any] | None = None) -> Replay:
    """Feed each recorded observation, with the recorded memory before it, to the policy.

    ``policy`` is the recorded one unless given. Raises ``UserError`` where the policy or a memory cannot be rebuilt by
    this version, or the given policy remembers in another type. An error that the policy raises is a difference.
    """
    policy = rebuild_policy(journal.run) if policy is None else policy
    kind = memory_type(journal.run)
    _check_memory(policy, kind)
    before: PlainMemory = from_json(journal.run.initial_memory)
    decisions = different = 0
    first: DifferentDecision | None = None
    configurations = set()
    for index, decision in enumerate(journal):
        difference = _decide_again(policy, rebuild_memory(kind, before), decision)
        if difference is not None:
            different += 1
            first = first or DifferentDecision(index, decision.time, difference)
        configurations.add(decision.observation.configuration)
        before = decision.memory
        decisions += 1
    return Replay(
        decisions,
        different,
        first,
        code_changed=code_digest() != journal.run.code_digest,
        configuration_changed=configuration_digest(encode_configuration(policy)) != journal.run.configuration_digest,
        fleet_configurations=len(configurations),
    )


def _check_memory(policy: Policy[Any], kind: type[Memory]) -> None:
    own = type(policy.initial_memory())
    if own is not kind:
        raise UserError(f"{policy.name} remembers in {type_name(own)}, and the run's memories are {type_name(kind)}")


def _decide_again(policy: Policy[Any], memory: Memory, recorded: Decision[PlainMemory]) -> Difference | None:
    # Any failure of the policy is the answer that the user asked for.
    try:
        plan, after = policy(recorded.observation, memory)
    except Exception as error:
        return Difference("plan", "decided", f"{type(error).__name__}: {error}")
    if plan != recorded.plan:
        difference = first_difference(_plain(Plan, recorded.plan), _plain(Plan, plan), "plan")
        if difference is not None:
            return difference
    return first_difference(recorded.memory, _plain(type(after), after), "memory")


def _plain(kind: Any, value: Any) -> Any:
    return from_json(column(kind).encode(value))
