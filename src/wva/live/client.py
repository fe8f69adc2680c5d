"""A fleet that runs in another process, through its control API."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout

from wva.fleet.errors import UserError
from wva.live.run_directory import RunFile, read_run_file
from wva.live.state import LiveState, TickState
from wva.record.column import column

TIMEOUT_S = 10.0
LONGEST_EVENT = 1 << 22
"""Bytes: a state with twenty decisions on a hundred variants, each with its reasons, is 3 MB."""


class LiveClient:
    """A ``wva.live.state.LiveFleet`` at an address."""

    def __init__(self, session: ClientSession, run: RunFile, directory: Path) -> None:
        """Use this session, which its owner closes."""
        self._session = session
        self._run = run
        self._directory = directory

    async def state(self) -> LiveState:
        """How things stand now."""
        found: LiveState = column(LiveState).decode(await self._ask("GET", "state"))
        return found

    async def ticks(self, since: int = 0) -> Sequence[TickState]:
        """The turns that are kept with a number above ``since``, oldest first."""
        found: dict[str, tuple[TickState, ...]] = column(dict[str, tuple[TickState, ...]]).decode(
            await self._ask("GET", f"ticks?since={since}")
        )
        return found["ticks"]

    async def events(self) -> AsyncIterator[LiveState | TickState]:
        """A state at once and every second, and every turn as it ends, until the fleet stops."""
        url = f"{self._run.control_url}/api/events"
        try:
            async with self._session.get(url, timeout=ClientTimeout(total=None), read_bufsize=LONGEST_EVENT) as answer:
                kind = ""
                async for line in answer.content:
                    name, _, value = line.rstrip(b"\n").partition(b": ")
                    if name == b"event":
                        kind = value.decode()
                    elif name == b"data":
                        yield column(TickState if kind == "tick" else LiveState).decode(value)
        except (ClientError, OSError) as error:
            raise self._silent(error) from None

    async def pause(self) -> None:
        """Decide, but apply nothing."""
        await self._ask("POST", "pause")

    async def resume(self) -> None:
        """Apply again what is decided."""
        await self._ask("POST", "resume")

    async def pin(self, variant: str, count: int) -> None:
        """Hold a variant at a count."""
        await self._ask("POST", "pin", {"variant": variant, "count": count})

    async def unpin(self, variant: str) -> None:
        """Let the policy decide again."""
        await self._ask("POST", "unpin", {"variant": variant})

    async def _ask(self, method: str, what: str, body: dict[str, Any] | None = None) -> bytes:
        headers = {"Authorization": f"Bearer {self._run.token}"} if method == "POST" else {}
        url = f"{self._run.control_url}/api/{what}"
        try:
            async with self._session.request(method, url, json=body, headers=headers) as answer:
                data = await answer.read()
                if answer.status != 200:
                    told = await answer.json()
                    raise UserError(told["error"])
                return data
        except (ClientError, OSError, TimeoutError) as error:
            raise self._silent(error) from None

    def _silent(self, error: BaseException) -> UserError:
        return UserError(
            f"the fleet of {self._directory} does not answer ({error or type(error).__name__}); "
            "see whether it still runs, or start it again with wva up"
        )


@asynccontextmanager
async def live_client(directory: Path) -> AsyncIterator[LiveClient]:
    """A line to the fleet that runs in a directory.

    Raises:
        UserError: None runs there.

    """
    run = read_run_file(directory)
    async with ClientSession(timeout=ClientTimeout(total=TIMEOUT_S)) as session:
        yield LiveClient(session, run, directory)
