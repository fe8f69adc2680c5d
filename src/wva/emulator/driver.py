"""The engine in real time: a timer for the end of every step, and whoever waits for its tokens."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from wva.emulator.clock import ModelClock
from wva.emulator.engine import LiveEngine, Times, Work
from wva.engine.batch.state import PICOSECONDS

LEAST_PAUSE_S = 0.002
"""Real seconds between two looks at the engine at least: tokens that come faster are told together."""

_ROUNDING_S = 0.0005
"""Event loops round to milliseconds; a timer set so much later does not go off before the step ends."""


class Listener(Protocol):
    """Whoever waits for the tokens of a sequence."""

    def on_first_token(self, times: Times) -> None:
        """The prompt is computed; what came of the answer is told next."""

    def on_tokens(self, produced: int) -> None:
        """So many tokens of the answer are there now."""

    def on_end(self, produced: int, times: Times) -> None:
        """The answer is whole: as long as was asked, or as the context allows."""

    def on_abort(self, times: Times) -> None:
        """The engine has dropped the sequence: its course up to then."""


@dataclass(slots=True, eq=False)
class EngineSequence:
    """One sequence that the driver was handed."""

    work: Work
    listener: Listener
    number: int | None = None
    """The engine's number for it; ``None`` until the engine has it, and after it ended."""
    begun: bool = False
    """Whether its first token has been told."""


@dataclass(slots=True)
class Lateness:
    """How much later than the engine's schedule steps were told, in real seconds."""

    steps: int = 0
    sum_s: float = 0.0
    max_s: float = 0.0


class Driver:
    """Steps one engine by a clock. Made and used inside an event loop."""

    def __init__(self, engine: LiveEngine, clock: ModelClock) -> None:
        """Nothing runs before a sequence is submitted."""
        self.engine = engine
        self.clock = clock
        self.lateness = Lateness()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._running: dict[int, EngineSequence] = {}
        self._withheld: list[EngineSequence] = []
        self._closed = False
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def in_flight(self) -> int:
        """Sequences that have been submitted and not ended."""
        return len(self._running) + len(self._withheld)

    def submit(self, work: Sequence[Work], listeners: Sequence[Listener]) -> list[EngineSequence]:
        """Hand sequences to the engine together, or keep them while the door is closed."""
        sequences = [EngineSequence(each, listener) for each, listener in zip(work, listeners, strict=True)]
        if self._closed:
            self._withheld += sequences
        else:
            self._enter(sequences)
            self._arm()
        return sequences

    def abort(self, sequence: EngineSequence) -> None:
        """Drop a sequence; its listener hears of it. One that has ended is left alone."""
        if sequence in self._withheld:
            self._withheld.remove(sequence)
            sequence.listener.on_abort(Times.unserved(sequence.work.arrival_ps, self.clock.now_ps()))
        elif sequence.number is not None:
            number, sequence.number = sequence.number, None
            self._forget(number)
            self.engine.abort(number, self.clock.now_ps())
            sequence.listener.on_abort(self.engine.times(number))

    def close(self) -> None:
        """Keep what is submitted from now on from the engine, silently."""
        self._closed = True

    async def emptied(self) -> None:
        """Return once the engine has nothing left to do."""
        await self._empty.wait()

    def hold(self) -> None:
        """Close the door and let no further step begin."""
        self._closed = True
        self.look()
        self.engine.hold(self.clock.now_ps())

    def resume(self, *, forget: bool = False) -> None:
        """Go on, and hand the engine what was kept; ``forget`` empties the prefix cache."""
        self._closed = False
        if self.engine.held:
            self.engine.resume(self.clock.now_ps(), forget=forget)
        withheld, self._withheld = self._withheld, []
        self._enter(withheld)
        self._arm()

    def look(self) -> None:
        """Bring the engine up to now and tell what is new."""
        self.stop()
        now = self.clock.now_ps()
        self._measure(now)
        for news in self.engine.advance(now):
            sequence = self._running.get(news.request)
            if sequence is None:
                # A listener that was told just before has dropped it.
                continue
            if not sequence.begun and news.produced > 0:
                sequence.begun = True
                sequence.listener.on_first_token(self.engine.times(news.request))
            if news.ended:
                self._forget(news.request)
                sequence.number = None
                sequence.listener.on_end(news.produced, self.engine.times(news.request))
            else:
                sequence.listener.on_tokens(news.produced)
        self._arm()

    def stop(self) -> None:
        """Cancel the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _enter(self, sequences: Sequence[EngineSequence]) -> None:
        numbers = self.engine.submit(self.clock.now_ps(), [sequence.work for sequence in sequences])
        for number, sequence in zip(numbers, sequences, strict=True):
            sequence.number = number
            self._running[number] = sequence
            self._empty.clear()

    def _forget(self, number: int) -> None:
        del self._running[number]
        if not self._running:
            self._empty.set()

    def _arm(self) -> None:
        event = self.engine.next_event_ps
        if self._timer is None and event is not None:
            delay = self.clock.real_s((event - self.clock.now_ps()) / PICOSECONDS)
            self._timer = self._loop.call_later(max(delay + _ROUNDING_S, LEAST_PAUSE_S), self.look)

    def _measure(self, now: int) -> None:
        event = self.engine.next_event_ps
        if event is not None and event <= now:
            late = self.clock.real_s((now - event) / PICOSECONDS)
            self.lateness.steps += 1
            self.lateness.sum_s += late
            self.lateness.max_s = max(self.lateness.max_s, late)
