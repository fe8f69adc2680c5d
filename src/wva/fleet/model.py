"""What clients ask for: a model with its objectives."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Objectives:
    """The latency that users of a model are promised."""

    ttft_s: float
    """Time to first token, in seconds."""
    tpot_s: float
    """Time per output token after the first, in seconds."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model id in a namespace."""

    name: str
    """The name clients ask for."""
    namespace: str
    shape: str
    """Name of its shape in the catalogue."""
    precision: str
    """Precision of its weights: ``bf16``, ``fp8`` or ``fp4``."""
    objectives: Objectives
    priority: int
    """Higher goes first where capacity is scarce."""
    retention_s: float | None = None
    """Seconds without a request after which it may go to zero replicas, where its minimum allows; ``None`` leaves that
    to the policy."""
