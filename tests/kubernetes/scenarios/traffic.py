"""Clients of a model: requests at a rate or all at once, and what became of each."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import aiohttp

from tests.kubernetes.fleet_kit import LLAMA

PROMPT, ANSWER = 3000, 250
"""Characters of a prompt and tokens of an answer, where a test does not say."""


@dataclass
class Request:
    """One request, as its client sees it."""

    asked: float
    """By ``time.monotonic``, as the others."""
    tokens: int = 0
    """Pieces of a streamed answer that have come."""
    ended: float | None = None
    """When the whole answer was there, or the failure."""
    failure: str | None = None
    """What it ended in, if not in a whole answer."""

    @property
    def answered(self) -> bool:
        """Whether all of the answer came."""
        return self.ended is not None and self.failure is None


@dataclass
class Traffic:
    """The requests of one block."""

    url: str
    http: aiohttp.ClientSession
    model: str = LLAMA
    requests: list[Request] = field(default_factory=list)
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    def ask(self, *, prompt: int = PROMPT, answer: int = ANSWER, text: str = "a ", stream: bool = True) -> Request:
        """Send a request, which gets its answer of so many tokens as it comes, or all at once."""
        request = Request(time.monotonic())
        self.requests.append(request)
        body = {"model": self.model, "prompt": text * (prompt // len(text)), "max_tokens": answer, "ignore_eos": True}
        task = asyncio.create_task(self._answer(request, {**body, "stream": stream}))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return request

    async def steadily(self, per_s: float, *, prompt: int = PROMPT, answer: int = ANSWER, stream: bool = True) -> None:
        """So many requests a second, whatever becomes of them, until cancelled."""
        due = time.monotonic()
        while True:
            self.ask(prompt=prompt, answer=answer, stream=stream)
            due += 1.0 / per_s
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def over(self) -> None:
        """Wait until every request has ended."""
        while self.tasks:
            await asyncio.gather(*self.tasks)

    def outcomes(self) -> Counter[str]:
        """How many ended in what; those under way are ``open``."""
        return Counter(each.failure or ("answered" if each.ended is not None else "open") for each in self.requests)

    async def _answer(self, request: Request, body: dict[str, object]) -> None:
        done = False
        try:
            async with self.http.post(f"{self.url}/v1/completions", json=body) as response:
                async for line in response.content:
                    done = done or line.startswith(b"data: [DONE]") or not body["stream"]
                    request.tokens += line.startswith(b"data: {")
                if response.status != 200:
                    request.failure = str(response.status)
                elif not done:
                    request.failure = "broken off"
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            request.failure = type(error).__name__
        request.ended = time.monotonic()


@asynccontextmanager
async def clients(url: str, model: str = LLAMA) -> AsyncIterator[Traffic]:
    """Clients that send nothing yet; what is under way at the end of the block is given up."""
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as http:
        traffic = Traffic(url, http, model)
        try:
            yield traffic
        finally:
            await ended(*traffic.tasks)


@asynccontextmanager
async def load(
    url: str, per_s: float, *, prompt: int = PROMPT, answer: int = ANSWER, stream: bool = False
) -> AsyncIterator[Traffic]:
    """So many requests a second, whatever becomes of them, until the end of the block."""
    async with clients(url) as traffic:
        sending = asyncio.create_task(traffic.steadily(per_s, prompt=prompt, answer=answer, stream=stream))
        try:
            yield traffic
        finally:
            await ended(sending)


async def ended(*tasks: "asyncio.Task[None]") -> None:
    """Cancel tasks and wait for their end."""
    for task in tasks:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks, return_exceptions=True)
