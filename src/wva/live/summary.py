"""What a live run came to."""

from collections.abc import Sequence
from dataclasses import dataclass

from wva.live.meter import Meter
from wva.live.state import LiveState, TickState


@dataclass(frozen=True, slots=True)
class Scaling:
    """How often a variant's count was changed, and what it used."""

    variant: str
    ups: int
    downs: int
    replica_hours: float


@dataclass(frozen=True, slots=True)
class Summary:
    """A run from its start to now, in the fleet's time."""

    state: LiveState
    lasted_s: float
    scaling: tuple[Scaling, ...]


def summarize(state: LiveState, ticks: Sequence[TickState], meter: Meter) -> Summary:
    """Put a run together; ``ticks`` are its turns."""
    return Summary(
        state,
        state.now - state.started_at,
        tuple(
            Scaling(
                variant=one.name,
                ups=sum(change > 0 for change in _changes(ticks, one.name)),
                downs=sum(change < 0 for change in _changes(ticks, one.name)),
                replica_hours=meter.use[one.name].on_hardware_s / 3600.0,
            )
            for one in state.variants
        ),
    )


def _changes(ticks: Sequence[TickState], variant: str) -> list[int]:
    """By how much each turn changed the count, where it was carried out."""
    points = [point for tick in ticks if tick.result == "applied" for point in tick.variants if point.name == variant]
    return [
        point.target - point.before
        for point in points
        if point.target is not None and point.before is not None and point.outcome in ("applied", "clamped")
    ]
