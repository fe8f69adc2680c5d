"""The event loop: arrivals, step boundaries and timeouts in order of time, until a control event is due.

Events at one instant go in this order: step ends, timeouts, the gateway's look at its queue, arrivals, then the
scheduling of every replica at a boundary. So a first token at its deadline is in time, and an arrival on a boundary is
seen by the step that starts then.
"""

from wva.engine.batch.advance import finish_steps, interrupt
from wva.engine.batch.replicas import crash, reset
from wva.engine.batch.schedule import schedule
from wva.engine.batch.state import (
    FIRST_TOKEN_TIMEOUT,
    IDLE,
    NEVER,
    NONE,
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
    return due


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
    now = min(_next_engine_event(world), clock.check, deadline)
    if clock.arrived < world.engines.requests.size:
        now = min(now, world.engines.requests[clock.arrived].arrival)
    return int(now)


@entry_point
def next_event(world: World) -> int:
    """When anything happens next that no control event causes; NEVER when nothing does."""
    return _next_event(world, min(_first_token_deadline(world), _total_deadline(world)))


@entry_point
def advance(world: World, until: int) -> int:
    """Work through every event up to and at ``until``; return early with a draining replica that has become empty.

    Returns NONE when ``until`` is reached. Several replicas that empty at one instant are found by their mode.
    """
    engines = world.engines
    clock = world.clock[0]
    count = engines.requests.size
    while True:
        deadline = min(_first_token_deadline(world), _total_deadline(world))
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
        while clock.arrived < count and engines.requests[clock.arrived].arrival == now:
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
    world.gateways[model].failed += crash(world.engines, r, now)
    world.draining[r] = False
    reset(world.engines, r, world.engines.replicas[r].server)


@entry_point
def all_served(world: World) -> bool:
    """Whether every request has come and ended."""
    if world.clock[0].arrived < world.engines.requests.size:
        return False
    for model in range(world.gateways.size):
        if world.gateways[model].waiting > 0:
            return False
    busy = 0
    for r in range(world.clock[0].rows):
        busy += world.engines.replicas[r].mode != IDLE
    return busy == 0
