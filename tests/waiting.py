"""Waiting for others, and where to wait for them."""

import asyncio
import socket
import time
from collections.abc import Callable

PATIENCE_S = 60.0
"""Seconds within which anything happens, on a machine however busy."""
LOOK_EVERY_S = 0.01


async def until(
    condition: Callable[[], object],
    what: Callable[[], object] = lambda: "it never came true",
    patience_s: float = PATIENCE_S,
) -> None:
    """Wait for something to come true; where it does not, ``what`` says how things were."""
    end = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < end, what()
        await asyncio.sleep(LOOK_EVERY_S)


def free_port() -> int:
    """A port that nobody listens at now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port
