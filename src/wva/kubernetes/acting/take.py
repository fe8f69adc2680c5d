"""Takes steps on the objects themselves."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import groupby

from wva.fleet.clock import Clock
from wva.fleet.errors import UserError
from wva.kubernetes.acting import pods
from wva.kubernetes.acting.marks import Marks
from wva.kubernetes.acting.pods import PodGoneError
from wva.kubernetes.acting.scale import write_scale
from wva.kubernetes.acting.steps import MarkDraining, Restore, SetDeletionCost, SetGate, Step, WriteScale
from wva.kubernetes.acting.writer import Writer
from wva.kubernetes.objects.pod import Pod
from wva.kubernetes.objects.workload import Workload

OnWritten = Callable[[int, int], None]
"""Told a count that the API server has accepted, and the one that it replaced."""


class ChangedError(Exception):
    """Something is not as the steps assume it to be. The text says what."""


class Taker:
    """Takes steps; each of them may be taken again."""

    def __init__(self, writer: Writer, clock: Clock) -> None:
        """Know of no pod that is out of service yet."""
        self.marks = Marks(clock)
        """What is written on pods and workloads, what a watch does not show yet included."""
        self._writer = writer
        self._clock = clock

    async def take(self, workload: Workload, steps: Sequence[Step], on_written: OnWritten) -> None:
        """Take the steps in their order, those of one kind at once, and none after one that fails.

        Raises ``ChangedError``, ``ApiError`` and ``NotLeadingError``; what was done until then stays.
        """
        for _, alike in groupby(steps, key=type):
            jobs = [
                self._write(workload, step, on_written) if isinstance(step, WriteScale) else self._pod(step)
                for step in alike
            ]
            for result in await asyncio.gather(*jobs, return_exceptions=True):
                if isinstance(result, BaseException):
                    raise result

    async def give_back(self, pod: Pod) -> None:
        """Put a pod back into service, and have it bear nothing of WVA. Raises as ``take`` does."""
        # First the gate: a pod that bears no mark is not known to have been WVA's.
        if pod.serving is False:
            await self._pod(SetGate(pod, serving=True))
        await self._restore(pod)

    async def _restore(self, pod: Pod) -> None:
        try:
            await pods.restore(self._writer, pod)
        except PodGoneError:
            raise ChangedError(f"{pod.id} is gone") from None
        self.marks.wrote(pod, None)

    async def _pod(self, step: MarkDraining | Restore | SetGate | SetDeletionCost) -> None:
        if isinstance(step, Restore):
            await self._restore(step.pod)
            return
        try:
            match step:
                case MarkDraining():
                    self.marks.wrote(step.pod, await pods.mark(self._writer, step))
                case SetGate():
                    await pods.set_gate(self._writer, step, self._clock.utc())
                case SetDeletionCost():
                    await pods.set_cost(self._writer, step)
        except PodGoneError:
            # Nothing is left to be done with it; who counts on it sees that with the next look.
            return

    async def _write(self, workload: Workload, step: WriteScale, on_written: OnWritten) -> None:
        try:
            done = await write_scale(self._writer, workload, step.count, step.expected)
        except UserError:
            # Perhaps it was done all the same.
            self.marks.forget_count(workload)
            raise
        if not done.accepted:
            place = f"{workload.kind} {workload.meta.namespace}/{workload.meta.name}"
            raise ChangedError(f"{place} has a count of {done.found}, not of {step.expected}")
        if done.found != step.count:
            self.marks.wrote_count(workload, step.count)
            on_written(step.count, done.found)
