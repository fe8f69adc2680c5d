"""The event loop: arrivals, step boundaries and timeouts in order of time, until a control event is due.

Events at one instant go in this order: step ends, timeouts, the gateway's look at its queue, arrivals, then the
scheduling of every replica at a boundary. So a first token at its deadline is in time, and an arrival on a boundary is
seen by the step that starts then.
"""

from wva.engine.batch.advance import finish_steps, interrupt
from wva.engine.batch.replicas import abandon, end_without_answer, reset
from wva.engine.batch.schedule import schedule
from wva.engine.batch.state import (
    CRASHED,
    FIRST_TOKEN_TIMEOUT,
    IDLE,
    INCOMPLETE,
    NEVER,
    NONE,
    QUEUE_TIMEOUT,
    TOTAL_TIMEOUT,
)
from wva.engine.compiled import cold, entry_point, inlined
from wva.simulate.gateway import dispatch, mark_due, receive, unhold
from wva.simulate.world import World


@inlined
def _first_token_deadline(world: World) -> int:
    clock = world.clock[0]
    if clock.first_token_timeout == NEVER:
        return NEVER
    requests = world.engines.requests
    while clock.first_token_cursor < clock.arrived:
        record = requests[clock.first_token_cursor]
        if record.first_token < 0 and record.finish < 0:
            return int(record.arrival + clock.first_token_timeout)
        clock.first_token_cursor += 1
    return NEVER


@inlined
def _total_deadline(world: World) -> int:
    clock = world.clock[0]
    if clock.total_timeout == NEVER:
        return NEVER
    requests = world.engines.requests
    while clock.total_cursor < clock.arrived:
        if requests[clock.total_cursor].finish < 0:
            return int(requests[clock.total_cursor].arrival + clock.total_timeout)
        clock.total_cursor += 1
    return NEVER


@inlined
def _queue_deadline(world: World) -> int:
    """When the request that the gateway has held for longest has waited there for as long as it may."""
    earliest = NEVER
    if world.clock[0].queue_timeout == NEVER:
        return earliest
    for model in range(world.gateways.size):
        request = world.gateways[model].first_waiting
        if request != NONE:
            earliest = min(earliest, world.engines.requests[request].arrival + world.clock[0].queue_timeout)
    return int(earliest)


@inlined
def _next_deadline(world: World) -> int:
    return min(_first_token_deadline(world), _total_deadline(world), _queue_deadline(world))


@inlined
def _give_up(world: World, request: int, status: int, now: int, due: int) -> int:
    """A client leaves: its request has failed now, and its engine drops it at the next step boundary."""
    engines = world.engines
    record = engines.requests[request]
    record.finish = now
    record.status = status
    world.gateways[record.model].failed += 1
    r = record.replica
    if r == NONE:
        unhold(world, record.model, request)
        return due
    engines.replicas[r].in_flight -= 1
    engines.replicas[r].aborts += 1
    interrupt(engines, r, now)
    if engines.event[r] == now:
        due = mark_due(world, r, due)
    return due


@cold
def _time_out(world: World, now: int, due: int) -> int:
    while _first_token_deadline(world) <= now:
        due = _give_up(world, world.clock[0].first_token_cursor, FIRST_TOKEN_TIMEOUT, now, due)
    while _total_deadline(world) <= now:
        due = _give_up(world, world.clock[0].total_cursor, TOTAL_TIMEOUT, now, due)
    while _queue_deadline(world) <= now:
        for model in range(world.gateways.size):
            request = world.gateways[model].first_waiting
            if request != NONE and world.engines.requests[request].arrival + world.clock[0].queue_timeout <= now:
                due = _give_up(world, request, QUEUE_TIMEOUT, now, due)
    return due


@inlined
def _can_send(world: World) -> bool:
    """Whether another request may come: some are left, and fewer than the limit are outstanding."""
    clock = world.clock[0]
    if clock.arrived == clock.offered:
        return False
    if clock.max_concurrency == NEVER:
        return True
    outstanding = 0
    for model in range(world.gateways.size):
        outstanding += world.gateways[model].waiting
    for r in range(clock.rows):
        outstanding += world.engines.replicas[r].in_flight
    return bool(outstanding < clock.max_concurrency)


@inlined
def _next_arrival(world: World) -> int:
    """When the next request comes: as it is due, or now when it was held back; NEVER while none can."""
    if not _can_send(world):
        return NEVER
    clock = world.clock[0]
    return int(max(clock.now, world.engines.requests[clock.arrived].arrival))


@inlined
def _schedule_due(world: World, now: int, due: int) -> int:
    """Begin the next step of every replica at a boundary; return a draining one that has become empty, or NONE."""
    emptied = NONE
    for index in range(due):
        r = world.due[index]
        if world.engines.event[r] == now:
            finish_steps(world.engines, r)
        schedule(world.engines, r, now)
        if world.draining[r] and world.engines.replicas[r].mode == IDLE:
            emptied = int(r)
    return emptied


@inlined
def _next_engine_event(world: World) -> int:
    earliest = NEVER
    event = world.engines.event
    for r in range(world.clock[0].rows):
        earliest = min(earliest, event[r])
    return int(earliest)


@inlined
def _next_event(world: World, deadline: int) -> int:
    clock = world.clock[0]
    return int(min(_next_engine_event(world), clock.check, deadline, _next_arrival(world)))


@entry_point
def next_event(world: World) -> int:
    """When anything happens next that no control event causes; NEVER when nothing does."""
    return _next_event(world, _next_deadline(world))


@entry_point
def advance(world: World, until: int) -> int:
    """Work through every event up to and at ``until``; return early with a draining replica that has become empty.

    Returns NONE when ``until`` is reached. Several replicas that empty at one instant are found by their mode.
    """
    engines = world.engines
    clock = world.clock[0]
    while True:
        deadline = _next_deadline(world)
        now = _next_event(world, deadline)
        if now > until:
            clock.now = until
            return NONE
        clock.now = now
        due = 0
        for r in range(clock.rows):
            if engines.event[r] == now:
                finish_steps(engines, r)
                world.due[due] = r
                due += 1
        if deadline == now:
            # A first token that has just come moves the deadline later, never earlier.
            due = _time_out(world, now, due)
        if clock.check == now:
            clock.check = NEVER
            for model in range(world.gateways.size):
                due = dispatch(world, model, now, due)
        while _next_arrival(world) <= now:
            engines.requests[clock.arrived].arrival = now
            clock.arrived += 1
            due = receive(world, clock.arrived - 1, now, due)
        emptied = _schedule_due(world, now, due)
        if emptied != NONE:
            return emptied


@entry_point
def make_ready(world: World, r: int, server: int, model: int, now: int) -> None:
    """Put a fresh replica into routing and give it what waits at the gateway."""
    reset(world.engines, r, server)
    gateway = world.gateways[model]
    index = gateway.ready
    while index > 0 and world.ready[model, index - 1] > r:
        world.ready[model, index] = world.ready[model, index - 1]
        index -= 1
    world.ready[model, index] = r
    gateway.ready += 1
    world.draining[r] = False
    world.clock[0].rows = max(world.clock[0].rows, r + 1)
    _schedule_due(world, now, dispatch(world, model, now, 0))


@inlined
def _leave_routing(world: World, r: int, model: int) -> None:
    gateway = world.gateways[model]
    index = 0
    while index < gateway.ready and world.ready[model, index] != r:
        index += 1
    if index == gateway.ready:
        return
    gateway.ready -= 1
    while index < gateway.ready:
        world.ready[model, index] = world.ready[model, index + 1]
        index += 1


@entry_point
def drain(world: World, r: int, model: int) -> bool:
    """Send the replica nothing new; tell whether it is empty already."""
    _leave_routing(world, r, model)
    world.draining[r] = True
    return bool(world.engines.replicas[r].mode == IDLE)


@entry_point
def kill(world: World, r: int, model: int, now: int) -> None:
    """Crash the replica: its requests fail, and it serves no more."""
    _leave_routing(world, r, model)
    world.gateways[model].failed += abandon(world.engines, r, now, CRASHED)
    world.draining[r] = False
    reset(world.engines, r, world.engines.replicas[r].server)


@entry_point
def stop_sending(world: World) -> None:
    """Let no further request come."""
    world.clock[0].offered = world.clock[0].arrived


@entry_point
def leave_unfinished(world: World, now: int) -> None:
    """Let every client leave: what has come and not ended is incomplete."""
    for r in range(world.clock[0].rows):
        abandon(world.engines, r, now, INCOMPLETE)
    for model in range(world.gateways.size):
        request = world.gateways[model].first_waiting
        while request != NONE:
            end_without_answer(world.engines.requests[request], now, INCOMPLETE)
            request = world.engines.requests[request].next


@entry_point
def all_served(world: World) -> bool:
    """Whether every request has come and ended."""
    if world.clock[0].arrived < world.clock[0].offered:
        return False
    for model in range(world.gateways.size):
        if world.gateways[model].waiting > 0:
            return False
    busy = 0
    for r in range(world.clock[0].rows):
        busy += world.engines.replicas[r].mode != IDLE
    return busy == 0
