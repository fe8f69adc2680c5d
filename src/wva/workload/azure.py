"""Azure's LLM inference traces: CSV with wall-clock times."""

import csv
from pathlib import Path

import polars as pl

from wva.fleet.errors import UserError
from wva.workload.table import Origin, trace_from_table
from wva.workload.trace import Trace

COLUMNS = {"arrival_s": "TIMESTAMP", "input_tokens": "ContextTokens", "output_tokens": "GeneratedTokens"}


def read_azure_csv(path: Path, start_s: float = 0.0, duration_s: float | None = None) -> Trace:
    """Read ``TIMESTAMP, ContextTokens, GeneratedTokens``; the earliest request arrives at 0.

    Raises:
        UserError: The file is no such CSV, or a cell of it is wrong.

    """
    try:
        raw = pl.read_csv(path, infer_schema=False, encoding="utf8-lossy").with_row_index("row")
    except pl.exceptions.NoDataError:
        raise UserError(f"trace {path}: is empty; give a trace with at least one request") from None
    except pl.exceptions.PolarsError as error:
        fault = _overlong_line(path) or f"is no readable CSV ({str(error).splitlines()[0]})"
        raise UserError(f"trace {path}: {fault}; correct the file") from None
    for column in COLUMNS.values():
        if column not in raw.columns:
            raise UserError(f"trace {path}: line 1: no column {column}; a CSV trace has {', '.join(COLUMNS.values())}")
    raw = raw.filter(~pl.all_horizontal(pl.col(*COLUMNS.values()).is_null()))
    # The 2023 traces carry no zone, those of 2024 an explicit UTC; fractions have up to nine digits.
    text = pl.col("TIMESTAMP").str.strip_chars().str.strip_suffix("+00:00")
    clock = text.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="ns", strict=False)
    table = raw.select(
        arrival_s=(clock - clock.min()).dt.total_nanoseconds() / 1e9,
        input_tokens=pl.col("ContextTokens").str.strip_chars().cast(pl.Int64, strict=False),
        output_tokens=pl.col("GeneratedTokens").str.strip_chars().cast(pl.Int64, strict=False),
    )
    origin = Origin(
        path=path,
        columns=COLUMNS,
        place=lambda row: f"line {raw['row'][row] + 2}",
        text=lambda row, column: repr(raw[COLUMNS[column]][row] or ""),
        time="a time such as 2023-11-16 18:17:03.9799600",
    )
    return trace_from_table(table, origin, start_s=start_s, duration_s=duration_s)


def _overlong_line(path: Path) -> str | None:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        for cells in reader:
            if len(cells) > len(header):
                return f"line {reader.line_num}: has {len(cells)} columns, the header has {len(header)}"
    return None
