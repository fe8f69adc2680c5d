"""The one gateway of every policy: where a request goes, and where it waits."""

from wva.engine.batch.advance import enqueue
from wva.engine.batch.lists import leave_waiting, wait_last
from wva.engine.batch.reading import SNAPSHOT_PS, see_replica
from wva.engine.batch.state import ACTIVE, NEVER, NONE, TOO_LONG
from wva.engine.compiled import cold, inlined
from wva.engine.routing import busy_s, has_room
from wva.engine.server import BLOCK_TOKENS
from wva.simulate.world import QUEUE_AT_GATEWAY, ROUND_ROBIN, World

_busy_s = inlined(busy_s)
_has_room = inlined(has_room)


@inlined
def longest_prompt(world: World, r: int) -> int:
    """Tokens of the longest prompt that a replica can take."""
    return int(world.engines.servers[world.engines.replicas[r].server].longest_prompt)


@inlined
def _used_blocks(world: World, r: int) -> float:
    """Blocks of KV cache that a replica has in use, as last read, with the prompts that it was sent since."""
    replica = world.engines.replicas[r]
    return float(replica.seen_used_blocks + replica.tokens_since_seen / BLOCK_TOKENS)


@inlined
def _takes(world: World, r: int, request: int, now: int) -> bool:
    """Whether a ready replica may get the request now."""
    if world.engines.requests[request].input > longest_prompt(world, r):
        return False
    clock = world.clock[0]
    if clock.queue_mode != QUEUE_AT_GATEWAY:
        return True
    see_replica(world.engines, r, now)
    replica = world.engines.replicas[r]
    # The reading is old by up to 100 ms.
    return bool(
        _has_room(
            replica.seen_waiting,
            replica.sent_since_seen,
            _used_blocks(world, r),
            world.engines.servers[replica.server].kv_blocks,
            clock.hold_above,
            clock.hold_above_kv,
        )
    )


@inlined
def _load(world: World, r: int, model: int, request: int, now: int) -> float:
    """How long a replica looks to be busy before it has answered the request too, in seconds."""
    see_replica(world.engines, r, now)
    replica = world.engines.replicas[r]
    server = world.engines.servers[replica.server]
    tokens = world.engines.requests[request].input
    return float(
        _busy_s(
            replica.in_flight + 1,
            world.cost[r],
            _used_blocks(world, r) + tokens / BLOCK_TOKENS,
            server.kv_blocks,
            world.gateways[model].full_load_s,
            replica.seen_blocked,
            tokens * server.prompt_token_s,
        )
    )


@inlined
def choose_replica(world: World, model: int, request: int, now: int) -> int:
    """Ready replica to send the request to; NONE when it must wait."""
    gateway = world.gateways[model]
    if world.clock[0].routing == ROUND_ROBIN:
        for offset in range(gateway.ready):
            r = world.ready[model, (gateway.turn + offset) % gateway.ready]
            if _takes(world, r, request, now):
                gateway.turn = (gateway.turn + offset + 1) % gateway.ready
                return int(r)
        return NONE
    best = NONE
    lowest = 0.0
    for index in range(gateway.ready):
        r = world.ready[model, index]
        load = _load(world, r, model, request, now)
        if (best == NONE or load < lowest) and _takes(world, r, request, now):
            best = int(r)
            lowest = load
    return best


@inlined
def hold(world: World, model: int, request: int, now: int) -> None:
    """Append a request to the gateway's queue."""
    gateway = world.gateways[model]
    wait_last(world.engines.requests, gateway, request)
    gateway.queued_tokens += world.engines.requests[request].input
    plan_check(world, now)


@inlined
def unhold(world: World, model: int, request: int) -> None:
    """Take a request out of the gateway's queue."""
    gateway = world.gateways[model]
    leave_waiting(world.engines.requests, gateway, request)
    gateway.queued_tokens -= world.engines.requests[request].input


@inlined
def plan_check(world: World, now: int) -> None:
    """Look at the queue again at the next reading of the replicas, while something waits that a reading could free."""
    clock = world.clock[0]
    if clock.queue_mode == QUEUE_AT_GATEWAY and clock.check == NEVER:
        for model in range(world.gateways.size):
            if world.gateways[model].waiting > 0 and world.gateways[model].ready > 0:
                clock.check = (now // SNAPSHOT_PS + 1) * SNAPSHOT_PS
                return


@cold
def dispatch(world: World, model: int, now: int, due: int) -> int:
    """Send what the queue holds to the replicas that take it, oldest first; return how many replicas are due."""
    request = world.gateways[model].first_waiting
    while request != NONE:
        following = world.engines.requests[request].next
        r = choose_replica(world, model, request, now)
        if r != NONE:
            unhold(world, model, request)
            if enqueue(world.engines, r, request, now):
                due = mark_due(world, r, due)
        elif world.engines.requests[request].input <= _shortest_limit(world, model):
            # No replica takes a request of a size that all could take, so none takes a later one.
            break
        request = following
    plan_check(world, now)
    return due


@inlined
def _shortest_limit(world: World, model: int) -> int:
    limit = NEVER
    for index in range(world.gateways[model].ready):
        limit = min(limit, longest_prompt(world, world.ready[model, index]))
    return int(limit)


@inlined
def mark_due(world: World, r: int, due: int) -> int:
    """Add a replica to the list of those at a step boundary, once."""
    for index in range(due):
        if world.due[index] == r:
            return due
    world.due[due] = r
    return due + 1


@inlined
def receive(world: World, request: int, now: int, due: int) -> int:
    """Take in one arrival; return how many replicas are due."""
    record = world.engines.requests[request]
    model = record.model
    gateway = world.gateways[model]
    gateway.arrivals += 1
    gateway.arrived_tokens += record.input
    record.status = ACTIVE
    if record.input > gateway.longest_prompt:
        record.status = TOO_LONG
        record.finish = now
        gateway.failed += 1
        return due
    r = choose_replica(world, model, request, now)
    if r == NONE:
        hold(world, model, request, now)
    elif enqueue(world.engines, r, request, now):
        due = mark_due(world, r, due)
    return due
