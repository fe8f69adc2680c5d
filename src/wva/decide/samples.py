"""The record of a model's load: counters as they were scraped, over the level window.

Counters are kept and not rates, so that a scrape that was missed or seen twice changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from wva.decide.memory import LoadSample, ModelMemory
from wva.decide.settings import Settings

SAME_SCRAPE_S = 0.5
"""Seconds by which scrapes may miss their interval and still count as that far apart."""


def remember_sample(memory: ModelMemory, sample: LoadSample, now: float, settings: Settings) -> ModelMemory:
    """Add a scrape's counters, and forget those before the level window.

    Counters that fell back began anew, and so does the record; a scrape that is no newer than the last one known
    changes nothing.
    """
    last = memory.samples[-1] if memory.samples else None
    if last is not None and sample.time <= last.time:
        return memory
    arrived = last is None or sample.requests != last.requests
    oldest = sample.time - settings.level_window_s - settings.burst_bin_s
    kept = tuple([known for known in memory.samples if known.time >= oldest])
    if last is not None and (sample.requests < last.requests or sample.tokens < last.tokens):
        kept = ()
    return replace(
        memory,
        since=memory.since if kept else now,
        last_arrival=sample.time if arrived else memory.last_arrival,
        samples=(*kept, sample),
    )


def remember_generated(memory: ModelMemory, totals: Mapping[str, float | None]) -> ModelMemory:
    """Count the answer tokens that the fleet generated since the last decision.

    ``totals`` has every instance that exists, with its counter: ``None`` where it is unknown, 0 before its start. What
    an instance counted before it was first seen is not counted; a counter that fell back began anew.
    """
    before = memory.generated_by
    grown, counters = 0.0, {}
    for name, total in totals.items():
        last = before.get(name)
        if total is None:
            if last is not None:
                counters[name] = last
            continue
        counters[name] = total
        if last is not None:
            grown += total - last if total >= last else total
    return replace(memory, generated_by=counters, generated=memory.generated + grown)


def recent_output_tokens(memory: ModelMemory, window_s: float) -> float | None:
    """Answer tokens generated for each request that arrived, over the last ``window_s``; ``None`` if none arrived.

    Answers that get longer show here at once, and in the means of finished answers only when they end. While fewer
    requests come it is too high by what older ones still generate, which is work all the same.
    """
    samples = memory.samples
    start = latest_before(samples, samples[-1].time - window_s) if samples else None
    if start is None or samples[-1].requests <= start.requests:
        return None
    return (samples[-1].generated - start.generated) / (samples[-1].requests - start.requests)


def latest_before(samples: Sequence[LoadSample], time: float) -> LoadSample | None:
    """The newest sample from that instant or before it, scrapes being late or early by a little."""
    for sample in reversed(samples):
        if sample.time <= time + SAME_SCRAPE_S:
            return sample
    return None
