"""KV blocks: what a sequence holds, and the prefix cache that shares them."""

from wva.engine.batch.state import NONE, Engines, Record
from wva.engine.compiled import inlined
from wva.engine.server import BLOCK_TOKENS


@inlined
def blocks_of(tokens: int, window_blocks: int) -> int:
    """Blocks that a sequence of that many computed tokens holds."""
    blocks = (tokens + BLOCK_TOKENS - 1) // BLOCK_TOKENS
    return int(blocks + min(blocks, window_blocks))


@inlined
def free_blocks(engines: Engines, r: int) -> int:
    """Blocks not held by a live sequence; those that only the prefix cache keeps count as free."""
    replica = engines.replicas[r]
    return int(engines.servers[replica.server].kv_blocks - replica.used_blocks)


@inlined
def run_growth(replica: Record, steps: int) -> int:
    """Blocks that the decoding sequences take in the next ``steps`` decode steps, all of them beyond their window."""
    blocks = steps // BLOCK_TOKENS * replica.decoding
    for step in range(steps % BLOCK_TOKENS):
        blocks += replica.residues[(1 - replica.steps - step) % BLOCK_TOKENS]
    return int(blocks)


@inlined
def steps_until_full(engines: Engines, r: int, most: int) -> int:
    """Decode steps, at most ``most``, that the free blocks allow."""
    replica = engines.replicas[r]
    free = free_blocks(engines, r)
    if (most // BLOCK_TOKENS + 1) * replica.decoding <= free:
        return most
    steps = free // replica.decoding * BLOCK_TOKENS
    free %= replica.decoding
    for _ in range(BLOCK_TOKENS):
        free -= replica.residues[(1 - replica.steps - steps) % BLOCK_TOKENS]
        if free < 0:
            break
        steps += 1
    return int(min(steps, most))


@inlined
def full_trace_blocks(engines: Engines, request: int) -> int:
    """Trace blocks that the request's prompt fills whole; 0 when the trace has none."""
    if engines.block_offsets.size == 0:
        return 0
    listed = engines.block_offsets[request + 1] - engines.block_offsets[request]
    return int(min(listed, engines.requests[request].input // (engines.entry_blocks * BLOCK_TOKENS)))


@inlined
def cached_prefix(engines: Engines, r: int, request: int) -> tuple[int, int]:
    """Leading trace blocks of the request found in the prefix cache, and how many of them nobody references.

    At least one token is left to compute, as the engine needs its logits.
    """
    known = engines.requests[request].input + engines.requests[request].produced
    most = min(full_trace_blocks(engines, request), (known - 1) // (engines.entry_blocks * BLOCK_TOKENS))
    found = 0
    idle = 0
    while found < most:
        entry = engines.entries[r, engines.block_hashes[engines.block_offsets[request] + found]]
        if entry.present == 0:
            break
        found += 1
        idle += entry.references == 0
    return found, idle


@inlined
def _unlink_entry(engines: Engines, r: int, block: int) -> None:
    replica = engines.replicas[r]
    entry = engines.entries[r, block]
    if entry.older != NONE:
        engines.entries[r, entry.older].newer = entry.newer
    else:
        replica.least_recent = entry.newer
    if entry.newer != NONE:
        engines.entries[r, entry.newer].older = entry.older
    else:
        replica.most_recent = entry.older
    replica.idle_entries -= 1


@inlined
def _make_idle(engines: Engines, r: int, block: int) -> None:
    replica = engines.replicas[r]
    entry = engines.entries[r, block]
    entry.older = replica.most_recent
    entry.newer = NONE
    if replica.most_recent != NONE:
        engines.entries[r, replica.most_recent].newer = block
    else:
        replica.least_recent = block
    replica.most_recent = block
    replica.idle_entries += 1


@inlined
def reference_prefix(engines: Engines, r: int, request: int, count: int) -> None:
    """Let a sequence share its first ``count`` trace blocks, which are in the prefix cache."""
    for index in range(count):
        block = engines.block_hashes[engines.block_offsets[request] + index]
        entry = engines.entries[r, block]
        if entry.references == 0:
            _unlink_entry(engines, r, block)
            engines.replicas[r].used_blocks += engines.entry_blocks
        entry.references += 1


@inlined
def publish_prefix(engines: Engines, r: int, s: int) -> None:
    """Put the trace blocks of a finished prefill into the prefix cache, up to the first that another put there."""
    slot = engines.slots[r, s]
    for index in range(slot.shared, full_trace_blocks(engines, slot.request)):
        entry = engines.entries[r, engines.block_hashes[engines.block_offsets[slot.request] + index]]
        if entry.present != 0:
            return
        entry.present = 1
        entry.references = 1
        slot.shared += 1


@inlined
def release_blocks(engines: Engines, r: int, s: int, computed: int) -> None:
    """Free what a sequence of that many computed tokens holds; its shared blocks stay cached, the last goes first."""
    replica = engines.replicas[r]
    slot = engines.slots[r, s]
    held = blocks_of(computed, engines.servers[replica.server].window_blocks)
    replica.used_blocks -= held - slot.shared * engines.entry_blocks
    for index in range(slot.shared - 1, -1, -1):
        block = engines.block_hashes[engines.block_offsets[slot.request] + index]
        entry = engines.entries[r, block]
        entry.references -= 1
        if entry.references == 0:
            replica.used_blocks -= engines.entry_blocks
            _make_idle(engines, r, block)
    slot.shared = 0


@inlined
def evict_prefixes(engines: Engines, r: int) -> None:
    """Drop the least recently used cached blocks whose room live sequences have taken."""
    replica = engines.replicas[r]
    while replica.idle_entries > 0 and free_blocks(engines, r) < replica.idle_entries * engines.entry_blocks:
        block = replica.least_recent
        _unlink_entry(engines, r, block)
        engines.entries[r, block].present = 0


@inlined
def forget_prefixes(engines: Engines, r: int) -> None:
    """Drop every cached block that no live sequence references."""
    replica = engines.replicas[r]
    while replica.idle_entries > 0:
        block = replica.least_recent
        _unlink_entry(engines, r, block)
        engines.entries[r, block].present = 0
