"""One engine by itself, fed from outside as requests come: what a live model server steps through."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wva.engine.batch.advance import enqueue, finish_steps, interrupt
from wva.engine.batch.memory import forget_prefixes
from wva.engine.batch.replicas import read_counters, read_gauges, reset
from wva.engine.batch.runs import run_duration, steps_finished
from wva.engine.batch.schedule import drop_aborted, schedule
from wva.engine.batch.state import ACTIVE, DECODE_RUN, NEVER, NONE, Engines
from wva.engine.compiled import cold, entry_point, inlined

ALONE = 0
"""Row of the engine."""


class StepHistograms(NamedTuple):
    """What single steps are counted into; bounds are inclusive, and one more bucket has none."""

    inter_token_bounds_ps: NDArray[np.int64]
    """Shape (bounds,): upper bounds of the time between two tokens of a sequence, in picoseconds."""
    inter_token: NDArray[np.int64]
    """Shape (bounds + 1,): tokens after a sequence's first by the time since the one before."""
    iteration_bounds: NDArray[np.int64]
    """Shape (bounds,): upper bounds of the tokens of one step."""
    iteration: NDArray[np.int64]
    """Shape (bounds + 1,): steps by their tokens: each new one, and a prompt's with its first."""


@inlined
def _count(bounds: NDArray[np.int64], histogram: NDArray[np.int64], value: int, times: int) -> None:
    bucket = 0
    while bucket < bounds.size and value > bounds[bucket]:
        bucket += 1
    histogram[bucket] += times


@cold
def _count_steps(engines: Engines, histograms: StepHistograms) -> None:
    """Count the current step or run, which is over and not yet accounted for."""
    replica = engines.replicas[ALONE]
    now = engines.event[ALONE]
    tokens = replica.decoding
    for step in range(replica.run_steps):
        duration = replica.run_first_ps + replica.run_growth_ps * step
        _count(histograms.inter_token_bounds_ps, histograms.inter_token, duration, replica.decoding)
    for index in range(replica.prefilled):
        record = engines.requests[engines.slots[ALONE, engines.slots[ALONE, index].ends_prefill].request]
        tokens += 1
        if record.produced == 0:
            tokens += record.input
        elif record.last_token >= 0:
            _count(histograms.inter_token_bounds_ps, histograms.inter_token, now - record.last_token, 1)
    # A step that only computes part of a prompt reports nothing, and vLLM does not count it.
    if tokens > 0:
        _count(histograms.iteration_bounds, histograms.iteration, tokens, replica.run_steps)


@inlined
def _finish(engines: Engines, histograms: StepHistograms) -> None:
    _count_steps(engines, histograms)
    finish_steps(engines, ALONE)


@inlined
def _part_run(engines: Engines, until: int) -> None:
    """Let the current run end with its last step up to ``until``: steps that are over are accounted for."""
    replica = engines.replicas[ALONE]
    if replica.mode == DECODE_RUN and replica.run_steps > 0:
        steps = steps_finished(replica, until)
        if 0 < steps < replica.run_steps:
            replica.run_steps = steps
            engines.event[ALONE] = replica.run_start + run_duration(replica, steps)


@entry_point
def begin(engines: Engines) -> None:
    """Make the engine empty and idle."""
    reset(engines, ALONE, 0)


@entry_point
def serve(
    engines: Engines,
    histograms: StepHistograms,
    until: int,
    arrivals: NDArray[np.int32],
    count: int,
    held: bool,
    resumed: bool,
) -> None:
    """Work through every step up to ``until``, then take in the first ``count`` of ``arrivals``.

    What ended is accounted for, and the event of the engine is the end of the step under way, or NEVER. ``held`` lets
    that step end and begins no other; what has left is dropped all the same. ``resumed`` goes on after that.
    """
    due = resumed and engines.event[ALONE] == NEVER
    now = NONE
    while now < until:
        _part_run(engines, until)
        now = min(engines.event[ALONE], until)
        if engines.event[ALONE] == now:
            _finish(engines, histograms)
            due = True
        if now == until:
            for index in range(count):
                due |= enqueue(engines, ALONE, arrivals[index], now)
        if due and not held:
            schedule(engines, ALONE, now)
        due = False
    if not held:
        interrupt(engines, ALONE, until + 1)
    elif engines.event[ALONE] == NEVER and engines.replicas[ALONE].aborts > 0:
        drop_aborted(engines, ALONE)


@entry_point
def forget(engines: Engines) -> None:
    """Empty the prefix cache, but for what live sequences share."""
    forget_prefixes(engines, ALONE)


@entry_point
def leave(engines: Engines, request: int, now: int, status: int) -> None:
    """End a request of the engine with that status; its memory is free at the next step boundary."""
    record = engines.requests[request]
    if record.finish >= 0:
        return
    record.finish = now
    record.status = status
    engines.replicas[ALONE].in_flight -= 1
    engines.replicas[ALONE].aborts += 1


@entry_point
def progress(engines: Engines, told: NDArray[np.int32], requests: int, changed: NDArray[np.int32]) -> int:
    """Write into ``changed`` which of the first ``requests`` have other tokens than ``told`` or have ended; count them.

    A request with a negative ``told`` is nobody's. Their ``produced`` is up to date afterwards.
    """
    replica = engines.replicas[ALONE]
    s = replica.oldest
    while s != NONE:
        slot = engines.slots[ALONE, s]
        record = engines.requests[slot.request]
        if slot.finish_step != NONE and record.finish < 0:
            record.produced = slot.origin + replica.steps - record.input
        s = slot.newer
    found = 0
    for request in range(requests):
        if told[request] >= 0:
            record = engines.requests[request]
            if record.produced != told[request] or record.status != ACTIVE:
                changed[found] = request
                found += 1
    return found


@entry_point
def gauges(engines: Engines, now: int) -> tuple[int, int, float]:
    """(running, waiting, share of KV blocks in use) of the engine at ``now``."""
    return read_gauges(engines, ALONE, now)


@entry_point
def counters(engines: Engines, now: int, into: NDArray[np.float64]) -> None:
    """Write the engine's counters at ``now`` into ``into``, shape (len(COUNTERS),)."""
    read_counters(engines, ALONE, now, into)
