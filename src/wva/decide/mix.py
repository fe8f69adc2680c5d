"""The mean request, learned from what finished and from what the engines generate."""

import math
from dataclasses import replace

from wva.decide.memory import ModelMemory
from wva.decide.settings import Settings
from wva.decide.trust import Lengths, Occupancy
from wva.engine.mix import RequestMix


def remember_lengths(
    memory: ModelMemory, lengths: Lengths, occupancy: Occupancy | None, elapsed_s: float, settings: Settings
) -> ModelMemory:
    """Smooth the mean lengths, and what a request in flight holds, over the mix memory."""
    context = occupancy.used_tokens / occupancy.running if occupancy is not None and occupancy.running >= 1 else None
    weight = 1.0 - math.exp(-elapsed_s / settings.mix_memory_s)
    return replace(
        memory,
        input_tokens=_smooth(memory.input_tokens, lengths.input_tokens, weight),
        output_tokens=_smooth(memory.output_tokens, lengths.output_tokens, weight),
        context_tokens=_smooth(memory.context_tokens, context, weight),
    )


def request_mix(memory: ModelMemory, recent_output: float | None, prefix_hit_rate: float) -> RequestMix | None:
    """The mean request; ``None`` until requests have finished.

    Answers are taken to be as long as the finished ones were, or as those under way are, whichever is more.
    """
    if memory.input_tokens is None or memory.output_tokens is None:
        return None
    return RequestMix(
        input_tokens=max(1.0, memory.input_tokens),
        output_tokens=max(1.0, memory.output_tokens, recent_output or 0.0),
        prefix_hit_rate=prefix_hit_rate,
        held_tokens=memory.context_tokens,
    )


def _smooth(old: float | None, new: float | None, weight: float) -> float | None:
    if new is None or old is None:
        return old if new is None else new
    return old + weight * (new - old)
