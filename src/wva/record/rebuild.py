"""A policy and its memory from the names and the JSON that a journal holds.

A journal may come from anywhere, so nothing in it is executed: a type is named, must be a dataclass of this package,
and gets its fields through validation.
"""

from dataclasses import is_dataclass
from importlib import import_module
from typing import Any

from wva.fleet.errors import UserError
from wva.fleet.memory import Memory
from wva.fleet.policy import Policy
from wva.record.column import column
from wva.record.run import Run

_PACKAGE = "wva."


def named_type(name: str) -> type[Any]:
    """The dataclass of that dotted name (``wva.package.module.Class``).

    Raises ``UserError`` where the name lies outside WVA, does not exist in this version, or is no dataclass.
    """
    module, _, attribute = name.rpartition(".")
    if not module.startswith(_PACKAGE):
        raise UserError(f"{name} is not a type of WVA, and the journal's types are only looked for there")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError):
        raise UserError(f"this version of WVA has no {name}; use the version that recorded the run") from None
    if not (isinstance(found, type) and is_dataclass(found)):
        raise UserError(f"{name} is not a dataclass, so the journal cannot be rebuilt from it")
    return found


def rebuild_policy(run: Run) -> Policy[Any]:
    """The policy that made the run, with its recorded configuration. Raises ``UserError`` where that is impossible."""
    kind = named_type(run.policy_type)
    if not (callable(getattr(kind, "__call__", None)) and hasattr(kind, "initial_memory")):  # noqa: B004
        raise UserError(f"{run.policy_type} is not a policy")
    try:
        policy: Policy[Any] = column(kind).decode(run.configuration.encode())
    except (TypeError, ValueError) as error:
        raise UserError(f"the recorded configuration does not fit {run.policy_type}: {_one_line(error)}") from error
    return policy


def memory_type(run: Run) -> type[Memory]:
    """The type of the run's memories. Raises ``UserError`` where this version has no such type."""
    kind = named_type(run.memory_type)
    if not issubclass(kind, Memory):
        raise UserError(f"{run.memory_type} is not a memory")
    return kind


def rebuild_memory(kind: type[Memory], data: Any) -> Memory:
    """A memory of that type from plain JSON data. Raises ``UserError`` where the data does not fit it."""
    try:
        memory: Memory = column(kind).decode_plain(data)
    except (TypeError, ValueError) as error:
        raise UserError(f"the recorded memory does not fit {kind.__name__}: {_one_line(error)}") from error
    return memory


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
