"""Waiting for others no longer than one wants to."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from wva.fleet.clock import Clock

T = TypeVar("T")


async def within(
    clock: Clock,
    limit_s: float,
    work: Coroutine[Any, Any, T],
    hurry: asyncio.Event | None = None,
    hurried_s: float = 0.0,
) -> T:
    """The result of ``work``, which has ``limit_s`` on this clock, or ``hurried_s`` from when ``hurry`` is set.

    Raises ``TimeoutError`` where it takes longer. It is cancelled then, and left alone where it does not heed that.
    """
    task = asyncio.ensure_future(work)
    limit = asyncio.ensure_future(_limit(clock, limit_s, hurry, hurried_s))
    try:
        await asyncio.wait((task, limit), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise TimeoutError("no answer in time")
    finally:
        limit.cancel()
        task.cancel()
        task.add_done_callback(_forget)


async def _limit(clock: Clock, limit_s: float, hurry: asyncio.Event | None, hurried_s: float) -> None:
    if hurry is None:
        await clock.sleep(limit_s)
        return
    hurried = asyncio.ensure_future(_hurried(clock, hurry, hurried_s))
    whole = asyncio.ensure_future(clock.sleep(limit_s))
    try:
        await asyncio.wait((hurried, whole), return_when=asyncio.FIRST_COMPLETED)
    finally:
        hurried.cancel()
        whole.cancel()


async def _hurried(clock: Clock, hurry: asyncio.Event, hurried_s: float) -> None:
    await hurry.wait()
    await clock.sleep(hurried_s)


def _forget(task: "asyncio.Future[Any]") -> None:
    """Look at the error of a task that nobody waits for, or it is complained about when it is collected."""
    if not task.cancelled():
        task.exception()
