"""What the analyzers remember: their gauges and what they learned, and the HPAs that follow."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wva.fleet.memory import Memory
from wva.policies.hpa.memory import VERSION as HPA_VERSION
from wva.policies.hpa.memory import HpaMemory

VERSION = 1
"""Layout of ``SaturationMemory``."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """``wva_desired_replicas`` of a variant, as it was last set."""

    replicas: int
    why: str
    """In plain words."""


@dataclass(frozen=True, slots=True)
class CapacityRecord:
    """What a replica of a variant was last seen to take: an entry of the reference's capacity store."""

    accelerator: str
    gpus: int
    max_num_batched_tokens: int
    effective_tokens: int


@dataclass(frozen=True, slots=True)
class Learned:
    """What the token analyzer knows of a model from before; the percentage analyzer learns nothing."""

    observed: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """The last tokens in use under a full queue, oldest first, by accelerator, GPUs and length of answers."""
    records: Mapping[str, CapacityRecord] = field(default_factory=dict)
    """By variant."""


@dataclass(frozen=True, slots=True)
class ModelMemory:
    """One model."""

    ran_at: float
    """When the analyzer last looked at it, in seconds since the epoch."""
    gauges: Mapping[str, Gauge] = field(default_factory=dict)
    """By variant."""
    learned: Learned = field(default_factory=Learned)


@dataclass(frozen=True, slots=True)
class SaturationMemory(Memory):
    """Everything."""

    models: Mapping[str, ModelMemory] = field(default_factory=dict)
    """By model name."""
    hpas: HpaMemory = field(default_factory=lambda: HpaMemory(version=HPA_VERSION))
