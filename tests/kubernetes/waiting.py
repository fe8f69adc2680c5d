"""Waiting for what a control plane does in its own time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from wva.kubernetes.api.errors import ApiError

T = TypeVar("T")
LOOK_EVERY_S = 0.1


async def until(
    condition: Callable[[], Awaitable[T | None]], what: str, limit_s: float = 30.0, every_s: float = LOOK_EVERY_S
) -> T:
    """What the condition returns once that counts as true; a refusal of the API server means not yet."""
    last: object = None
    try:
        async with asyncio.timeout(limit_s):
            while True:
                try:
                    found = await condition()
                except ApiError as error:
                    last = error
                else:
                    if found:
                        return found
                    last = found
                await asyncio.sleep(every_s)
    except TimeoutError:
        raise AssertionError(f"not within {limit_s:g} s: {what}; last: {last}") from None
