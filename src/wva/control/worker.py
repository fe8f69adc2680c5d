"""A thread beside the event loop, for what would block it: deciding takes milliseconds, and a disk may take seconds."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Protocol, TypeVar

T = TypeVar("T")


class Worker(Protocol):
    """Somebody who works through jobs one at a time, in order."""

    @property
    def busy(self) -> bool:
        """Whether a job that was given is not done."""

    async def run(self, job: Callable[[], T]) -> T:
        """Do a job and give its result, or raise its error. A job that nobody waits for any longer is still done."""


class ThreadWorker:
    """A thread that works. It does not keep the process from ending, whatever it is at."""

    def __init__(self, name: str) -> None:
        """Start the thread."""
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._given = self._done = 0
        threading.Thread(target=self._work, name=name, daemon=True).start()

    @property
    def busy(self) -> bool:
        """Whether a job that was given is not done."""
        return self._done < self._given

    async def run(self, job: Callable[[], T]) -> T:
        """Do a job in the thread."""
        loop = asyncio.get_running_loop()
        result: asyncio.Future[T] = loop.create_future()

        def do() -> None:
            value: T | None = None
            error: BaseException | None = None
            try:
                value = job()
            except BaseException as raised:
                # Whatever it is, it is for whoever waits, and must not end the thread.
                error = raised
            self._done += 1
            # Where the event loop is closed by now, nobody waits.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_settle, result, value, error)

        self._given += 1
        self._jobs.put(do)
        return await result

    def _work(self) -> None:
        while True:
            self._jobs.get()()


class InlineWorker:
    """Does each job on the spot: for tests in virtual time."""

    busy = False

    async def run(self, job: Callable[[], T]) -> T:
        """Do a job now."""
        return job()


@dataclass(frozen=True, slots=True)
class Workers:
    """Who works for a loop. None of them stands in the way of another."""

    policy: Worker = field(default_factory=lambda: ThreadWorker("wva decides"))
    shadows: Worker = field(default_factory=lambda: ThreadWorker("wva compares"))
    journal: Worker = field(default_factory=lambda: ThreadWorker("wva records"))
    observer: Worker = field(default_factory=lambda: ThreadWorker("wva observes"))


def _settle(result: "asyncio.Future[T]", value: T | None, error: BaseException | None) -> None:
    if result.done():
        return
    if error is not None:
        result.set_exception(error)
    else:
        result.set_result(value)  # type: ignore[arg-type]
