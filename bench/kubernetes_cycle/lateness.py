"""How late the event loop gets to what is due on it."""

import asyncio
import contextlib
import time
from types import TracebackType
from typing import Self

TICK_S = 0.01


class Lateness:
    """Notes it every 10 ms while it is open; use it as an asynchronous context manager."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._tick())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        # What was done last may have made it late.
        await asyncio.sleep(TICK_S)
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _tick(self) -> None:
        while True:
            due = time.perf_counter() + TICK_S
            await asyncio.sleep(TICK_S)
            self.seconds.append(time.perf_counter() - due)
