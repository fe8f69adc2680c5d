"""Reads a journal back."""

import sqlite3
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import ValidationError

from wva.fleet.errors import UserError
from wva.fleet.outcome import Outcome
from wva.fleet.plan import Plan
from wva.record import schema
from wva.record.column import column
from wva.record.decision import Decision, PlainMemory
from wva.record.observations import PackedObservations, unpack_observations
from wva.record.run import Run

_PLAIN_MEMORY: Any = dict[str, Any]
_OBSERVATIONS = ", ".join(field.name for field in fields(PackedObservations))
_COLUMNS = f"first, count, times, durations, plans, memories, outcomes, {_OBSERVATIONS}"


@dataclass(frozen=True, slots=True)
class _Block:
    first: int
    times: tuple[float, ...]
    decisions: tuple[Decision[PlainMemory], ...]


class Journal:
    """The decisions of a run in the order they were made; use it as a context manager.

    It reads a journal that is still being written as well: ``len`` and new iterations see what was stored since.
    Every method raises ``UserError`` where the file is damaged or its data do not fit this version's types.
    """

    def __init__(self, path: Path) -> None:
        """Open a journal. Raises ``UserError`` where there is none at ``path`` or it is of another format."""
        self.path = path
        self._connection = schema.connect_for_reading(path)
        self._newest: _Block | None = None
        self.run: Run = self._checked(schema.read_run, self._connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @property
    def finished(self) -> bool:
        """Whether the run came to its end, as opposed to one that still goes on or broke off."""
        return bool(self._row("SELECT finished FROM run")[0])

    @property
    def document(self) -> str | None:
        """The simulated scenario, as its writer put it down; ``None`` for a live fleet and where it was not kept."""
        found: str | None = self._checked(schema.read_document, self._connection)
        return found

    @property
    def orders(self) -> str | None:
        """What people told a live loop last, as its writer put it down; ``None`` where they told it nothing."""
        found: str | None = self._checked(schema.read_orders, self._connection)
        return found

    def __len__(self) -> int:
        last = self._row("SELECT first + count FROM block ORDER BY first DESC LIMIT 1")
        return last[0] if last else 0

    def __iter__(self) -> Iterator[Decision[PlainMemory]]:
        return self.decisions()

    def __getitem__(self, index: int) -> Decision[PlainMemory]:
        """The decision of that number, counted from 0, or from the end where negative."""
        length = len(self)
        position = index + length if index < 0 else index
        if not 0 <= position < length:
            raise IndexError(f"decision {index} of {length}")
        return next(self.decisions(position))

    def decisions(self, first: int = 0) -> Iterator[Decision[PlainMemory]]:
        """The decisions from number ``first`` on, read a block at a time."""
        while (block := self._block_of(first)) is not None:
            for decision in block.decisions[first - block.first :]:
                yield decision
                first += 1

    def times(self) -> tuple[float, ...]:
        """The instants of all decisions, in the seconds of ``Observation.now``."""
        rows = self._checked(self._connection.execute, "SELECT times FROM block ORDER BY first")
        return tuple(time for (blob,) in rows for time in self._checked(column(float).unpack, blob))

    def index_at(self, time: float) -> int | None:
        """Number of the decision in force at ``time``: the last one not after it. ``None`` before the first."""
        row = self._row("SELECT first FROM block WHERE first_time <= ? ORDER BY first DESC LIMIT 1", time)
        block = self._block_of(row[0]) if row else None
        return None if block is None else block.first + bisect_right(block.times, time) - 1

    def at(self, time: float) -> Decision[PlainMemory] | None:
        """The decision in force at ``time`` (seconds, as ``Observation.now``); ``None`` before the first."""
        index = self.index_at(time)
        return None if index is None else self[index]

    def _block_of(self, index: int) -> _Block | None:
        """The block that holds a decision; ``None`` past the end."""
        newest = self._newest
        if newest is not None and 0 <= index - newest.first < len(newest.decisions):
            return newest
        row = self._row(f"SELECT {_COLUMNS} FROM block WHERE first <= ? ORDER BY first DESC LIMIT 1", index)
        if row is None or index >= row[0] + row[1]:
            return None
        self._newest = self._checked(_decode, row)
        return self._newest

    def _row(self, query: str, *parameters: object) -> Any:
        with closing(self._checked(self._connection.execute, query, parameters)) as cursor:
            return self._checked(cursor.fetchone)

    def _checked(self, read: Any, *arguments: Any) -> Any:
        """``read(*arguments)``, with what can be wrong in the file as one line."""
        try:
            return read(*arguments)
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in problem["loc"])
            raise UserError(
                f"{self.path} does not fit this version of WVA ({place}: {problem['msg']}); use the one that wrote it"
            ) from error
        except (sqlite3.Error, zlib.error, ValueError, LookupError) as error:
            raise UserError(f"{self.path} is damaged: {error}") from error


def _decode(row: tuple[Any, ...]) -> _Block:
    first, _, times, durations, plans, memories, outcomes, *observations = row
    parts = zip(
        unpack_observations(PackedObservations(*observations)),
        column(Plan).unpack(plans),
        column(_PLAIN_MEMORY).unpack(memories),
        column(tuple[Outcome, ...]).unpack(outcomes),
        column(float).unpack(durations),
        strict=True,
    )
    return _Block(first, column(float).unpack(times), tuple(Decision(*part) for part in parts))
