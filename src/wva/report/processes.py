"""Tasks spread over processes that stay, or done in this one."""

import contextlib
import multiprocessing
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from wva.fleet.errors import UserError


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a task is."""

    share: float
    """Of the whole, 0 to 1."""
    doing: str
    """What it does, in words."""


class Named(Protocol):
    """A task."""

    @property
    def name(self) -> str:
        """How it is called in messages; unique among the tasks of a call."""


T = TypeVar("T", bound=Named)
R = TypeVar("R")

Do = Callable[[T, Callable[[Progress], None]], R]
"""Does a task, tells how far it is, and returns what came out."""
Listener = Callable[[T, Progress], None]
"""Told of every step that a task makes."""


@dataclass(frozen=True, slots=True)
class _Failure:
    """What went wrong in a process."""

    text: str
    by_user: bool
    """Whether it is a ``UserError``."""


class Processes(Generic[T, R]):
    """Up to ``jobs`` processes, begun as tasks come and ended with the ``with`` block; 1 works in this process."""

    def __init__(self, begin: Callable[[], Do[T, R]], jobs: int, before: Callable[[], None] = lambda: None) -> None:
        """``begin``, which can be pickled, is called once in each process and returns what does its tasks.

        ``before`` is called in this process before any other is begun: what it leaves on disk is there for all.
        """
        self._begin = begin
        self._before = before
        self._jobs = jobs
        self._here: Do[T, R] | None = None
        self._workers: dict[Any, SpawnProcess] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection, process in self._workers.items():
            connection.close()
            process.terminate()
        for process in self._workers.values():
            process.join()
        self._workers = {}

    def run(self, tasks: Sequence[T], listener: Listener[T]) -> Iterator[tuple[T, R]]:
        """Do the tasks, and yield each with its result as it ends.

        Raises:
            UserError: A task cannot be done, or its process was killed.
            RuntimeError: A task broke, with the traceback of its process.

        """
        if not tasks:
            return
        if self._jobs == 1:
            self._here = self._here or self._begin()
            for task in tasks:
                yield task, self._here(task, lambda progress, task=task: listener(task, progress))  # type: ignore[misc]
            return
        self._enlist(min(self._jobs, len(tasks)))
        yield from self._hand_out(list(self._workers)[: len(tasks)], tasks, listener)

    def _enlist(self, jobs: int) -> None:
        """Have that many processes at least."""
        if jobs > len(self._workers):
            self._before()
        # A forked child would inherit the locks of this process's threads, but not the threads that release them.
        context = multiprocessing.get_context("spawn")
        while len(self._workers) < jobs:
            here, there = context.Pipe()
            process = context.Process(target=_work, args=(there, self._begin), daemon=True)
            with _interrupts_held():
                process.start()
            there.close()
            self._workers[here] = process

    def _hand_out(self, connections: list[Any], tasks: Sequence[T], listener: Listener[T]) -> Iterator[tuple[T, R]]:
        """Give each process its next task whenever it is free, and yield what they send back."""
        left = list(reversed(tasks))
        doing: dict[Any, T] = {}
        for connection in connections:
            doing[connection] = left.pop()
            connection.send(doing[connection])
        while doing:
            ready: list[Any] = wait(list(doing))
            for connection in ready:
                task = doing[connection]
                try:
                    message = connection.recv()
                except (EOFError, ConnectionError):
                    raise UserError(
                        f"the process that ran {task.name}, was killed; memory may have run out: ask for fewer --jobs"
                    ) from None
                if isinstance(message, Progress):
                    listener(task, message)
                    continue
                if isinstance(message, _Failure):
                    raise UserError(message.text) if message.by_user else RuntimeError(message.text)
                del doing[connection]
                if left:
                    doing[connection] = left.pop()
                    connection.send(doing[connection])
                yield task, message


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold SIGINT back while a process is started, which inherits that and so is never interrupted.

    Ctrl-C reaches every process of the terminal; the one that answers it ends the others. It is for the main thread.
    """
    # It is begun with the first process otherwise, and takes SIGINT from what is held back.
    resource_tracker.ensure_running()
    came: list[int] = []
    # The mask is for the process that is started: here another thread may take the signal, and this one would answer.
    answer = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        signal.signal(signal.SIGINT, answer)
        if came:
            signal.raise_signal(signal.SIGINT)


def _work(connection: Any, begin: Callable[[], Do[Any, Any]]) -> None:
    """The life of a process: a task in, progress and a result out, until nobody asks any more."""
    with contextlib.suppress(EOFError, ConnectionError):
        try:
            do: Do[Any, Any] | None = None
            while True:
                task = connection.recv()
                do = do or begin()
                connection.send(do(task, connection.send))
        except UserError as error:
            connection.send(_Failure(str(error), by_user=True))
        except (EOFError, ConnectionError):
            raise
        except Exception:
            connection.send(_Failure(traceback.format_exc(), by_user=False))
