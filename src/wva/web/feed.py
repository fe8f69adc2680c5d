"""What the pages of one process show: the newest state of a fleet and its turns, however often it is lost and found."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from wva.fleet.clock import Clock
from wva.fleet.errors import UserError
from wva.live.state import LiveState, TickState
from wva.web.access import Watched

_log = logging.getLogger("wva")

SILENCE_S = 5.0
"""After so long without a word the fleet counts as lost: it tells its state every second."""
RETRY_S = 1.0
"""Between two attempts to find it again."""
TICKS_KEPT = 960


@dataclass(frozen=True, slots=True)
class View:
    """What there is to show."""

    state: LiveState | None
    """As it was last told; ``None`` before the first time."""
    ticks: tuple[TickState, ...]
    """Turns of this run of the fleet, oldest first."""
    lost: str | None
    """Why the fleet cannot be heard, in one line; ``None`` while it can."""
    lost_for_s: float
    """For how long, on the wall's clock; 0 while it can be heard."""


class Feed:
    """Follows a fleet for all pages of a process, so that the fleet is asked once however many there are."""

    def __init__(self, fleet: Watched, clock: Clock) -> None:
        """Follow nothing yet; ``follow`` does. ``clock`` runs as the wall's does."""
        self._fleet = fleet
        self._clock = clock
        self._state: LiveState | None = None
        self._ticks: deque[TickState] = deque(maxlen=TICKS_KEPT)
        self._lost: str | None = "not asked yet"
        self._heard = clock.monotonic()
        self._watchers: list[Callable[[], None]] = []

    @property
    def view(self) -> View:
        """What there is to show now."""
        silence = 0.0 if self._lost is None else self._clock.monotonic() - self._heard
        return View(self._state, tuple(self._ticks), self._lost, silence)

    def subscribe(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Have a watcher called whenever there is something new; the answer ends that."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    async def follow(self) -> None:
        """Follow the fleet until cancelled; where it is lost, look for it again and again."""
        while True:
            try:
                await self._listen()
                self._lost = "it closed the connection"
            except TimeoutError:
                self._lost = f"it has said nothing for {SILENCE_S:g} s"
            except UserError as error:
                self._lost = str(error)
            except ValueError as error:
                self._lost = f"what it says cannot be read ({error}); use the same version of wva for both"
            self._tell()
            await self._clock.sleep(RETRY_S)

    async def _listen(self) -> None:
        events = aiter(self._fleet.events())
        while True:
            try:
                async with asyncio.timeout(SILENCE_S):
                    event = await anext(events)
            except StopAsyncIteration:
                return
            await self._take(event)
            self._lost, self._heard = None, self._clock.monotonic()
            self._tell()

    async def _take(self, event: LiveState | TickState) -> None:
        if isinstance(event, TickState):
            # One that comes twice, or before the state that says which run it belongs to, is in what is asked for then.
            if self._state is not None and self._lost is None and event.number > self._newest():
                self._ticks.append(event)
            return
        if self._state is None or event.started_at != self._state.started_at:
            self._ticks.clear()
        if event.tick > self._newest():
            self._ticks.extend(await self._fleet.ticks(self._newest()))
        self._state = event

    def _newest(self) -> int:
        return self._ticks[-1].number if self._ticks else 0

    def _tell(self) -> None:
        for watcher in tuple(self._watchers):
            try:
                watcher()
            except Exception:
                # One page that cannot be drawn is not the end of the others.
                _log.exception("a page could not be drawn")
