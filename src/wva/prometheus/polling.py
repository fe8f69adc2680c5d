"""Asking many targets for their metrics again and again, each by itself, so that none delays another."""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ParamSpec, Self

import aiohttp

from wva.fleet.clock import Clock
from wva.prometheus.points import UnbelievableError

P = ParamSpec("P")

LARGEST_PAGE = 16 * 2**20
"""Bytes of /metrics beyond which a page is given up: a vLLM server shows about a hundred KiB."""

_log = logging.getLogger("wva")


@dataclass(frozen=True, slots=True)
class PollingSettings:
    """How often every target is asked."""

    interval_s: float = 1.0
    """Seconds between questions to one target, on the clock that is given."""
    timeout_s: float = 1.0
    """Real seconds that a target has to answer: a page is made in milliseconds, and what is late is of no use."""


class Polling:
    """Has rounds of questions asked while it is open; use it as an asynchronous context manager."""

    def __init__(self, clock: Clock, settings: PollingSettings, ask: Callable[[], None]) -> None:
        """``ask`` begins the questions of one round."""
        self._clock = clock
        self._settings = settings
        self._ask = ask
        self._followed: frozenset[str] = frozenset()
        self._tried: set[str] = set()
        """Targets whose first question has ended, well or not."""
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._session: aiohttp.ClientSession | None = None
        self._rounds: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=self._settings.timeout_s)
        self._session = aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0))
        self._ask()
        self._rounds = asyncio.create_task(self._ask_for_ever(), name="scraper")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = [task for task in (self._rounds, *self._under_way.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def follow(self, names: Collection[str]) -> None:
        """Know these targets from now on, and no others."""
        self._followed = frozenset(names)
        self._tried &= self._followed

    def begin(self, name: str, question: Coroutine[Any, Any, None]) -> None:
        """Ask one target, unless the last question to it is still under way."""
        if name in self._under_way or self._session is None:
            question.close()
            return
        task = asyncio.create_task(question, name=f"scrape {name}")
        self._under_way[name] = task
        task.add_done_callback(lambda _: self._end(name))

    async def first(self) -> None:
        """Wait for the first answers of targets that were never asked before."""
        first = [task for name, task in self._under_way.items() if name not in self._tried]
        if first:
            await asyncio.wait(first)

    async def ended(self, names: Collection[str]) -> None:
        """Wait for the answers of some targets that are asked at this moment."""
        tasks = [task for name in names if (task := self._under_way.get(name)) is not None]
        if tasks:
            await asyncio.wait(tasks)

    async def page(self, url: str, headers: Mapping[str, str] | None = None) -> bytes:
        """The metrics page below an address.

        Raises ``aiohttp.ClientError``, ``OSError`` or ``TimeoutError`` where there is none, and ``UnbelievableError``
        where it has no end.
        """
        assert self._session is not None
        async with self._session.get(f"{url}/metrics", headers=headers, allow_redirects=False) as response:
            if response.status != 200:
                raise aiohttp.ClientPayloadError(f"HTTP {response.status}")
            parts: list[bytes] = []
            size = 0
            async for part in response.content.iter_any():
                parts.append(part)
                size += len(part)
                if size > LARGEST_PAGE:
                    raise UnbelievableError(f"its metrics are longer than {LARGEST_PAGE // 2**20} MiB")
            return b"".join(parts)

    def _end(self, name: str) -> None:
        del self._under_way[name]
        if name in self._followed:
            self._tried.add(name)

    async def _ask_for_ever(self) -> None:
        due = self._clock.monotonic()
        while True:
            due = max(due + self._settings.interval_s, self._clock.monotonic())
            await self._clock.sleep(due - self._clock.monotonic())
            self._ask()


def part_of(target: str) -> str:
    """What a target's problems are called."""
    return f"scrape of {target}"


def silent(url: str, error: BaseException) -> str:
    """The problem of a target that gives no page."""
    return f"{url} does not give its metrics: {str(error) or type(error).__name__}"


def tell(listener: Callable[P, None] | None, *args: P.args, **more: P.kwargs) -> None:
    """Call whoever listens, who must not end the measuring."""
    if listener is None:
        return
    try:
        listener(*args, **more)
    except Exception:
        _log.exception("a listener to readings failed")
