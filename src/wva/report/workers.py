"""Runs spread over processes, or made in this one."""

import contextlib
import multiprocessing
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from wva.fleet.errors import UserError
from wva.report.runs import Progress, Runner, RunReport, Task, compile_engine
from wva.scenario.schema import Scenario

Listener = Callable[[Task, Progress], None]
"""Told of every step that a run makes."""


@dataclass(frozen=True, slots=True)
class _Failure:
    """What went wrong in a worker."""

    text: str
    by_user: bool
    """Whether it is a ``UserError``."""


def make_runs(
    scenario: Scenario, tasks: Sequence[Task], journals: Path, jobs: int, listener: Listener
) -> Iterator[RunReport]:
    """Make the runs in ``jobs`` processes, in this one where it is 1, and yield each as it ends.

    Raises:
        UserError: A run cannot be made, or its process was killed.
        RuntimeError: A run broke, with the traceback of its process.

    """
    jobs = min(jobs, len(tasks))
    if jobs == 1:
        runner = Runner(scenario, journals)
        for task in tasks:
            yield runner.run(task, lambda progress, task=task: listener(task, progress))  # type: ignore[misc]
        return
    # Where nothing is compiled yet, one process does it for all.
    compile_engine()
    # A forked child would inherit the locks of this process's threads, but not the threads that release them.
    context = multiprocessing.get_context("spawn")
    workers: dict[Any, SpawnProcess] = {}
    try:
        for _ in range(jobs):
            here, there = context.Pipe()
            process = context.Process(target=_work, args=(there, scenario, journals), daemon=True)
            with _interrupts_held():
                process.start()
            there.close()
            workers[here] = process
        yield from _hand_out(list(workers), tasks, listener)
    finally:
        for connection, process in workers.items():
            connection.close()
            process.terminate()
        for process in workers.values():
            process.join()


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold SIGINT back while a process is started, which inherits that and so is never interrupted.

    Ctrl-C reaches every process of the terminal; the one that answers it ends the others.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _hand_out(connections: list[Any], tasks: Sequence[Task], listener: Listener) -> Iterator[RunReport]:
    """Give each worker its next task whenever it is free, and yield what they send back."""
    left = list(reversed(tasks))
    doing: dict[Any, Task] = {}
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
            yield message


def _work(connection: Any, scenario: Scenario, journals: Path) -> None:
    """The life of a worker: a task in, progress and a report out, until nobody asks any more."""
    with contextlib.suppress(EOFError, ConnectionError):
        try:
            runner: Runner | None = None
            while True:
                task: Task = connection.recv()
                runner = runner or Runner(scenario, journals)
                connection.send(runner.run(task, connection.send))
        except UserError as error:
            connection.send(_Failure(str(error), by_user=True))
        except (EOFError, ConnectionError):
            raise
        except Exception:
            connection.send(_Failure(traceback.format_exc(), by_user=False))
