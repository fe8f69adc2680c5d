"""Beginning and end of one engine, and what it shows when it is scraped."""

import numpy as np
from numpy.typing import NDArray

from wva.engine.batch.memory import run_growth
from wva.engine.batch.runs import run_duration, steps_finished
from wva.engine.batch.state import (
    BUSY,
    DECODE_RUN,
    GENERATION_TOKENS,
    IDLE,
    INTER_TOKEN_COUNT,
    INTER_TOKEN_SUM,
    NEVER,
    NONE,
    PICOSECONDS,
    SATURATED,
    Engines,
    Record,
)
from wva.engine.compiled import cold, entry_point, inlined


@cold
def reset(engines: Engines, r: int, server: int) -> None:
    """Make row ``r`` a fresh engine of that kind of server, empty and idle."""
    replica = engines.replicas[r]
    replica.server = server
    replica.steps = 0
    replica.mode = IDLE
    replica.running = 0
    replica.decoding = 0
    replica.context = 0
    replica.used_blocks = 0
    replica.idle_entries = 0
    replica.waiting = 0
    replica.aborts = 0
    replica.first_waiting = NONE
    replica.last_waiting = NONE
    replica.oldest = NONE
    replica.newest = NONE
    replica.partial = NONE
    replica.prefilled = 0
    replica.heap = 0
    replica.least_recent = NONE
    replica.most_recent = NONE
    replica.inside_window = 0
    replica.run_steps = 0
    replica.in_flight = 0
    replica.seen_waiting = 0
    replica.seen_blocked = False
    replica.seen_used_blocks = 0
    replica.blocked = False
    replica.seen_at = NONE
    replica.sent_since_seen = 0
    replica.tokens_since_seen = 0
    for residue in range(16):
        replica.residues[residue] = 0
    replica.free_slots = engines.servers[server].max_num_seqs
    for s in range(replica.free_slots):
        engines.slots[r, s].spare = replica.free_slots - 1 - s
        engines.slots[r, s].request = NONE
        engines.slots[r, s].finish_step = NONE
    for block in range(engines.entries.shape[1]):
        engines.entries[r, block].references = 0
        engines.entries[r, block].present = 0
    for column in range(engines.counters.shape[1]):
        engines.counters[r, column] = 0.0
    engines.event[r] = NEVER


@cold
def abandon(engines: Engines, r: int, now: int, status: int) -> int:
    """End every request on an engine without its whole answer, with that status; return how many."""
    replica = engines.replicas[r]
    steps = steps_finished(replica, now)
    failed = 0
    request = replica.first_waiting
    while request != NONE:
        failed += end_without_answer(engines.requests[request], now, status)
        request = engines.requests[request].next
    s = replica.oldest
    while s != NONE:
        slot = engines.slots[r, s]
        record = engines.requests[slot.request]
        if slot.finish_step != NONE:
            record.produced = slot.origin + replica.steps + steps - record.input
        failed += end_without_answer(record, now, status)
        s = slot.newer
    return failed


@inlined
def end_without_answer(record: Record, now: int, status: int) -> int:
    """End a request with that status if it has not ended; return how many that were."""
    if record.finish >= 0:
        return 0
    record.finish = now
    record.status = status
    return 1


@inlined
def read_gauges(engines: Engines, r: int, now: int) -> tuple[int, int, float]:
    """(running, waiting, share of KV blocks in use), with what the step under way has allocated."""
    replica = engines.replicas[r]
    used = replica.used_blocks
    if replica.mode == DECODE_RUN:
        used += run_growth(replica, min(steps_finished(replica, now) + 1, replica.run_steps))
    return replica.running, replica.waiting, used / engines.servers[replica.server].kv_blocks


@inlined
def decoded_in_run(replica: Record, now: int) -> tuple[int, float]:
    """Tokens that the current run has produced so far, and the sum of their inter-token times in seconds."""
    if replica.mode != DECODE_RUN:
        return 0, 0.0
    steps = steps_finished(replica, now)
    return steps * replica.decoding, replica.decoding * (run_duration(replica, steps) / PICOSECONDS)


@inlined
def worked_in_run(replica: Record, now: int) -> tuple[float, float]:
    """Busy and saturated picoseconds of the current step or run so far, with its share of a step that is not over."""
    if replica.mode == IDLE:
        return 0.0, 0.0
    elapsed = now - replica.run_start
    steps = steps_finished(replica, now)
    finished = run_duration(replica, steps)
    step_ps = replica.run_first_ps + replica.run_growth_ps * steps
    share = (elapsed - finished) / step_ps
    saturated = finished - replica.run_rest_ps * steps + share * (step_ps - replica.run_rest_ps)
    return float(elapsed), float(saturated)


@entry_point
def read_work(engines: Engines, r: int, now: int) -> tuple[float, float]:
    """Busy and saturated picoseconds of an engine up to ``now``."""
    busy, saturated = worked_in_run(engines.replicas[r], now)
    return engines.counters[r, BUSY] + busy, engines.counters[r, SATURATED] + saturated


@inlined
def read_counters(engines: Engines, r: int, now: int, into: NDArray[np.float64]) -> None:
    """Write the counters into ``into``, shape (len(COUNTERS),): after the last finished step, busy time up to now."""
    for column in range(engines.counters.shape[1]):
        into[column] = engines.counters[r, column]
    tokens, seconds = decoded_in_run(engines.replicas[r], now)
    into[GENERATION_TOKENS] += tokens
    into[INTER_TOKEN_COUNT] += tokens
    into[INTER_TOKEN_SUM] += seconds
    busy, saturated = worked_in_run(engines.replicas[r], now)
    into[BUSY] += busy
    into[SATURATED] += saturated
