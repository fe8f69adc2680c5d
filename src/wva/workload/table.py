"""The common end of every reader: a table of requests becomes a trace, or one line says which cell is wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from wva.fleet.errors import UserError
from wva.workload.blocks import PrefixBlocks
from wva.workload.trace import Trace

MAX_TOKENS = int(np.iinfo(np.int32).max)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a table came from, for messages in the user's words."""

    path: Path
    columns: Mapping[str, str]
    """The file's name of each of the table's columns."""
    place: Callable[[int], str]
    """Where a row of the table stands in the file: ``line 7``."""
    text: Callable[[int, str], str]
    """What the file holds in a row, by the table's column."""
    time: str = "a number of at least 0"
    """What an arrival must be, in the file's own form."""


def trace_from_table(
    table: pl.DataFrame,
    origin: Origin,
    blocks: PrefixBlocks | None = None,
    start_s: float = 0.0,
    duration_s: float | None = None,
) -> Trace:
    """Check, sort and cut a table with the columns ``arrival_s``, ``input_tokens`` and ``output_tokens``.

    A cell is null where the file held no number. Without a duration the window ends with the first whole second after
    the last arrival.

    Raises:
        UserError: A cell is no number or out of range, or no request arrives in the window.

    """
    if table.is_empty():
        raise UserError(f"trace {origin.path}: {_nothing(start_s, duration_s)}")
    _require(table, origin, "arrival_s", 0, None, origin.time)
    for column in ("input_tokens", "output_tokens"):
        _require(table, origin, column, 1, MAX_TOKENS, f"a whole number from 1 to {MAX_TOKENS}")
    arrivals = table["arrival_s"].to_numpy()
    inputs = table["input_tokens"].cast(pl.Int32).to_numpy()
    outputs = table["output_tokens"].cast(pl.Int32).to_numpy()
    if np.any(arrivals[1:] < arrivals[:-1]):
        order = np.argsort(arrivals, kind="stable")
        arrivals, inputs, outputs = arrivals[order], inputs[order], outputs[order]
        blocks = None if blocks is None else blocks.take(order)
    whole = Trace(arrivals, inputs, outputs, duration_s=float(np.floor(arrivals[-1])) + 1.0, blocks=blocks)
    if start_s == 0.0 and duration_s is None:
        return whole
    trace = whole.window(start_s, duration_s) if start_s < whole.duration_s else None
    if not trace:
        raise UserError(f"trace {origin.path}: {_nothing(start_s, duration_s)}")
    return trace


def first_true(mask: pl.Series) -> int | None:
    """The first row where a boolean column is true; ``None`` where it never is."""
    return mask.arg_max() if mask.any() else None


def _require(table: pl.DataFrame, origin: Origin, column: str, least: float, most: float | None, wanted: str) -> None:
    value = table[column]
    bad = value.is_null() | (value < least)
    if value.dtype.is_float():
        bad |= ~value.is_finite()
    if most is not None:
        bad |= value > most
    row = first_true(bad)
    if row is not None:
        place, name = origin.place(row), origin.columns[column]
        raise UserError(f"trace {origin.path}: {place}: {name} is {origin.text(row, column)}; it must be {wanted}")


def _nothing(start_s: float, duration_s: float | None) -> str:
    if duration_s is not None:
        return f"no request arrives from {start_s:g} s to {start_s + duration_s:g} s; choose another start or duration"
    if start_s > 0:
        return f"no request arrives after {start_s:g} s; choose an earlier start"
    return "holds no request; give a trace with at least one"
