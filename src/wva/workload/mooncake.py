"""Mooncake's traces: JSON lines with hashed prefix blocks."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from wva.fleet.errors import UserError
from wva.workload.blocks import PrefixBlocks, dense
from wva.workload.table import Origin, first_true, trace_from_table
from wva.workload.trace import Trace

BLOCK_TOKENS = 512
"""Prompt tokens in one hashed block."""

COLUMNS = {"arrival_s": "timestamp", "input_tokens": "input_length", "output_tokens": "output_length"}

SCHEMA = {
    "timestamp": pl.Float64(),
    "input_length": pl.Int64(),
    "output_length": pl.Int64(),
    "hash_ids": pl.List(pl.Int64()),
}


def read_mooncake_jsonl(path: Path, start_s: float = 0.0, duration_s: float | None = None) -> Trace:
    """Read ``timestamp`` (milliseconds from the start), ``input_length``, ``output_length`` and ``hash_ids``.

    Without ``hash_ids`` on any line the trace has no prefix blocks.

    Raises:
        UserError: The file is not such JSON lines, or a value in it is wrong.

    """
    try:
        raw = pl.read_ndjson(path, schema=SCHEMA)
    except pl.exceptions.PolarsError as error:
        fault = _first_fault(path) or f"is no readable JSON ({str(error).splitlines()[0]})"
        raise UserError(f"trace {path}: {fault}; correct it") from None
    table = raw.select(
        arrival_s=pl.col("timestamp") / 1e3, input_tokens=pl.col("input_length"), output_tokens=pl.col("output_length")
    )
    origin = Origin(
        path=path,
        columns=COLUMNS,
        place=lambda row: f"line {_line_of_row(path, row)}",
        text=lambda row, column: _text(raw[COLUMNS[column]][row]),
    )
    return trace_from_table(table, origin, _blocks(raw, origin), start_s, duration_s)


def _blocks(raw: pl.DataFrame, origin: Origin) -> PrefixBlocks | None:
    hashes, inputs = raw["hash_ids"], raw["input_length"]
    if hashes.is_null().all():
        return None
    lengths = hashes.list.len().fill_null(0).cast(pl.Int64)
    row = first_true((inputs >= 1) & (lengths > (inputs + BLOCK_TOKENS - 1) // BLOCK_TOKENS))
    if row is not None:
        raise UserError(
            f"trace {origin.path}: {origin.place(row)}: hash_ids has {lengths[row]} blocks for a prompt of"
            f" {inputs[row]} tokens; give one for every {BLOCK_TOKENS} tokens at most"
        )
    flat = hashes.filter(lengths > 0).explode()
    if flat.null_count():
        raise UserError(f"trace {origin.path}: {_first_fault(origin.path)}; correct it")
    return dense(lengths.to_numpy(), flat.to_numpy(), BLOCK_TOKENS)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, line


def _line_of_row(path: Path, row: int) -> int:
    return next(number for index, (number, _) in enumerate(_lines(path)) if index == row)


def _first_fault(path: Path) -> str | None:
    for number, line in _lines(path):
        try:
            request = json.loads(line.decode(errors="replace"))
        except json.JSONDecodeError as error:
            return f"line {number}, column {error.pos + 1}: is no JSON ({error.msg})"
        if not isinstance(request, dict):
            return f"line {number}: is no JSON object"
        for key in COLUMNS.values():
            kind, wanted = ((int, float), "a number") if key == "timestamp" else (int, "a whole number")
            value = request.get(key)
            is_number = isinstance(value, kind) and not isinstance(value, bool) and math.isfinite(value)
            if not (is_number or value is None):
                return f"line {number}: {key} is {json.dumps(value)}, not {wanted}"
        hashes = request.get("hash_ids")
        if not (hashes is None or (isinstance(hashes, list) and all(_is_hash(value) for value in hashes))):
            return f"line {number}: hash_ids is not a list of whole numbers of 64 bits"
    return None


def _is_hash(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _text(value: object) -> str:
    return "missing" if value is None else str(value)
