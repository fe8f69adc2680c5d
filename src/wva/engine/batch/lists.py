"""The linked lists and the heap of one engine; the gateway keeps its queue in the same way."""

from typing import Any

from numpy.typing import NDArray

from wva.engine.batch.state import NONE, Engines, Record
from wva.engine.compiled import cold, inlined

REQUEST_BITS = 32
"""Bits below the step in a completion's key that hold the request."""


@inlined
def wait_last(requests: NDArray[Any], holder: Record, request: int) -> None:
    """Append a request to the queue of what holds it: an engine, or the gateway."""
    record = requests[request]
    record.next = NONE
    record.previous = holder.last_waiting
    if holder.last_waiting == NONE:
        holder.first_waiting = request
    else:
        requests[holder.last_waiting].next = request
    holder.last_waiting = request
    holder.waiting += 1


@inlined
def wait_first(requests: NDArray[Any], holder: Record, request: int) -> None:
    """Put a preempted request at the front of the queue."""
    record = requests[request]
    record.previous = NONE
    record.next = holder.first_waiting
    if holder.first_waiting == NONE:
        holder.last_waiting = request
    else:
        requests[holder.first_waiting].previous = request
    holder.first_waiting = request
    holder.waiting += 1


@inlined
def leave_waiting(requests: NDArray[Any], holder: Record, request: int) -> None:
    """Take a request out of the queue."""
    record = requests[request]
    if record.previous == NONE:
        holder.first_waiting = record.next
    else:
        requests[record.previous].next = record.next
    if record.next == NONE:
        holder.last_waiting = record.previous
    else:
        requests[record.next].previous = record.previous
    holder.waiting -= 1


@inlined
def take_slot(slots: NDArray[Any], replica: Record, request: int) -> int:
    """Give a request a slot at the end of the running list."""
    replica.free_slots -= 1
    s = slots[replica.free_slots].spare
    slot = slots[s]
    slot.request = request
    slot.finish_step = NONE
    slot.older = replica.newest
    slot.newer = NONE
    if replica.newest == NONE:
        replica.oldest = s
    else:
        slots[replica.newest].newer = s
    replica.newest = s
    replica.running += 1
    return int(s)


@inlined
def give_slot(slots: NDArray[Any], replica: Record, s: int) -> None:
    """Take a slot out of the running list."""
    slot = slots[s]
    if slot.older == NONE:
        replica.oldest = slot.newer
    else:
        slots[slot.older].newer = slot.newer
    if slot.newer == NONE:
        replica.newest = slot.older
    else:
        slots[slot.newer].older = slot.older
    slot.request = NONE
    slot.finish_step = NONE
    slots[replica.free_slots].spare = s
    replica.free_slots += 1
    replica.running -= 1


@inlined
def _completion_key(slot: Record) -> int:
    """Order of completions: by step, and within a step by request."""
    return int(slot.finish_step << REQUEST_BITS | slot.request)


@inlined
def _is_stale(engines: Engines, r: int, index: int) -> bool:
    entry = engines.heap[r, index]
    return bool(_completion_key(engines.slots[r, entry.slot]) != entry.key)


@inlined
def _sift_down(heap: NDArray[Any], size: int, top: int) -> None:
    key, slot = heap[top].key, heap[top].slot
    while True:
        child = 2 * top + 1
        if child >= size:
            break
        if child + 1 < size and heap[child + 1].key < heap[child].key:
            child += 1
        if heap[child].key >= key:
            break
        heap[top].key, heap[top].slot = heap[child].key, heap[child].slot
        top = child
    heap[top].key, heap[top].slot = key, slot


@cold
def _drop_stale(engines: Engines, r: int) -> None:
    replica = engines.replicas[r]
    heap = engines.heap[r]
    kept = 0
    for index in range(replica.heap):
        if not _is_stale(engines, r, index):
            heap[kept].key, heap[kept].slot = heap[index].key, heap[index].slot
            kept += 1
    replica.heap = kept
    for top in range(kept // 2 - 1, -1, -1):
        _sift_down(heap, kept, top)


@inlined
def expect_completion(engines: Engines, r: int, s: int) -> None:
    """Put a decoding slot into the heap under its ``finish_step``."""
    replica = engines.replicas[r]
    if replica.heap == engines.heap.shape[1]:
        # The heap has room for twice the sequences, so at least half of a full one is stale.
        _drop_stale(engines, r)
    heap = engines.heap[r]
    index = replica.heap
    replica.heap += 1
    key = _completion_key(engines.slots[r, s])
    while index > 0:
        parent = (index - 1) // 2
        if heap[parent].key <= key:
            break
        heap[index].key, heap[index].slot = heap[parent].key, heap[parent].slot
        index = parent
    heap[index].key, heap[index].slot = key, s


@inlined
def _pop(heap: NDArray[Any], replica: Record) -> None:
    replica.heap -= 1
    if replica.heap > 0:
        heap[0].key, heap[0].slot = heap[replica.heap].key, heap[replica.heap].slot
        _sift_down(heap, replica.heap, 0)


@inlined
def next_completion(engines: Engines, r: int) -> int:
    """Step at whose end the next sequence completes; there is a decoding sequence."""
    while _is_stale(engines, r, 0):
        _pop(engines.heap[r], engines.replicas[r])
    return int(engines.heap[r, 0].key >> REQUEST_BITS)


@inlined
def pop_completion(engines: Engines, r: int) -> int:
    """Slot that completes with the last finished step, by request; NONE when none is left."""
    replica = engines.replicas[r]
    while replica.heap > 0 and engines.heap[r, 0].key >> REQUEST_BITS <= replica.steps:
        stale = _is_stale(engines, r, 0)
        s = int(engines.heap[r, 0].slot)
        _pop(engines.heap[r], replica)
        if not stale:
            return s
    return NONE
