"""Connections to replicas: opened as requests need them, and kept a little while for the next."""

import asyncio
from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from wva.gateway.connection import Connection

KEEP_ALIVE_S = 2.0
"""How long a connection is kept for the next request. Model servers close idle ones after 5 s (uvicorn's default); a
request that is sent in that moment is lost, and nobody could tell whether the replica got it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a replica listens."""

    host: str
    port: int
    tls: bool
    name: str
    """Value of the header ``Host``."""
    path: str
    """What its paths begin with; mostly nothing."""


@lru_cache(maxsize=4096)
def origin_of(url: str) -> Origin:
    """Where the base of a replica's addresses leads to. Raises ``ValueError`` where it leads nowhere."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{url} is no address of a server")
    tls = parts.scheme == "https"
    name = parts.netloc.rpartition("@")[2]
    return Origin(parts.hostname, parts.port or (443 if tls else 80), tls, name, parts.path.rstrip("/"))


class Connections:
    """All connections to replicas that have no request, and the way to more."""

    def __init__(self, connect_timeout_s: float) -> None:
        self._connect_timeout_s = connect_timeout_s
        self._idle: dict[Origin, deque[tuple[float, Connection]]] = {}
        """With the end of their time, the next to go first."""
        self._sweep: asyncio.TimerHandle | None = None

    async def get(self, origin: Origin) -> Connection:
        """A connection that has no request: the one used last, else a new one.

        Raises:
            OSError: Nobody listens there, or does not answer in time.

        """
        idle = self._idle.get(origin)
        while idle:
            _, connection = idle.pop()
            if connection.usable:
                return connection
        async with asyncio.timeout(self._connect_timeout_s):
            _, made = await asyncio.get_running_loop().create_connection(
                lambda: Connection(lambda free: self._keep(origin, free)),
                origin.host,
                origin.port,
                ssl=True if origin.tls else None,
            )
        return made

    async def close(self) -> None:
        """Close those that have no request."""
        if self._sweep is not None:
            self._sweep.cancel()
        for idle in self._idle.values():
            for _, connection in idle:
                connection.abort()
        self._idle.clear()
        # The loop closes sockets in its next turn.
        await asyncio.sleep(0)

    def _keep(self, origin: Origin, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        self._idle.setdefault(origin, deque()).append((loop.time() + KEEP_ALIVE_S, connection))
        if self._sweep is None:
            self._sweep = loop.call_later(KEEP_ALIVE_S, self._drop_old)

    def _drop_old(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for idle in self._idle.values():
            while idle and idle[0][0] <= now:
                idle.popleft()[1].abort()
        self._idle = {origin: idle for origin, idle in self._idle.items() if idle}
        self._sweep = None
        if self._idle:
            self._sweep = loop.call_at(min(idle[0][0] for idle in self._idle.values()), self._drop_old)
