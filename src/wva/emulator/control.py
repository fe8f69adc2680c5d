"""What keeps the engine from stepping: a pause, sleep, a hang. It goes on when none of them is left."""

import asyncio
from collections.abc import Callable

from wva.emulator.driver import Driver


class Control:
    """Holds one driver's engine, and lets it go on."""

    def __init__(self, driver: Driver, abort: Callable[[], None], wake_up_s: float) -> None:
        """``abort`` drops everything under way; waking up takes ``wake_up_s`` real seconds."""
        self.paused = False
        self.sleep_level: int | None = None
        """``None`` is awake."""
        self._hung = False
        self._driver = driver
        self._abort = abort
        self._wake_up_s = wake_up_s

    def sleep(self, level: int) -> None:
        """Drop what is under way, then hold what comes, silently, until woken up."""
        self.sleep_level = level
        self._driver.hold()
        self._abort()

    async def wake_up(self) -> None:
        """Serve again, with an empty prefix cache, once that has taken its time."""
        if self.sleep_level is not None:
            await asyncio.sleep(self._wake_up_s)
            self.sleep_level = None
            self._go_on(forget=True)

    async def pause(self, mode: str) -> None:
        """Begin no further step, and hold what comes.

        ``mode`` says what becomes of what is under way: ``abort`` drops it, ``keep`` freezes it, ``wait`` lets it
        finish first.
        """
        self.paused = True
        if mode == "wait":
            self._driver.close()
            await self._driver.emptied()
            if not self.paused:
                return
        self._driver.hold()
        if mode == "abort":
            self._abort()

    def resume(self) -> None:
        """Go on after a pause."""
        if self.paused:
            self.paused = False
            self._go_on()

    def hang(self, hung: bool) -> None:
        """Stand still, or no longer."""
        before, self._hung = self._hung, hung
        if hung:
            self._driver.hold()
        elif before:
            self._go_on()

    def _go_on(self, *, forget: bool = False) -> None:
        if not self.paused and self.sleep_level is None and not self._hung:
            self._driver.resume(forget=forget)
