"""How far the engine model is from measured hardware.

Two things the measurements leave open are assumed. The precision of the KV cache is what vLLM takes by default, the
checkpoint's own: FP8 for NVIDIA's FP8 checkpoints, which declare it, and bf16 otherwise, except where a row serves
more sequences at once than a bf16 cache could hold. And the scheduler's limits are vLLM's defaults for the GPU.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

from wva.engine.build import build_server
from wva.engine.closed_loop import closed_loop
from wva.engine.measurements import Measurement, read_measurements
from wva.engine.mix import RequestMix
from wva.engine.server import Server
from wva.fleet.catalogue import accelerator, packaged_models
from wva.fleet.errors import UserError

LEAST_OUTPUT_TOKENS = 500
"""Shorter answers spend most of a closed loop on prompts; their TPOT says little of decoding and is not judged."""

QUEUEING_CLIENTS = 512
"""Clients from which published rows measure the queue in front of the engine: first tokens after 20 s, TPOT of 5 ms."""

ACCELERATORS = {"a100_sxm": "A100-80GB", "h100_sxm": "H100-80GB", "h200_sxm": "H200", "b200_sxm": "B200"}
"""The measurements' names of GPUs in the catalogue."""

SHAPES = {
    "meta-llama/Llama-3.1-70B": "meta-llama/Llama-3.1-70B-Instruct",
    "nvidia/Llama-3.1-8B-Instruct-FP8": "meta-llama/Llama-3.1-8B-Instruct",
    "Qwen/Qwen3-235B-A22B-FP8": "Qwen/Qwen3-235B-A22B",
}
"""Checkpoints of a shape that the catalogue has under another name."""

_FP8_KV = {("nvidia/Llama-3.1-8B-Instruct-FP8", "*", 0), ("meta-llama/Llama-3.1-70B", "h200_sxm", 1)}
"""Deployments (checkpoint, system, tensor parallelism; ``*`` and 0 for any) that kept FP8 keys and values. On one H200
the 70B model ran 32 requests of 8,700 tokens without queueing; in bf16 fewer than 25 fit."""


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """A measurement beside what the model says."""

    measurement: Measurement
    shape: str
    accelerator: str
    ttft_s: float
    tpot_s: float

    @property
    def judged(self) -> bool:
        """Whether its TPOT counts: the answer is long enough."""
        return self.measurement.output_tokens >= LEAST_OUTPUT_TOKENS

    @property
    def tpot_error(self) -> float:
        """Relative error of the time per output token; negative when the model is too fast."""
        return self.tpot_s / self.measurement.tpot_s - 1.0

    @property
    def ttft_error(self) -> float:
        """Relative error of the time to first token; negative when the model is too fast."""
        return self.ttft_s / self.measurement.ttft_s - 1.0


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors over a group of rows, in percent."""

    rows: int
    """Rows in the group."""
    tpot_rows: int
    """Rows whose TPOT is judged."""
    median_abs_tpot: float | None
    """Median of the absolute TPOT error; ``None`` without a judged row."""
    mean_abs_tpot: float | None
    bias_tpot: float | None
    """Median of the signed TPOT error; negative when the model is too fast."""
    median_abs_ttft: float
    """Median of the absolute TTFT error."""


@dataclass(frozen=True, slots=True)
class Check:
    """The model against a file of measurements."""

    rows: tuple[CheckedRow, ...]
    left_out: dict[str, int]
    """Rows that were not compared, by reason."""

    def overall(self) -> Errors:
        """Errors over all compared rows."""
        return _errors(self.rows)

    def by(self, key: Callable[[CheckedRow], str]) -> dict[str, Errors]:
        """Errors of the groups that a key makes, in order of the key."""
        keys = sorted({key(row) for row in self.rows})
        return {name: _errors([row for row in self.rows if key(row) == name]) for name in keys}


def check(path: Path) -> Check:
    """Compare the engine model with every row of a file that it covers.

    Raises ``UserError`` when the file cannot be used, or not one of its rows is covered.
    """
    compared: list[CheckedRow] = []
    left_out: Counter[str] = Counter()
    for row in read_measurements(path):
        reason = _not_covered(row)
        if reason is not None:
            left_out[reason] += 1
            continue
        try:
            compared.append(_compare(row))
        except UserError as error:
            left_out[str(error)] += 1
    if not compared:
        raise UserError(f"{path}: no row has a model and a GPU of the catalogue")
    return Check(tuple(compared), dict(sorted(left_out.items())))


def _not_covered(row: Measurement) -> str | None:
    if _shape_name(row) not in packaged_models():
        return f"{row.model}: no shape in the catalogue"
    if row.system not in ACCELERATORS:
        return f"{row.system}: not in the catalogue"
    if row.disaggregated:
        return f"{row.model}: prefill and decode on different engines"
    if not 1 <= row.concurrency < QUEUEING_CLIENTS:
        return f"{row.model}: {row.concurrency} clients"
    experts = packaged_models()[_shape_name(row)].experts
    split_otherwise = row.expert_parallel > 1 or row.expert_tensor_parallel != row.tensor_parallel
    if row.attention_data_parallel > 1 or (experts and split_otherwise):
        return f"{row.model}: expert or data parallelism"
    return None


def _compare(row: Measurement) -> CheckedRow:
    name = ACCELERATORS[row.system]
    server = _server(_shape_name(row), name, row.tensor_parallel, row.precision, _kv_precision(row))
    latency = closed_loop(server, RequestMix(row.input_tokens, row.output_tokens), row.concurrency)
    return CheckedRow(row, _shape_name(row), name, latency.ttft_s, latency.tpot_s)


@cache
def _server(shape: str, gpu: str, tensor_parallel: int, precision: str, kv_precision: str) -> Server:
    return build_server(
        packaged_models()[shape], accelerator(gpu), tensor_parallel, precision, kv_precision=kv_precision
    )


def _shape_name(row: Measurement) -> str:
    return SHAPES.get(row.model, row.model)


def _kv_precision(row: Measurement) -> str:
    deployments = {(row.model, "*", 0), (row.model, row.system, row.tensor_parallel)}
    return "fp8" if deployments & _FP8_KV else "bf16"


def _errors(rows: Iterable[CheckedRow]) -> Errors:
    rows = list(rows)
    tpot = [100.0 * row.tpot_error for row in rows if row.judged]
    sizes = [abs(error) for error in tpot]
    return Errors(
        rows=len(rows),
        tpot_rows=len(tpot),
        median_abs_tpot=median(sizes) if sizes else None,
        mean_abs_tpot=sum(sizes) / len(sizes) if sizes else None,
        bias_tpot=median(tpot) if tpot else None,
        median_abs_ttft=median(abs(100.0 * row.ttft_error) for row in rows),
    )
