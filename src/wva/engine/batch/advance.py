"""What an engine has done when a step or a run of steps ends, or in the middle of a run."""

from wva.engine.batch.lists import expect_completion, pop_completion, wait_last
from wva.engine.batch.memory import evict_prefixes, publish_prefix, run_growth
from wva.engine.batch.reading import see_replica
from wva.engine.batch.runs import run_duration, steps_begun
from wva.engine.batch.schedule import count_finished, leave_batch
from wva.engine.batch.state import (
    BUSY,
    COMPLETED,
    DECODE_RUN,
    GENERATION_TOKENS,
    IDLE,
    INTER_TOKEN_COUNT,
    INTER_TOKEN_SUM,
    NEVER,
    NONE,
    PICOSECONDS,
    PROMPT_TOKENS,
    SATURATED,
    TRUNCATED,
    TTFT_COUNT,
    TTFT_SUM,
    Engines,
)
from wva.engine.compiled import inlined
from wva.engine.server import BLOCK_TOKENS


@inlined
def interrupt(engines: Engines, r: int, now: int) -> None:
    """End a decode run at the first step boundary that is not before ``now``, so that the scheduler looks again."""
    replica = engines.replicas[r]
    if replica.mode != DECODE_RUN:
        return
    steps = steps_begun(replica, now - replica.run_start)
    if steps < replica.run_steps:
        replica.run_steps = steps
        engines.event[r] = replica.run_start + run_duration(replica, steps)


@inlined
def _finish_request(engines: Engines, r: int, s: int, now: int) -> None:
    replica = engines.replicas[r]
    request = engines.slots[r, s].request
    record = engines.requests[request]
    leave_batch(engines, r, s)
    if record.finish >= 0:
        # Its client has left while the last step ran.
        replica.aborts -= 1
        return
    record.finish = now
    record.status = COMPLETED if record.produced == record.output else TRUNCATED
    count_finished(engines, r, request)


@inlined
def answer_limit(engines: Engines, r: int, request: int) -> int:
    """Tokens after which the answer ends: what was asked for, or the longest context."""
    record = engines.requests[request]
    return int(min(record.output, engines.servers[engines.replicas[r].server].max_model_len - record.input))


@inlined
def _end_prefill(engines: Engines, r: int, s: int, now: int) -> None:
    """A prefill's last chunk samples a token: the first, or the next one of a preempted sequence."""
    replica = engines.replicas[r]
    server = engines.servers[replica.server]
    slot = engines.slots[r, s]
    record = engines.requests[slot.request]
    computed = slot.computed
    if engines.block_offsets.size > 0:
        publish_prefix(engines, r, s)
    if record.produced == 0:
        engines.counters[r, PROMPT_TOKENS] += record.input
        if record.finish < 0:
            record.first_token = now
            engines.counters[r, TTFT_SUM] += (now - record.enqueued) / PICOSECONDS
            engines.counters[r, TTFT_COUNT] += 1
    elif record.last_token >= 0:
        engines.counters[r, INTER_TOKEN_SUM] += (now - record.last_token) / PICOSECONDS
        engines.counters[r, INTER_TOKEN_COUNT] += 1
        record.last_token = NONE
    record.produced += 1
    engines.counters[r, GENERATION_TOKENS] += 1
    known = computed + 1
    remaining = answer_limit(engines, r, slot.request) - record.produced
    slot.origin = known - replica.steps
    slot.finish_step = replica.steps + remaining
    replica.decoding += 1
    replica.context += known
    replica.residues[slot.origin % BLOCK_TOKENS] += 1
    if known < max(server.window, server.window_blocks * BLOCK_TOKENS):
        replica.inside_window += 1
    if remaining == 0:
        _finish_request(engines, r, s, now)
    else:
        expect_completion(engines, r, s)


@inlined
def finish_steps(engines: Engines, r: int) -> None:
    """Account for the current step or run, which is over: tokens, completions, ended prefills."""
    replica = engines.replicas[r]
    now = engines.event[r]
    see_replica(engines, r, now)
    steps = replica.run_steps
    if steps > 0 and replica.mode == DECODE_RUN:
        replica.used_blocks += run_growth(replica, steps)
    decoded = steps * replica.decoding
    duration = now - replica.run_start
    engines.counters[r, GENERATION_TOKENS] += decoded
    engines.counters[r, INTER_TOKEN_COUNT] += decoded
    engines.counters[r, INTER_TOKEN_SUM] += replica.decoding * (duration / PICOSECONDS)
    engines.counters[r, BUSY] += duration
    engines.counters[r, SATURATED] += duration - steps * replica.run_rest_ps
    replica.steps += steps
    replica.context += decoded
    replica.run_steps = 0
    engines.event[r] = NEVER
    if engines.block_offsets.size > 0:
        evict_prefixes(engines, r)
    s = pop_completion(engines, r)
    while s != NONE:
        _finish_request(engines, r, s, now)
        s = pop_completion(engines, r)
    for index in range(replica.prefilled):
        _end_prefill(engines, r, engines.slots[r, index].ends_prefill, now)
    replica.prefilled = 0


@inlined
def enqueue(engines: Engines, r: int, request: int, now: int) -> bool:
    """Hand a request to an engine; tell whether a step boundary is due now, so that it must be scheduled."""
    replica = engines.replicas[r]
    see_replica(engines, r, now)
    blocked = replica.mode == DECODE_RUN and replica.waiting > 0
    wait_last(engines.requests, replica, request)
    engines.requests[request].replica = r
    engines.requests[request].enqueued = now
    replica.in_flight += 1
    replica.sent_since_seen += 1
    replica.tokens_since_seen += engines.requests[request].input
    if replica.mode == IDLE:
        return True
    if not blocked:
        interrupt(engines, r, now)
    return bool(engines.event[r] == now)
