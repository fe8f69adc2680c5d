"""Parquet traces: seconds from the start, with tokens of text and, where requests carry images, of images."""

from pathlib import Path

import polars as pl

from wva.fleet.errors import UserError
from wva.workload.table import Origin, trace_from_table
from wva.workload.trace import Trace

COLUMNS = {name: name for name in ("arrival_s", "input_tokens", "output_tokens")}

INPUTS = ("input_tokens", "image_tokens")
"""Columns that add up to the prompt; a text engine sees images as their tokens."""


def read_parquet(path: Path, start_s: float = 0.0, duration_s: float | None = None) -> Trace:
    """Read ``arrival_s``, ``input_tokens``, ``output_tokens``; ``image_tokens`` add to the input where they exist.

    Only the needed columns are read, and of a window only the row groups that reach into it.

    Raises:
        UserError: The file is no such Parquet, or a value in it is wrong.

    """
    try:
        read = _scan(path, start_s, duration_s).collect()
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"trace {path}: is no readable Parquet ({reason}); write the file anew") from None
    inputs = [name for name in INPUTS if name in read.columns]
    table = read.select(
        arrival_s=pl.col("arrival_s").cast(pl.Float64),
        input_tokens=pl.sum_horizontal(pl.col(inputs).cast(pl.Int64), ignore_nulls=False),
        output_tokens=pl.col("output_tokens").cast(pl.Int64),
    )

    def place(row: int) -> str:
        return f"row {_scan(path, start_s, duration_s, 'row').collect()['row'][row]}"

    def text(row: int, column: str) -> str:
        value = table[column][row]
        return "missing" if value is None else str(value)

    names = {**COLUMNS, "input_tokens": " + ".join(inputs)}
    return trace_from_table(table, Origin(path, names, place, text), start_s=start_s, duration_s=duration_s)


def _scan(path: Path, start_s: float, duration_s: float | None, row_index: str | None = None) -> pl.LazyFrame:
    rows = pl.scan_parquet(path, row_index_name=row_index)
    schema = rows.collect_schema()
    for column in COLUMNS:
        if column not in schema:
            raise UserError(f"trace {path}: no column {column}; a Parquet trace has {', '.join(COLUMNS)}")
    names = [name for name in (*COLUMNS, "image_tokens") if name in schema]
    for name in names:
        kind = schema[name]
        if not (kind.is_numeric() if name == "arrival_s" else kind.is_integer()):
            wanted = "numbers" if name == "arrival_s" else "whole numbers"
            raise UserError(f"trace {path}: column {name} holds {kind}; it must hold {wanted}")
    arrival = pl.col("arrival_s")
    if start_s > 0:
        rows = rows.filter(arrival >= start_s)
    if duration_s is not None:
        rows = rows.filter(arrival < start_s + duration_s)
    return rows.select(names if row_index is None else [row_index])
