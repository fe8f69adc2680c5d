"""One model in one decision: what is seen of it, and what it claims."""

from collections.abc import Mapping
from dataclasses import dataclass

from wva.decide.capacity import ReplicaCapacity
from wva.decide.claim import Claim
from wva.decide.memory import VariantMemory
from wva.decide.settings import Settings
from wva.fleet.observation import ModelObservation, Trigger, VariantObservation
from wva.fleet.reason import Reason


@dataclass(frozen=True, slots=True)
class Scene:
    """One model at one instant."""

    now: float
    trigger: Trigger
    model: ModelObservation
    variants: tuple[VariantObservation, ...]
    memories: Mapping[str, VariantMemory]
    """By variant."""
    settings: Settings


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is known of a model's load, and what that calls for."""

    capacities: Mapping[str, ReplicaCapacity]
    """By option."""
    reasons: tuple[Reason, ...]
    """What every variant's plan begins with."""


@dataclass(frozen=True, slots=True)
class Case:
    """One model in one decision, up to where hardware comes in."""

    scene: Scene
    claim: Claim
    wanted: Wanted | None
    """``None`` where nothing can be said of the load, or there is none."""
    why: Reason | None = None
    """Why not."""
    idle: bool = False
    """Whether there is none, for so long that no replica is needed."""
