"""One way of serving a model."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """The stage of a request that a variant serves."""

    BOTH = "both"
    PREFILL = "prefill"
    DECODE = "decode"
    ENCODE = "encode"


@dataclass(frozen=True, slots=True)
class EngineArguments:
    """What a variant's engine was started with; ``None`` is the engine's default for its device."""

    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    gpu_memory_utilization: float | None = None
    """Part of a GPU's memory that the engine may use, above 0 up to 1."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A model on an accelerator with a parallelism, a role and a price."""

    name: str
    model: str
    role: Role
    accelerator: str
    """Catalogue name of the accelerator."""
    tensor_parallel: int
    """GPUs that one replica spans."""
    engine: EngineArguments
    cost_per_hour: float
    """Price of one replica for an hour, in the fleet's currency."""
    min_replicas: int
    max_replicas: int
    startup_s: float
    """Declared time from start order to ready, in seconds: what is believed until starts were measured."""
    scale_target: str | None = None
    """The object that carries the replica count, where the body has one (``Deployment/ns/name``)."""

    @property
    def gpus_per_replica(self) -> int:
        """GPUs that one replica occupies."""
        return self.tensor_parallel
