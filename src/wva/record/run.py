"""What a journal says about the run as a whole."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from wva.fleet.memory import Memory
from wva.fleet.policy import Policy
from wva.record.column import column
from wva.record.digest import code_digest, configuration_digest

M = TypeVar("M", bound=Memory)


@dataclass(frozen=True, slots=True)
class Run:
    """The header of a journal: who decided, with what, in which code."""

    policy: str
    """Name that users select the policy by."""
    policy_type: str
    """Dotted name of the policy's dataclass."""
    configuration: str
    """The policy's fields as JSON."""
    memory_type: str
    """Dotted name of the dataclass of its memories."""
    initial_memory: str
    """The memory before the first decision, as JSON."""
    scenario: str | None
    """Name of the simulated scenario; ``None`` for a live fleet."""
    seed: int | None
    start: float
    """Instant that users' times count from, on the clock of the observations: 0 in a simulation."""
    code_digest: str
    configuration_digest: str
    created_utc: str
    """When the journal was opened, in ISO 8601."""


def type_name(kind: type[Any]) -> str:
    """Dotted name that ``rebuild.named_type`` finds the type by."""
    return f"{kind.__module__}.{kind.__qualname__}"


def encode_configuration(policy: Policy[Any]) -> str:
    """The policy's fields as JSON. Raises ``ValueError`` where a field does not hold its declared type."""
    return column(type(policy)).encode(policy).decode()


def describe_run(
    policy: Policy[M], scenario: str | None, seed: int | None, start: float, memory: M | None = None
) -> Run:
    """The header for a run of ``policy`` that begins now with this memory, or else with its initial one."""
    configuration = encode_configuration(policy)
    memory = policy.initial_memory() if memory is None else memory
    return Run(
        policy=policy.name,
        policy_type=type_name(type(policy)),
        configuration=configuration,
        memory_type=type_name(type(memory)),
        initial_memory=column(type(memory)).encode(memory).decode(),
        scenario=scenario,
        seed=seed,
        start=start,
        code_digest=code_digest(),
        configuration_digest=configuration_digest(configuration),
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
    )
