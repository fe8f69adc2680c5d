"""Keeps the journal beside the event loop: a disk that is full or hangs costs records and no decision."""

import asyncio
from typing import Generic, TypeVar

from wva.control.attempts import Attempts
from wva.control.journal import LiveJournal, Restored
from wva.control.orders import Orders
from wva.control.worker import Worker
from wva.fleet.memory import Memory
from wva.record.decision import Decision

M = TypeVar("M", bound=Memory)


class Recorder(Generic[M]):
    """Has a journal written by a worker, and waits for it only so long."""

    def __init__(self, journal: LiveJournal[M] | None, worker: Worker, attempts: Attempts, limit_s: float) -> None:
        """Without a journal nothing is kept."""
        self._journal = journal
        self._worker = worker
        self._attempts = attempts
        self._limit_s = limit_s
        self._turn = asyncio.Lock()
        """Held by whoever waits for the worker: it is busy for others only with what nobody waits for any longer."""

    async def restore(self) -> Restored[M] | None:
        """Where the last process was; ``None`` where that is not known."""
        journal = self._journal
        if journal is None:
            return None
        restored = await self._attempts.result("journal", self._worker.run(journal.restore), self._limit_s)
        if restored is not None:
            self._attempts.problems.settle("memory", restored.problem)
        return restored

    async def record(self, decision: Decision[M], before: M) -> None:
        """Add a decision that was made with the memory ``before``."""
        journal = self._journal
        if journal is None:
            return
        async with self._turn:
            if self._worker.busy:
                journal.skip()
                lost = "a decision is lost: the disk does not take the one before it"
                self._attempts.problems.report("journal", lost)
                return
            job = self._worker.run(lambda: journal.record(decision, before))
            await self._attempts.result("journal", job, self._limit_s)
            if journal.orders_kept:
                self._attempts.problems.solved("orders")

    async def keep(self, orders: Orders, now: float) -> None:
        """Store the orders in force."""
        journal = self._journal
        if journal is not None:
            async with self._turn:
                job = self._worker.run(lambda: journal.keep(orders, now))
                await self._attempts.result("orders", job, self._limit_s)

    async def close(self) -> None:
        """Store what waits."""
        if self._journal is not None:
            await self._attempts.result("journal", self._worker.run(self._journal.close), self._limit_s)
