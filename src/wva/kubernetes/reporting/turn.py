"""A turn of the loop, by variant."""

from collections.abc import Mapping
from dataclasses import dataclass

from wva.fleet.observation import Traffic, VariantObservation
from wva.fleet.outcome import Outcome
from wva.fleet.plan import VariantPlan
from wva.fleet.tick import Tick


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn says, found by name: with thousands of variants nobody searches."""

    tick: Tick
    seen: Mapping[str, VariantObservation]
    """By variant, with what was measured."""
    traffic: Mapping[str, Traffic]
    """By model; one that is absent is unknown."""
    parts: Mapping[str, VariantPlan]
    """What was decided, by variant."""
    outcomes: Mapping[str, Outcome]
    """What became of it, by variant."""


def turn_of(tick: Tick) -> Turn:
    """The turn by its names."""
    seen, plan = tick.observation, tick.plan
    models = () if seen is None else seen.models
    return Turn(
        tick=tick,
        seen={} if seen is None else {each.variant.name: each for each in seen.variants},
        traffic={each.model.name: each.traffic for each in models if each.traffic is not None},
        parts={} if plan is None else {part.variant: part for part in plan.variants},
        outcomes={outcome.variant: outcome for outcome in tick.outcomes},
    )
