"""What an engine does at a step boundary: abort, make room, admit, and plan the next step or run of steps."""

from wva.engine.batch.latency import count_latency
from wva.engine.batch.lists import (
    give_slot,
    leave_waiting,
    next_completion,
    take_slot,
    wait_first,
)
from wva.engine.batch.memory import (
    blocks_of,
    cached_prefix,
    evict_prefixes,
    free_blocks,
    reference_prefix,
    release_blocks,
    run_growth,
    steps_until_full,
)
from wva.engine.batch.reading import see_replica
from wva.engine.batch.state import (
    ACTIVE,
    DECODE_RUN,
    FINISHED,
    FINISHED_INPUT,
    FINISHED_OUTPUT,
    IDLE,
    NEVER,
    NONE,
    PREEMPTIONS,
    PREFIX_HIT,
    PREFIX_QUERIED,
    SINGLE_STEP,
    TRUNCATED,
    Engines,
    Record,
)
from wva.engine.compiled import cold, inlined
from wva.engine.server import BLOCK_TOKENS


@inlined
def known_tokens(replica: Record, slot: Record) -> int:
    """Tokens of prompt and answer that a decoding slot has; the last of them is not computed yet."""
    return int(slot.origin + replica.steps)


@inlined
def leave_batch(engines: Engines, r: int, s: int) -> None:
    """Take a sequence out of the batch and free its blocks."""
    replica = engines.replicas[r]
    slot = engines.slots[r, s]
    if slot.finish_step == NONE:
        computed = slot.computed
        if replica.partial == s:
            replica.partial = NONE
    else:
        known = known_tokens(replica, slot)
        computed = known - 1
        record = engines.requests[slot.request]
        record.produced = known - record.input
        replica.decoding -= 1
        replica.context -= known
        replica.residues[slot.origin % BLOCK_TOKENS] -= 1
    release_blocks(engines, r, s, computed)
    give_slot(engines.slots[r], replica, s)


@cold
def drop_aborted(engines: Engines, r: int) -> None:
    """Drop the requests whose clients have left."""
    replica = engines.replicas[r]
    request = replica.first_waiting
    while request != NONE and replica.aborts > 0:
        following = engines.requests[request].next
        if engines.requests[request].status != ACTIVE:
            leave_waiting(engines.requests, replica, request)
            replica.aborts -= 1
        request = following
    s = replica.oldest
    while s != NONE and replica.aborts > 0:
        following = engines.slots[r, s].newer
        if engines.requests[engines.slots[r, s].request].status != ACTIVE:
            leave_batch(engines, r, s)
            replica.aborts -= 1
        s = following


@cold
def _preempt_newest(engines: Engines, r: int, now: int) -> None:
    """Send the most recently admitted sequence back to the front of the queue, to be computed anew."""
    replica = engines.replicas[r]
    s = replica.newest
    request = engines.slots[r, s].request
    record = engines.requests[request]
    leave_batch(engines, r, s)
    if record.produced > 0 and record.last_token < 0:
        record.last_token = now
    record.preemptions += 1
    engines.counters[r, PREEMPTIONS] += 1
    wait_first(engines.requests, replica, request)


@inlined
def count_finished(engines: Engines, r: int, request: int) -> None:
    """Count a request that ended with an answer."""
    record = engines.requests[request]
    engines.replicas[r].in_flight -= 1
    engines.counters[r, FINISHED] += 1
    engines.counters[r, FINISHED_INPUT] += record.input
    engines.counters[r, FINISHED_OUTPUT] += record.produced
    count_latency(engines, request)


@inlined
def end_by_length(engines: Engines, r: int, request: int, now: int) -> None:
    """Finish a sequence that has no room to grow, with the tokens it has."""
    record = engines.requests[request]
    record.status = TRUNCATED
    record.finish = now if record.last_token < 0 else record.last_token
    count_finished(engines, r, request)


@cold
def _grow_one_by_one(engines: Engines, r: int, now: int) -> bool:
    """Allocate the next token of every decoding sequence, oldest first; tell whether any was preempted for it."""
    replica = engines.replicas[r]
    server = engines.servers[replica.server]
    inside_limit = max(server.window, server.window_blocks * BLOCK_TOKENS)
    preempted = False
    replica.inside_window = 0
    s = replica.oldest
    while s != NONE:
        following = engines.slots[r, s].newer
        if engines.slots[r, s].finish_step != NONE:
            known = known_tokens(replica, engines.slots[r, s])
            more = blocks_of(known, server.window_blocks) - blocks_of(known - 1, server.window_blocks)
            while free_blocks(engines, r) < more and replica.newest != s:
                _preempt_newest(engines, r, now)
                preempted = True
            if free_blocks(engines, r) >= more:
                replica.used_blocks += more
                replica.inside_window += known < inside_limit
                following = engines.slots[r, s].newer
            elif replica.running == 1:
                request = engines.slots[r, s].request
                leave_batch(engines, r, s)
                end_by_length(engines, r, request, now)
                preempted = True
                break
            else:
                _preempt_newest(engines, r, now)
                preempted = True
                break
        s = following
    return preempted


@inlined
def _window_context(engines: Engines, r: int) -> int:
    """Tokens that the sliding-window layers read for all decoding sequences."""
    replica = engines.replicas[r]
    window = engines.servers[replica.server].window
    if replica.inside_window == 0:
        return int(replica.decoding * window)
    total = 0
    s = replica.oldest
    while s != NONE:
        if engines.slots[r, s].finish_step != NONE:
            total += min(known_tokens(replica, engines.slots[r, s]), window)
        s = engines.slots[r, s].newer
    return total


@inlined
def _decode_attention_ps(engines: Engines, r: int) -> int:
    """What the decoding sequences take to attend to their context."""
    replica = engines.replicas[r]
    server = engines.servers[replica.server]
    duration = server.kv_token_ps * replica.context
    if server.window > 0:
        duration += server.window_token_ps * _window_context(engines, r)
    return int(duration)


@inlined
def _chunk_attention_ps(server: Record, before: int, chunk: int) -> int:
    """What a prefill chunk takes to attend to the tokens before it and to its own."""
    pairs = chunk * before + chunk * (chunk + 1) // 2
    return int(
        server.kv_token_ps * before
        + server.window_token_ps * min(before, server.window)
        + server.attention_pair_ps * pairs
    )


@inlined
def _time_step(engines: Engines, r: int, tokens: int, sequences: int, rows: int, attention_ps: int) -> None:
    """Set how long the first step takes that computes these tokens, and how much of it leaves the GPUs unsaturated.

    ``sequences`` have tokens in it, and ``rows`` of them get a new one.
    """
    replica = engines.replicas[r]
    server = engines.servers[replica.server]
    base = engines.tokens_ps[replica.server, tokens] + server.sequence_ps * sequences
    replica.run_first_ps = base + attention_ps
    replica.run_rest_ps = base - server.product_token_ps * tokens - server.output_row_ps * rows


@inlined
def _head_fits(engines: Engines, r: int) -> bool:
    """Whether the first waiting request may join the batch."""
    replica = engines.replicas[r]
    server = engines.servers[replica.server]
    if replica.waiting == 0 or replica.running >= server.max_num_seqs:
        return False
    request = replica.first_waiting
    known = engines.requests[request].input + engines.requests[request].produced
    needed = blocks_of(known, server.window_blocks)
    if engines.block_offsets.size > 0:
        evict_prefixes(engines, r)
        found, idle = cached_prefix(engines, r, request)
        needed -= (found - idle) * engines.entry_blocks
    return bool(needed <= free_blocks(engines, r))


@inlined
def _prefill(engines: Engines, r: int, s: int, budget: int) -> int:
    """Compute the next chunk of a slot's prefill within the budget; return the chunk's tokens."""
    replica = engines.replicas[r]
    window_blocks = engines.servers[replica.server].window_blocks
    slot = engines.slots[r, s]
    record = engines.requests[slot.request]
    known = record.input + record.produced
    chunk = min(known - slot.computed, budget)
    replica.used_blocks += blocks_of(slot.computed + chunk, window_blocks) - blocks_of(slot.computed, window_blocks)
    slot.computed += chunk
    if slot.computed == known:
        replica.partial = NONE
        engines.slots[r, replica.prefilled].ends_prefill = s
        replica.prefilled += 1
    else:
        replica.partial = s
    return int(chunk)


@inlined
def _admit(engines: Engines, r: int, now: int) -> int:
    """Move the first waiting request into the batch, past what the prefix cache holds of it; return its slot."""
    replica = engines.replicas[r]
    window_blocks = engines.servers[replica.server].window_blocks
    request = replica.first_waiting
    first = engines.requests[request].scheduled < 0
    if first:
        engines.requests[request].scheduled = now
    leave_waiting(engines.requests, replica, request)
    s = take_slot(engines.slots[r], replica, request)
    slot = engines.slots[r, s]
    slot.computed = 0
    slot.shared = 0
    if engines.block_offsets.size > 0:
        found, _ = cached_prefix(engines, r, request)
        # The cache counts the shared blocks, and the sequence its own: the window layers share nothing.
        reference_prefix(engines, r, request, found)
        slot.shared = found
        slot.computed = found * engines.entry_blocks * BLOCK_TOKENS
        replica.used_blocks += blocks_of(slot.computed, window_blocks) - found * engines.entry_blocks
        engines.counters[r, PREFIX_QUERIED] += engines.requests[request].input
        engines.counters[r, PREFIX_HIT] += slot.computed
        if first:
            engines.requests[request].cached = slot.computed
    return int(s)


@cold
def _continue_partial(engines: Engines, r: int, now: int, budget: int) -> tuple[int, int, bool]:
    """Give the unfinished prefill its next chunk: (tokens, picoseconds, whether it was preempted instead)."""
    replica = engines.replicas[r]
    s = replica.partial
    slot = engines.slots[r, s]
    server = engines.servers[replica.server]
    before = slot.computed
    left = engines.requests[slot.request].input + engines.requests[slot.request].produced - before
    more = blocks_of(before + min(left, budget), server.window_blocks) - blocks_of(before, server.window_blocks)
    if more > free_blocks(engines, r):
        _preempt_newest(engines, r, now)
        return 0, 0, True
    chunk = _prefill(engines, r, s, budget)
    return chunk, _chunk_attention_ps(server, before, chunk), False


@inlined
def _plan_run(engines: Engines, r: int, now: int) -> None:
    """Plan decode steps until a sequence completes or the cache is full."""
    replica = engines.replicas[r]
    server = engines.servers[replica.server]
    steps = steps_until_full(engines, r, next_completion(engines, r) - replica.steps)
    replica.mode = DECODE_RUN
    replica.run_start = now
    replica.run_steps = steps
    _time_step(engines, r, replica.decoding, replica.decoding, replica.decoding, _decode_attention_ps(engines, r))
    replica.run_growth_ps = server.kv_token_ps * replica.decoding
    engines.event[r] = now + steps * replica.run_first_ps + replica.run_growth_ps * (steps * (steps - 1) // 2)


@inlined
def _plan_step(engines: Engines, r: int, now: int, preempted: bool) -> None:
    """Plan one step: a token for each decoding sequence, prefill chunks within the rest of the budget."""
    replica = engines.replicas[r]
    server = engines.servers[replica.server]
    tokens = replica.decoding
    sequences = replica.decoding
    attention_ps = _decode_attention_ps(engines, r)
    if replica.partial != NONE:
        chunk, chunk_ps, victim = _continue_partial(engines, r, now, server.max_num_batched_tokens - tokens)
        tokens += chunk
        sequences += not victim
        attention_ps += chunk_ps
        preempted |= victim
    while (
        not preempted and replica.partial == NONE and tokens < server.max_num_batched_tokens and _head_fits(engines, r)
    ):
        s = _admit(engines, r, now)
        before = engines.slots[r, s].computed
        chunk = _prefill(engines, r, s, server.max_num_batched_tokens - tokens)
        tokens += chunk
        sequences += 1
        attention_ps += _chunk_attention_ps(server, before, chunk)
    replica.blocked = replica.waiting > 0 and (preempted or tokens < server.max_num_batched_tokens)
    replica.mode = SINGLE_STEP
    replica.run_start = now
    replica.run_steps = 1
    _time_step(engines, r, tokens, sequences, replica.decoding + replica.prefilled, attention_ps)
    replica.run_growth_ps = 0
    engines.event[r] = now + replica.run_first_ps


@inlined
def schedule(engines: Engines, r: int, now: int) -> None:
    """Begin what comes next at a step boundary, and set when it ends."""
    replica = engines.replicas[r]
    see_replica(engines, r, now)
    if replica.aborts > 0:
        drop_aborted(engines, r)
    while True:
        if replica.running == 0 and replica.waiting == 0:
            replica.mode = IDLE
            replica.blocked = False
            engines.event[r] = NEVER
            return
        uniform = replica.inside_window == 0
        growth = run_growth(replica, 1)
        preempted = False
        if uniform and growth <= free_blocks(engines, r):
            replica.used_blocks += growth
        else:
            uniform = False
            preempted = _grow_one_by_one(engines, r, now)
        if replica.partial != NONE or (not preempted and _head_fits(engines, r)):
            break
        if replica.running > 0:
            if uniform:
                # The run accounts for all of its steps when it ends, the first included.
                replica.used_blocks -= growth
                replica.blocked = replica.waiting > 0
                _plan_run(engines, r, now)
                return
            break
        if not preempted:
            # Only a preempted sequence that has outgrown the whole cache waits before an empty batch.
            request = replica.first_waiting
            leave_waiting(engines.requests, replica, request)
            end_by_length(engines, r, request, now)
    _plan_step(engines, r, now, preempted)
