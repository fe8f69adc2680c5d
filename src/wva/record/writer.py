"""Writes a run's decisions down while they are made."""

import contextlib
import math
import os
import sqlite3
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

from wva.fleet.errors import UserError
from wva.fleet.memory import Memory
from wva.fleet.outcome import Outcome
from wva.fleet.plan import Plan
from wva.fleet.policy import Policy
from wva.record import schema
from wva.record.column import column, pack
from wva.record.decision import Decision
from wva.record.observations import EncodedObservation, ObservationEncoder, PackedObservations
from wva.record.run import Run, describe_run

M = TypeVar("M", bound=Memory)

DECISIONS_PER_BLOCK = 64
"""Enough for neighbours to compress each other and for a transaction to cost nothing; more gains nothing measurable."""

_COLUMNS = (
    *("first", "count", "first_time", "last_time", "times", "durations", "plans", "memories", "outcomes"),
    *(field.name for field in fields(PackedObservations)),
)
_INSERT = f"INSERT INTO block ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' for _ in _COLUMNS)})"


class _Block:
    """The decisions that are encoded but not stored yet."""

    __slots__ = ("durations", "encoder", "memories", "observations", "outcomes", "plans", "times")

    def __init__(self) -> None:
        self.encoder = ObservationEncoder()
        self.times: list[bytes] = []
        self.durations: list[bytes] = []
        self.plans: list[bytes] = []
        self.memories: list[bytes] = []
        self.outcomes: list[bytes] = []
        self.observations: list[EncodedObservation] = []

    def __len__(self) -> int:
        return len(self.times)

    def packed(self) -> list[bytes | None]:
        """The columns in the order of the table."""
        parts = (self.times, self.durations, self.plans, self.memories, self.outcomes)
        observations = self.encoder.pack(self.observations)
        return [*map(pack, parts), *(getattr(observations, field.name) for field in fields(observations))]


class JournalWriter(Generic[M]):
    """An open journal; use it as a context manager.

    Decisions reach the file a block at a time. After a crash the journal is readable up to its last block. A journal
    that was closed without an error is marked as finished.
    """

    def __init__(
        self,
        path: Path,
        policy: Policy[M],
        *,
        scenario: str | None = None,
        seed: int | None = None,
        start: float = 0.0,
        document: str | None = None,
        memory: M | None = None,
        overwrite: bool = False,
        decisions_per_block: int = DECISIONS_PER_BLOCK,
    ) -> None:
        """Create the journal of a run of ``policy`` that begins with ``memory``, or else with its initial one.

        ``start`` is the instant that users' times count from, on the observations' clock. ``document`` is all
        of the simulated scenario, as text, from which the run can be made again. ``decisions_per_block`` is how many
        decisions a crash may lose; 1 suits a live fleet that decides a few times a minute.
        Raises ``UserError`` where the file exists and ``overwrite`` is not set, or where it cannot be written, and
        ``ValueError`` where the policy's configuration or memory cannot be written as JSON.
        """
        self.path = path
        self.run: Run = describe_run(policy, scenario, seed, start, memory)
        self._plans = column(Plan)
        self._memories = column(type(policy.initial_memory()))
        self._outcomes = column(tuple[Outcome, ...])
        self._floats = column(float)
        self._decisions_per_block = decisions_per_block
        self._block = _Block()
        self._stored = 0
        self._first_time = self._last_time = -math.inf
        self._connection: sqlite3.Connection | None = _open(path, self.run, document, overwrite)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close(finished=kind is None)

    def append(self, decision: Decision[M]) -> None:
        """Add the next decision.

        Raises ``ValueError`` where its time is before the last one's or not finite, or where the journal is closed;
        ``ValueError`` or ``TypeError`` where it holds a value of another type than declared; ``UserError`` where the
        file cannot be written. After the last, the decision is kept and written with those that follow.
        """
        if self._connection is None:
            raise ValueError(f"the journal {self.path} is closed")
        time = decision.observation.now
        if not self._last_time <= time < math.inf:
            raise ValueError(f"a decision at {time} s cannot follow one at {self._last_time} s")
        # All parts are encoded before any is kept, so that a decision that fails leaves no half behind.
        observation = self._block.encoder.encode(decision.observation)
        plan = self._plans.encode(decision.plan)
        memory = self._memories.encode(decision.memory)
        outcomes = self._outcomes.encode(decision.outcomes)
        duration = self._floats.encode(decision.duration_s)
        block = self._block
        if not block.times:
            self._first_time = time
        self._last_time = time
        block.times.append(self._floats.encode(time))
        block.durations.append(duration)
        block.observations.append(observation)
        block.plans.append(plan)
        block.memories.append(memory)
        block.outcomes.append(outcomes)
        if len(block) >= self._decisions_per_block:
            self.flush()

    def flush(self) -> None:
        """Store what is waiting, as a block of its own. Raises ``UserError`` where the file cannot be written."""
        if self._connection is None or not self._block:
            return
        count = len(self._block)
        row = (self._stored, count, self._first_time, self._last_time, *self._block.packed())
        self._execute(_INSERT, row)
        self._stored += count
        self._block = _Block()

    def keep_orders(self, document: str) -> None:
        """Store what people told a live loop, in place of what they told it before, as its writer puts it down.

        Raises ``UserError`` where the file cannot be written.
        """
        self._execute("INSERT OR REPLACE INTO orders (id, document) VALUES (1, ?)", (document,))

    def _execute(self, statement: str, values: tuple[object, ...] = ()) -> None:
        if self._connection is None:
            return
        try:
            self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise UserError(f"cannot write to the journal {self.path}: {error}") from error

    def close(self) -> None:
        """Store what is waiting and mark the run as finished. Raises ``UserError`` where the file cannot be written."""
        self._close(finished=True)

    def break_off(self) -> None:
        """Store what is waiting and leave the run unfinished. Raises ``UserError`` where the file cannot be written."""
        self._close(finished=False)

    def _close(self, *, finished: bool) -> None:
        if self._connection is None:
            return
        connection = self._connection
        try:
            self.flush()
            if finished:
                self._execute("UPDATE run SET finished = 1")
            # One file is easier to keep than a file and its log; a reader that is looking right now may prevent it.
            with contextlib.suppress(sqlite3.OperationalError):
                connection.execute("PRAGMA journal_mode = DELETE")
        finally:
            self._connection = None
            connection.close()


def _open(path: Path, run: Run, document: str | None, overwrite: bool) -> sqlite3.Connection:
    """Make the journal under a passing name and give it its own once it is whole."""
    if path.exists() and not overwrite:
        raise UserError(f"{path} exists; choose another name or ask to overwrite it")
    passing = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        try:
            schema.create(passing, run, document)
            _remove(path)
            passing.rename(path)
        finally:
            passing.unlink(missing_ok=True)
        return schema.connect_for_writing(path)
    except (OSError, sqlite3.Error) as error:
        raise UserError(f"cannot create the journal {path}: {error}") from error


def _remove(path: Path) -> None:
    """Remove a journal with its log: SQLite would play an old log into a new file of the same name."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
