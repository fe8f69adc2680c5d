"""The replicas of one model, and the requests that wait for them."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from wva.fleet.readings import LoadReading
from wva.gateway.affinity import PrefixMemory
from wva.gateway.ask import Ask, Flow
from wva.gateway.backend import Backend, BackendState, Sent
from wva.gateway.errors import ApiError, Outcome, RefusalError
from wva.gateway.flow import FairQueue
from wva.gateway.settings import GatewaySettings, Routing, ServedModel

RECHECK_S = 0.25
"""How often what waits is looked at again: a reading can have become too old to tell, a pause can have ended."""


class Lease:
    """A request's place on a replica."""

    def __init__(self, pool: "ModelPool", state: BackendState, sent: Sent) -> None:
        """Made by a pool alone."""
        self.state = state
        self._pool = pool
        self._sent = sent

    @property
    def backend(self) -> Backend:
        """The replica."""
        return self.state.backend

    def answering(self) -> None:
        """The answer has begun, so the request no longer waits there; one that is held may have room now."""
        self.state.answering(self._sent)
        self._pool.dispatch()

    def end(self) -> None:
        """Give the place back. A second time changes nothing."""
        self.state.end(self._sent)
        self._pool.ended(self.state)


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """A request that waits."""

    ask: Ask
    lease: asyncio.Future[Lease] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def priority(self) -> int:
        return self.ask.priority

    @property
    def flow(self) -> Flow:
        return self.ask.flow

    @property
    def size(self) -> int:
        return self.ask.size

    @property
    def arrived_at(self) -> float:
        return self.ask.arrived_at


class ModelPool:
    """One model behind the gateway."""

    def __init__(
        self,
        model: ServedModel,
        settings: GatewaySettings,
        clock: Callable[[], float],
        on_hold: Callable[[str], None],
        on_gone: Callable[[str], None],
    ) -> None:
        """Make one without replicas.

        ``clock`` gives monotonic seconds; ``on_hold`` is told the model for each request that is held, and ``on_gone``
        the instance that is placed no longer and has no request any more.
        """
        self.model = model
        self.queue: FairQueue[_Held] = FairQueue(settings.max_queued_requests, settings.max_queued_bytes)
        """What waits."""
        self._settings = settings
        self._clock = clock
        self._on_hold = on_hold
        self._on_gone = on_gone
        self._placed: tuple[BackendState, ...] = ()
        self._leaving: dict[str, BackendState] = {}
        self._prefixes = PrefixMemory(settings.affinity_prefixes)
        self._turn = 0
        self._recheck: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def states(self) -> tuple[BackendState, ...]:
        """The replicas placed, then those that are placed no longer and still have requests."""
        return (*self._placed, *self._leaving.values())

    @property
    def routable(self) -> int:
        """Replicas that take new requests."""
        return sum(state.listed for state in self._placed)

    @property
    def in_flight(self) -> int:
        """Requests that were sent to a replica and have not ended."""
        return sum(state.in_flight for state in self.states)

    def place(self, backends: Sequence[Backend]) -> None:
        """Make these the replicas, in place of all before; what waits goes to them at once."""
        known = {state.backend.instance: state for state in self.states}
        placed = []
        for backend in backends:
            state = known.pop(backend.instance, None)
            if state is None:
                state = BackendState(backend, self._settings, self._clock)
            state.backend = backend
            placed.append(state)
        self._placed = tuple(placed)
        self._leaving = known
        for state in known.values():
            self._let_go(state)
        self.dispatch()
        self._watch()

    def find(self, instance: str) -> BackendState | None:
        """The state of an instance that is placed or has requests."""
        return next((state for state in self.states if state.backend.instance == instance), None)

    def read(self, instance: str, reading: LoadReading) -> None:
        """Take in what an instance reported; one that is not here is passed over."""
        state = self.find(instance)
        if state is not None:
            state.read(reading)
            self.dispatch()

    async def acquire(self, ask: Ask, timeout_s: float) -> Lease:
        """A place on a replica, as soon as one takes the request; ``timeout_s`` is on the wall.

        Raises:
            RefusalError: The queue is full, or no replica takes it in time.

        """
        if not len(self.queue):
            lease = self.acquire_now(ask)
            if lease is not None:
                return lease
        held = _Held(ask)
        self._require_holdable(held)
        self.queue.push(held)
        try:
            self._on_hold(self.model.name)
            self.dispatch()
            self._watch()
            async with asyncio.timeout(timeout_s):
                return await held.lease
        except TimeoutError:
            # A place can have come in the same instant as the timeout.
            if not held.lease.cancelled():
                return held.lease.result()
            message = f"No replica of {ask.model} had room in time. Please try again later."
            raise RefusalError(
                Outcome.QUEUE_TIMEOUT, ApiError(503, message, "queue_timeout"), self._settings.retry_after
            ) from None
        except asyncio.CancelledError:
            if not held.lease.cancelled() and held.lease.done() and held.lease.exception() is None:
                held.lease.result().end()
            raise
        finally:
            self.queue.discard(held)

    def acquire_now(self, ask: Ask, without: Collection[str] = ()) -> Lease | None:
        """A place on a replica that takes the request at once, none of the instances ``without``."""
        state = self._choose(ask, without)
        return None if state is None else self._lease(state, ask)

    def ended(self, state: BackendState) -> None:
        """A request has ended there; one that waits may take its place."""
        self._let_go(state)
        self.dispatch()

    def dispatch(self) -> None:
        """Send what waits to the replicas that take it, in turn."""
        while not self._closed:
            held = self.queue.peek()
            if held is None:
                return
            if held.lease.cancelled():
                self.queue.pop()
                continue
            state = self._choose(held.ask)
            if state is None:
                return
            self.queue.pop()
            held.lease.set_result(self._lease(state, held.ask))

    def close(self) -> None:
        """Turn away what waits and whatever still comes."""
        self._closed = True
        if self._recheck is not None:
            self._recheck.cancel()
        while self.queue.peek() is not None:
            held = self.queue.pop()
            if not held.lease.done():
                held.lease.set_exception(self._closing())

    def _let_go(self, state: BackendState) -> None:
        """Forget an instance that is placed no longer once it has no request any more."""
        name = state.backend.instance
        if not state.in_flight and self._leaving.get(name) is state:
            self._leaving = {other: left for other, left in self._leaving.items() if other != name}
            self._on_gone(name)

    def _require_holdable(self, held: _Held) -> None:
        if self._closed:
            raise self._closing()
        if not self.queue.has_room(held):
            message = f"Too many requests for {self.model.name} are waiting. Please try again later."
            raise RefusalError(Outcome.QUEUE_FULL, ApiError(429, message, "queue_full"), self._settings.retry_after)

    def _closing(self) -> RefusalError:
        return RefusalError(
            Outcome.UNAVAILABLE, ApiError(503, "The gateway is shutting down.", "closing"), self._settings.retry_after
        )

    def _watch(self) -> None:
        """Look again soon while something waits for a replica that is there."""
        if self._recheck is None and len(self.queue) and self._placed and not self._closed:
            self._recheck = asyncio.get_running_loop().call_later(RECHECK_S, self._check)

    def _check(self) -> None:
        self._recheck = None
        self.dispatch()
        self._watch()

    def _lease(self, state: BackendState, ask: Ask) -> Lease:
        if self._settings.affinity_limit is not None:
            self._prefixes.remember(ask.prefixes, state.backend.instance)
        return Lease(self, state, state.send(ask.prompt_tokens))

    def _choose(self, ask: Ask, without: Collection[str] = ()) -> BackendState | None:
        """The replica to send a request to; ``None`` when it must wait."""
        if self._settings.routing is Routing.ROUND_ROBIN:
            return self._next_in_turn(without)
        full_load_s = self.model.full_load_s
        loads = {
            state.backend.instance: (state.load_s(ask.prompt_tokens, full_load_s), state)
            for state in self._placed
            if state.backend.instance not in without and state.takes()
        }
        if not loads:
            return None
        least, best = min(loads.values(), key=lambda load: load[0])
        limit = self._settings.affinity_limit
        if limit is None or len(loads) == 1:
            return best
        holder = self._prefixes.holder(ask.prefixes)
        if holder is None or holder not in loads:
            return best
        load, state = loads[holder]
        return state if load <= limit * least + state.backend.cost_s else best

    def _next_in_turn(self, without: Collection[str]) -> BackendState | None:
        listed = [state for state in self._placed if state.listed]
        for offset in range(len(listed)):
            state = listed[(self._turn + offset) % len(listed)]
            if state.backend.instance not in without and state.takes():
                self._turn = (self._turn + offset + 1) % len(listed)
                return state
        return None
