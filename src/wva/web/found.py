"""The fleet that runs in a directory, also when it was started again since."""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from aiohttp import ClientSession, ClientTimeout

from wva.live.client import TIMEOUT_S, LiveClient
from wva.live.run_directory import read_run_file
from wva.live.state import LiveState, TickState


class FoundFleet:
    """What a page asks of a fleet: to be told, and, with the token, to be obeyed.

    Where it is reached stands in the run's directory, and is read again each time the page looks for it.
    """

    def __init__(self, session: ClientSession, directory: Path) -> None:
        """Use this session, which its owner closes."""
        self._session = session
        self._directory = directory

    async def ticks(self, since: int = 0) -> Sequence[TickState]:
        """The turns with a number above ``since``. Raises ``UserError`` where no fleet answers."""
        return await self._client("").ticks(since)

    async def events(self) -> AsyncIterator[LiveState | TickState]:
        """States and turns until the fleet stops. Raises ``UserError`` where no fleet answers."""
        async for event in self._client("").events():
            yield event

    def unlock(self, token: str) -> LiveClient | None:
        """The fleet for one who may change it; ``None`` where the token is wrong.

        Raises ``UserError`` where no fleet runs.
        """
        right = read_run_file(self._directory).token
        return self._client(token) if secrets.compare_digest(token.encode(), right.encode()) else None

    def _client(self, token: str) -> LiveClient:
        run = replace(read_run_file(self._directory), token=token)
        return LiveClient(self._session, run, self._directory)


@asynccontextmanager
async def found_fleet(directory: Path) -> AsyncIterator[FoundFleet]:
    """A line to whatever fleet runs in a directory, now or later."""
    async with ClientSession(timeout=ClientTimeout(total=TIMEOUT_S)) as session:
        yield FoundFleet(session, directory)
