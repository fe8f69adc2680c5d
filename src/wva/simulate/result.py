"""What a run left behind."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wva.fleet.model import Model
from wva.fleet.variant import Variant

PHASES = ("pending", "starting", "ready", "draining")


@dataclass(frozen=True, slots=True)
class VariantUse:
    """What one variant consumed."""

    billed_hours: float
    """Replica-hours from start order to release."""
    ready_hours: float
    """Replica-hours while ready."""
    scale_ups: int
    """Decisions that grew it."""
    scale_downs: int


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """The fleet at each scrape."""

    time_s: NDArray[np.float64]
    """Shape (samples,)."""
    replicas: NDArray[np.int32]
    """Shape (samples, variants, 4): replicas by phase, in the order of ``PHASES``."""
    in_flight: NDArray[np.float64]
    """Shape (samples, models)."""
    queued: NDArray[np.float64]
    """Shape (samples, models): held at the gateway."""


@dataclass(frozen=True, slots=True, eq=False)
class Energy:
    """What the GPUs of each variant have drawn since the start, read at each scrape; NaN where their power is unknown.

    Hosts, network and cooling are not in it, nor GPUs that no replica occupies.
    """

    time_s: NDArray[np.float64]
    """Shape (readings,), from 0 to the end of the run."""
    standing_j: NDArray[np.float64]
    """Shape (readings, variants): idle with a context loaded, for as long as replicas were on hardware."""
    dynamic_j: NDArray[np.float64]
    """Shape (readings, variants): what the steps added."""


@dataclass(frozen=True, slots=True, eq=False)
class RunResult:
    """One policy on one seed."""

    policy: str
    seed: int
    models: tuple[Model, ...]
    variants: tuple[Variant, ...]
    window_s: float
    end_s: float
    """When the last request had ended, or was left, and the run was over."""
    requests: NDArray[Any]
    """Shape (offered,), dtype REQUEST: those that were sent."""
    attainable: NDArray[np.bool_]
    """Shape (offered,): whether some empty replica would have met it."""
    use: tuple[VariantUse, ...]
    timeline: Timeline
    decision_s: NDArray[np.float64]
    """Shape (decisions,): time that the policy took for each."""
    wall_s: float
    """From traffic to the end of the run."""
    energy: Energy | None = None
    co2_kg: float | None = None
    """Emissions of the energy; ``None`` where that or the carbon intensity is unknown."""
