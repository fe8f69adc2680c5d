"""Ctrl-C and its kin: the first asks the program to stop, the second has the last word."""

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Self

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """Takes SIGINT, SIGTERM and SIGHUP while it is entered, so that they interrupt nothing half-way.

    Enter it around everything that has to be put in order at the end, as ``local_fleet``.
    """

    def __init__(self) -> None:
        """Have seen none."""
        self.first: signal.Signals | None = None
        """The signal that asked to stop."""
        self._seen = asyncio.Event()
        self._kill: Callable[[], None] | None = None

    def __enter__(self) -> Self:
        """Take the signals from now on."""
        for number in STOPPING:
            asyncio.get_running_loop().add_signal_handler(number, self._take, number)
        return self

    def __exit__(self, *_: object) -> None:
        """Leave them to their defaults again."""
        for number in STOPPING:
            asyncio.get_running_loop().remove_signal_handler(number)

    def on_second(self, kill: Callable[[], None]) -> None:
        """Call this at the second signal; until it is known, the second ends the program there and then."""
        self._kill = kill

    async def wait(self) -> signal.Signals:
        """Wait for the first signal."""
        await self._seen.wait()
        assert self.first is not None
        return self.first

    def _take(self, number: signal.Signals) -> None:
        if self.first is None:
            self.first = number
            self._seen.set()
        elif self._kill is None:
            os._exit(128 + number)
        else:
            self._kill()
