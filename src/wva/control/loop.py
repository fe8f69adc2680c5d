"""The loop of a live fleet: observe, decide, apply, record, again and again, whatever fails around it."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Generic, TypeVar

from wva.control.attempts import Attempts
from wva.control.check import admit_clamps, within_bounds
from wva.control.decider import Decider, Shadows
from wva.control.early import EarlyRequests
from wva.control.journal import LiveJournal
from wva.control.observe import NOTHING, observed_models, observed_variants
from wva.control.orders import Orders
from wva.control.recorder import Recorder
from wva.control.seams import Body, Clock, FleetState, Metrics
from wva.control.settings import LoopSettings
from wva.control.worker import Workers
from wva.fleet.errors import UserError
from wva.fleet.memory import Memory
from wva.fleet.observation import Observation, Trigger
from wva.fleet.outcome import Outcome, Result
from wva.fleet.plan import Plan
from wva.fleet.policy import Policy
from wva.fleet.readings import Readings
from wva.fleet.tick import Tick, TickResult, Timings
from wva.record.decision import Decision
from wva.record.digest import configuration_digest
from wva.record.problems import Problems
from wva.record.run import encode_configuration

M = TypeVar("M", bound=Memory)

Watcher = Callable[[Tick], None]

_log = logging.getLogger("wva")


class Loop(Generic[M]):
    """Decides for a fleet until it is cancelled. Nothing that a body, a policy, a disk or a watcher does ends it."""

    def __init__(
        self,
        body: Body,
        metrics: Metrics,
        policy: Policy[M],
        clock: Clock,
        *,
        settings: LoopSettings | None = None,
        journal: LiveJournal[M] | None = None,
        shadows: Sequence[Policy[Any]] = (),
        problems: Problems | None = None,
        workers: Workers | None = None,
    ) -> None:
        """``shadows`` decide on the same observations, for people to compare; what they decide is never applied.

        ``workers`` are threads unless given.
        """
        self.problems = Problems() if problems is None else problems
        self.settings = settings or LoopSettings()
        self.history: deque[Tick] = deque(maxlen=self.settings.ticks_kept)
        """The newest turns, oldest first."""
        self.orders = Orders()
        self._body = body
        self._metrics = metrics
        self._policy = policy
        self._clock = clock
        self.memory = policy.initial_memory()
        """What the policy remembers now."""
        self._attempts = Attempts(clock, self.problems)
        workers = workers or Workers()
        self._observer = workers.observer
        self._decider = Decider(workers.policy, self._attempts, self.settings.policy_limit_s)
        self._shadows = Shadows(shadows, Decider(workers.shadows, self._attempts, self.settings.shadow_limit_s))
        self._recorder = Recorder(journal, workers.journal, self._attempts, self.settings.journal_limit_s)
        self._early = EarlyRequests()
        self._restored = asyncio.Event()
        """Set once it is known how the last process left things: only then may orders change."""
        self._watchers: list[Watcher] = []
        self._outcomes: tuple[Outcome, ...] = ()
        self._configuration = configuration_digest(encode_configuration(policy))
        self._prefix = ""
        self._count = 0
        self._last_now = -float("inf")

    def request(self, trigger: Trigger, cause: str) -> None:
        """Ask for an early turn, in words that say why. It begins at once, or ``early_gap_s`` after the last began."""
        self._early.add(trigger, cause)

    def subscribe(self, watcher: Watcher) -> Callable[[], None]:
        """Have a watcher called after every turn; the answer ends that."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    async def until_restored(self) -> None:
        """Wait until a running loop knows how the last process left things."""
        await self._restored.wait()

    async def pause(self) -> None:
        """Decide and record from now on, but apply nothing. It outlives the process."""
        await self.until_restored()
        await self._order(replace(self.orders, paused=True), "paused")

    async def resume(self) -> None:
        """Apply again what is decided."""
        await self.until_restored()
        await self._order(replace(self.orders, paused=False), "resumed")

    async def pin(self, variant: str, count: int) -> None:
        """Hold a variant at a count. Raises ``UserError`` where the fleet has none of that name or it may not have it.

        It outlives the process, and ends with ``unpin``.
        """
        await self.until_restored()
        seen = await self._bounds()
        if variant not in seen:
            raise UserError(f"there is no variant {variant!r}: choose one of {', '.join(seen)}")
        lowest, highest = seen[variant]
        if not lowest <= count <= highest:
            raise UserError(f"{variant} may have {lowest} to {highest} replicas, so it cannot be held at {count}")
        pins = {**self.orders.pins, variant: count}
        await self._order(replace(self.orders, pins=pins), f"{variant} pinned at {count}")

    async def unpin(self, variant: str) -> None:
        """Let the policy decide again how many replicas a variant has. Raises ``UserError`` where it was not pinned."""
        await self.until_restored()
        if variant not in self.orders.pins:
            pinned = ", ".join(self.orders.pins) or "none is"
            raise UserError(f"{variant!r} is not pinned: {pinned}")
        pins = {name: count for name, count in self.orders.pins.items() if name != variant}
        await self._order(replace(self.orders, pins=pins), f"{variant} no longer pinned")

    async def run(self) -> None:
        """Go on where the journal ends, then turn on the interval and on request until cancelled."""
        restored = await self._recorder.restore()
        if restored is not None:
            self.memory, self.orders = restored.memory, restored.orders
        self._restored.set()
        self._prefix = f"{datetime.fromtimestamp(self._clock.utc(), UTC):%Y%m%dT%H%M%S}"
        due = self._clock.monotonic()
        begun = -float("inf")
        try:
            while True:
                await self._wait(due, begun + self.settings.early_gap_s)
                begun = self._clock.monotonic()
                while due <= begun:
                    due += self.settings.interval_s
                await self._turn(begun)
        finally:
            await self._recorder.close()

    async def _wait(self, due: float, earliest: float) -> None:
        """Return when a turn is due, or when one is asked for and the last is long enough ago."""
        now = self._clock.monotonic()
        if not self._early.waiting.is_set() and now < due:
            asked = asyncio.ensure_future(self._early.waiting.wait())
            timer = asyncio.ensure_future(self._clock.sleep(due - now))
            try:
                await asyncio.wait((asked, timer), return_when=asyncio.FIRST_COMPLETED)
            finally:
                asked.cancel()
                timer.cancel()
        if self._early.waiting.is_set():
            await self._clock.sleep(max(0.0, min(due, earliest) - self._clock.monotonic()))

    async def _turn(self, begun: float) -> None:
        """One turn, from looking to telling."""
        started = self._clock.utc()
        try:
            tick = await self._see_decide_apply(begun, started)
        except Exception as error:
            # Whatever nobody thought of is told, and the next turn comes.
            _log.exception("a turn of the loop failed")
            self.problems.report("loop", f"{type(error).__name__}: {error}")
            return
        self.problems.solved("loop")
        self.history.append(tick)
        for watcher in tuple(self._watchers):
            try:
                watcher(tick)
            except Exception:
                _log.exception("a watcher of the loop failed")

    async def _see_decide_apply(self, begun: float, started: float) -> Tick:
        self._count += 1
        observation, trigger, cause = await self._observe()
        seen_at = self._clock.monotonic()
        acted = _Acted(TickResult.NOTHING_SEEN)
        shadows: dict[str, Plan] = {}
        if observation is not None:
            acted = await self._act(observation)
            shadows = await self._shadows.decide(observation)
        return Tick(
            number=self._count,
            time=started,
            trigger=trigger,
            cause=cause,
            result=acted.result,
            observation=observation,
            plan=acted.plan,
            outcomes=acted.outcomes,
            timings=Timings(seen_at - begun, acted.decide_s, acted.apply_s, self._clock.monotonic() - begun),
            shadows=shadows,
            problems=dict(self.problems.now),
            paused=self.orders.paused,
            pins=dict(self.orders.pins),
        )

    async def _observe(self) -> tuple[Observation | None, Trigger, str | None]:
        """What is there, if the body says it, and what caused the look: what asks for one until the end counts."""
        state = await self._attempts.result("body", self._body.state(), self.settings.body_limit_s)
        readings = NOTHING if state is None else await self._measure(state)
        trigger, cause = self._early.take()
        if state is None:
            return None, trigger, cause
        # A journal's times never go back, whatever clock this is.
        self._last_now = max(self._clock.utc(), self._last_now)
        join = partial(self._observation, state, readings, trigger, self._last_now)
        # Of thousands of replicas this takes longer than others may wait for the event loop.
        return await self._observer.run(join), trigger, cause

    def _observation(self, state: FleetState, readings: Readings, trigger: Trigger, now: float) -> Observation:
        return Observation(
            id=f"{self._prefix}-{self._count}",
            now=now,
            trigger=trigger,
            scope=tuple(model.name for model in state.models),
            models=observed_models(state.models, readings),
            variants=observed_variants(state, readings, self.orders.pins),
            inventory=state.inventory,
            outcomes=self._outcomes,
            configuration=self._configuration,
        )

    async def _measure(self, state: FleetState) -> Readings:
        readings = await self._attempts.result(
            "metrics",
            self._metrics.read(state.endpoints, [model.name for model in state.models]),
            self.settings.metrics_limit_s,
            # A request that waits where nothing serves does not wait for a slow answer about load.
            hurry=self._early.waiting,
            hurried_s=self.settings.hurried_s,
        )
        return NOTHING if readings is None else readings

    async def _act(self, observation: Observation) -> "_Acted":
        """Decide, carry out and record; hold everything where there is no decision."""
        before = self.memory
        decided = await self._decider.decide("policy", self._policy, observation, before)
        if decided is None:
            return _Acted(TickResult.NO_DECISION)
        self.memory, self._outcomes = decided.memory, ()
        began = self._clock.monotonic()
        try:
            result, self._outcomes = await self._apply(decided.plan, observation)
        finally:
            # Also where the loop is cancelled while a body hangs: what was decided, and perhaps done, is not lost.
            apply_s = self._clock.monotonic() - began
            outcomes = self._outcomes
            decision = Decision(observation, decided.plan, decided.memory, outcomes, decided.duration_s)
            await self._recorder.record(decision, before)
        return _Acted(result, decided.plan, outcomes, decided.duration_s, apply_s)

    async def _apply(self, plan: Plan, observation: Observation) -> tuple[TickResult, tuple[Outcome, ...]]:
        if self.orders.paused:
            parts = plan.variants
            return TickResult.PAUSED, tuple(
                Outcome(plan.id, part.variant, Result.REFUSED, part.expected, "paused") for part in parts
            )
        given = within_bounds(plan, observation)
        about = f"{plan.id} is perhaps not applied: "
        job = self._body.apply(given)
        outcomes = await self._attempts.result("apply", job, self.settings.body_limit_s, about=about)
        if outcomes is None:
            return TickResult.NOT_APPLIED, ()
        return TickResult.APPLIED, admit_clamps(outcomes, plan, given)

    async def _order(self, orders: Orders, cause: str) -> None:
        """Put orders in force, then store them, and have a turn that goes by them."""
        self.orders = orders
        self.request(Trigger.MANUAL, cause)
        await self._recorder.keep(orders, self._clock.utc())

    async def _bounds(self) -> dict[str, tuple[int, int]]:
        """The minimum and maximum of every variant. Raises ``UserError`` where the body does not say."""
        state = await self._attempts.result("body", self._body.state(), self.settings.body_limit_s)
        if state is None:
            raise UserError(f"the fleet does not say what it has ({self.problems.now.get('body')}); try again")
        return {seen.variant.name: (seen.variant.min_replicas, seen.variant.max_replicas) for seen in state.variants}


@dataclass(frozen=True, slots=True)
class _Acted:
    """What became of an observation."""

    result: TickResult
    plan: Plan | None = None
    outcomes: tuple[Outcome, ...] = ()
    decide_s: float = 0.0
    apply_s: float = 0.0
