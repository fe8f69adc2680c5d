"""Latencies measured on real hardware, as NVIDIA's aiconfigurator publishes them in CSV."""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wva.fleet.errors import UserError

_COLUMNS = (
    "model_path",
    "system",
    "precision",
    "mode",
    "isl",
    "osl",
    "batch_size",
    "tp_size",
    "attention_dp_size",
    "moe_tp_size",
    "moe_ep_size",
    "silicon_ttft_ms",
    "silicon_tpot_ms",
)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One row: a closed loop of ``concurrency`` clients against one deployment."""

    model: str
    """Checkpoint that was served, a Hugging Face id."""
    system: str
    """The source's name for the GPU, for example ``h100_sxm``."""
    precision: str
    """Of the weights; bf16 where the row leaves it out."""
    disaggregated: bool
    """Whether prefill and decode ran on different engines."""
    input_tokens: int
    output_tokens: int
    concurrency: int
    """Requests in flight at any time; 0 where the row leaves it out."""
    tensor_parallel: int
    attention_data_parallel: int
    """Engines that the attention was replicated over; 1 where the row leaves it out."""
    expert_tensor_parallel: int
    """GPUs that each expert was split over; 0 where the row leaves it out."""
    expert_parallel: int
    """GPUs that the experts were spread over; 1 where the row leaves it out."""
    ttft_s: float
    tpot_s: float


def read_measurements(path: Path) -> list[Measurement]:
    """The rows of a file, each configuration once: a repeated row would count for more than others.

    Raises ``UserError`` when the file cannot be read, a column is missing, or a cell is not a positive number.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = [column for column in _COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise UserError(f"{path}: no column {missing[0]!r}; is this a file of measured latencies?")
            rows = [_measurement(row, f"{path}, line {reader.line_num}") for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read: {error}") from error
    if not rows:
        raise UserError(f"{path}: has no rows")
    return list({_configuration(row): row for row in reversed(rows)}.values())[::-1]


def _configuration(row: Measurement) -> tuple[str | int, ...]:
    return (
        row.model,
        row.system,
        row.precision,
        row.disaggregated,
        row.input_tokens,
        row.output_tokens,
        row.concurrency,
        row.tensor_parallel,
        row.attention_data_parallel,
        row.expert_tensor_parallel,
        row.expert_parallel,
    )


def _measurement(row: Mapping[str, str | None], where: str) -> Measurement:
    return Measurement(
        model=row["model_path"] or "",
        system=row["system"] or "",
        precision=row["precision"] or "bf16",
        disaggregated=row["mode"] == "disagg",
        input_tokens=int(_number(row, "isl", where)),
        output_tokens=int(_number(row, "osl", where)),
        concurrency=int(_number(row, "batch_size", where, absent=0.0)),
        tensor_parallel=int(_number(row, "tp_size", where, absent=1.0)),
        attention_data_parallel=int(_number(row, "attention_dp_size", where, absent=1.0)),
        expert_tensor_parallel=int(_number(row, "moe_tp_size", where, absent=0.0)),
        expert_parallel=int(_number(row, "moe_ep_size", where, absent=1.0)),
        ttft_s=_number(row, "silicon_ttft_ms", where) / 1e3,
        tpot_s=_number(row, "silicon_tpot_ms", where) / 1e3,
    )


def _number(row: Mapping[str, str | None], column: str, where: str, absent: float | None = None) -> float:
    text = row[column]
    if not text and absent is not None:
        return absent
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0.0 or (absent is None and value == 0.0):
        raise UserError(f"{where}: column {column!r} has {text!r}, not a positive number")
    return value
