"""What the recommendations of the last minutes make of a new one, in the manner of ``stabilizeRecommendation``."""

from dataclasses import dataclass

from wva.policies.hpa.memory import Stamp, within


@dataclass(frozen=True, slots=True)
class Cooldown:
    """The windows of past recommendations, in seconds."""

    scale_up_s: float
    scale_down_s: float
    holds: bool
    """Whether shrinking stops at the highest recommendation of its window, and not at the lowest."""

    def remembered(self, past: tuple[Stamp, ...], new: Stamp) -> tuple[Stamp, ...]:
        """The recommendations of the longer window, with a new one."""
        longest = max(self.scale_up_s, self.scale_down_s)
        return (*(old for old in past if within(old, new.at, longest)), new)

    def settled(self, recommended: int, current: int, past: tuple[Stamp, ...], now: float) -> int:
        """The count to set: the highest of the scale-up window when growing; when shrinking see ``holds``."""
        if recommended == current:
            return current
        if recommended > current:
            return max([recommended, *(old.replicas for old in past if within(old, now, self.scale_up_s))])
        lately = [recommended, *(old.replicas for old in past if within(old, now, self.scale_down_s))]
        return min(max(lately), current) if self.holds else min(lately)
