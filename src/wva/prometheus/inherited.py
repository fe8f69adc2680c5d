"""Counts that a predecessor published, for the time in which they hold and nothing newer is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from wva.decide.view import bounded
from wva.fleet.observation import VariantObservation
from wva.fleet.plan import Plan


@dataclass(frozen=True, slots=True)
class Inherited:
    """What was published last by one who no longer does."""

    counts: Mapping[str, int] = field(default_factory=dict)
    """By variant."""
    until: float = 0.0
    """When they have expired, in seconds since the epoch."""

    def without(self, plan: Plan) -> "Inherited":
        """Those of which a plan of one's own says nothing."""
        said = {part.variant for part in plan.variants if part.publish is not None}
        if said.isdisjoint(self.counts):
            return self
        return replace(self, counts={name: count for name, count in self.counts.items() if name not in said})

    def count(self, seen: VariantObservation, now: float) -> int | None:
        """The count to go on with; ``None`` where there is none.

        What is there is not given up on an old word, so it is no less than that.
        """
        count = self.counts.get(seen.variant.name)
        return None if count is None or now > self.until else bounded(seen.variant, max(count, seen.desired))


NOTHING = Inherited()
"""Where there is no predecessor."""
