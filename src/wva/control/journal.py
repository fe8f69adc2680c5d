"""The journals of a live loop: one file for each stretch of decisions that follow from each other without a gap.

Every start of the loop begins a new file with the memory that the last one left, so a file always replays from its own
beginning, was decided by one version of the code, and an old file is never written to again.
"""

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Generic, TypeVar

from wva.control.orders import Orders, decode_orders, encode_orders
from wva.fleet.errors import UserError
from wva.fleet.memory import Memory
from wva.fleet.policy import Policy
from wva.record.column import column
from wva.record.decision import Decision
from wva.record.find import SUFFIX, live_journals
from wva.record.reader import Journal
from wva.record.rebuild import rebuild_memory
from wva.record.run import type_name
from wva.record.writer import JournalWriter

M = TypeVar("M", bound=Memory)

DECISIONS_PER_FILE = 10_000
"""Then a new file is begun: some two days of a decision every 15 s."""
BYTES_PER_FILE = 512 * 2**20
"""Or a new one is begun sooner: decisions on thousands of variants fill it within days."""
FILES_KEPT = 16
"""Older files are removed: about a month is left, and no more than 8 GiB."""
MOST_WAITING = 256
"""Decisions that wait for a disk that takes nothing; with more a new file is begun, and these are lost."""


@dataclass(frozen=True, slots=True)
class Restored(Generic[M]):
    """Where the last process was."""

    memory: M
    orders: Orders
    problem: str | None
    """Why less was restored than there is, in one line."""


class LiveJournal(Generic[M]):
    """Writes a live loop's journals into a directory and reads back where it was.

    It blocks while the disk does, so it is used from a thread of its own.
    """

    def __init__(self, directory: Path, policy: Policy[M]) -> None:
        """Make the directory. Raises ``UserError`` where that is impossible."""
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot keep journals in {directory}: {error.strerror}; name another directory") from error
        self.directory = directory
        self.lost = 0
        """Decisions that no file has."""
        self._policy = policy
        self._writer: JournalWriter[M] | None = None
        self._written = 0
        self._waiting = 0
        self._last = policy.initial_memory()
        """The memory after the last decision that was given, or that was restored."""
        self._orders = Orders()
        self.orders_kept = True
        """Whether the orders in force are stored."""

    @property
    def path(self) -> Path | None:
        """The file that is being written; ``None`` without any."""
        return None if self._writer is None else self._writer.path

    def restore(self) -> Restored[M]:
        """The memory and the orders that the newest readable journal ends with."""
        problem = None
        for path in reversed(self._files()):
            try:
                with Journal(path) as journal:
                    self._orders = _orders_of(journal)
                    self._last, mismatch = self._last_memory(journal)
                    return Restored(self._last, self._orders, problem or mismatch)
            except UserError as error:
                problem = problem or f"went on from an older journal: {error}"
        return Restored(self._last, self._orders, problem)

    def record(self, decision: Decision[M], before: M) -> None:
        """Add a decision that was made with the memory ``before``.

        Where that is not what the last one left, some are missing between them, and a new file is begun.
        Raises ``UserError`` where the disk does not take it, or it is nothing that can be written. It is kept then, and
        written with those that follow, unless there get to be too many: they are lost, and counted.
        """
        if before is not self._last:
            self._abandon(self._waiting)
        self._last = decision.memory
        writer = self._writer_for(decision, before)
        self._append(writer, decision)
        self._written += 1
        self._waiting = 0
        if not self.orders_kept:
            self._store_orders(writer)

    def skip(self) -> None:
        """Count a decision as lost. It waits for nothing, so any thread may call it."""
        self.lost += 1

    def keep(self, orders: Orders, now: float) -> None:
        """Store the orders in force.

        Raises ``UserError`` where the disk does not take them; they are stored with the next decision that it takes.
        """
        self._orders, self.orders_kept = orders, False
        self._store_orders(self._writer or self._begin(now, self._last))

    def close(self) -> None:
        """Store what waits and mark the file as finished. Raises ``UserError`` where the disk does not take it."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def _writer_for(self, decision: Decision[M], before: M) -> JournalWriter[M]:
        writer = self._writer
        if writer is not None and self._written < DECISIONS_PER_FILE and _size(writer.path) < BYTES_PER_FILE:
            return writer
        try:
            return self._begin(decision.observation.now, before)
        except UserError:
            self._abandon(self._waiting + 1)
            raise

    def _append(self, writer: JournalWriter[M], decision: Decision[M]) -> None:
        try:
            writer.append(decision)
        except UserError:
            self._waiting += 1
            if self._waiting > MOST_WAITING:
                self._abandon(self._waiting)
            raise
        except (TypeError, ValueError) as error:
            self._abandon(self._waiting + 1)
            raise UserError(f"a decision cannot be recorded: {error}") from error

    def _begin(self, now: float, memory: M) -> JournalWriter[M]:
        self.close()
        writer = JournalWriter(self._free_path(now), self._policy, start=now, memory=memory, decisions_per_block=1)
        self._writer, self._written, self._waiting = writer, 0, 0
        if self._orders != Orders():
            self._store_orders(writer)
        self._remove_old()
        return writer

    def _store_orders(self, writer: JournalWriter[M]) -> None:
        self.orders_kept = False
        writer.keep_orders(encode_orders(self._orders))
        self.orders_kept = True

    def _abandon(self, lost: int) -> None:
        self.lost += lost
        writer, self._writer, self._waiting = self._writer, None, 0
        if writer is not None:
            with contextlib.suppress(UserError):
                writer.break_off()

    def _last_memory(self, journal: Journal) -> tuple[M, str | None]:
        initial = self._policy.initial_memory()
        kind = type(initial)
        if journal.run.memory_type != type_name(kind):
            return initial, f"{journal.path} is of policy {journal.run.policy}, so memory begins anew"
        if not len(journal):
            return column(kind).decode(journal.run.initial_memory.encode()), None
        memory = rebuild_memory(kind, journal[-1].memory)
        assert isinstance(memory, kind)
        return memory, None

    def _free_path(self, now: float) -> Path:
        name = f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}"
        numbered = (self.directory / f"{name}-{number:03}{SUFFIX}" for number in range(1000))
        return next(path for path in numbered if not path.exists())

    def _files(self) -> list[Path]:
        """Its own; others in the directory are somebody else's."""
        return live_journals(self.directory)

    def _remove_old(self) -> None:
        for path in self._files()[:-FILES_KEPT]:
            for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
                with contextlib.suppress(OSError):
                    (self.directory / name).unlink(missing_ok=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        # What is wrong with it shows when it is written to.
        return 0


def _orders_of(journal: Journal) -> Orders:
    document = journal.orders
    if document is None:
        return Orders()
    try:
        return decode_orders(document)
    except ValueError as error:
        raise UserError(f"the orders in {journal.path} cannot be read: {' '.join(str(error).split())}") from error
