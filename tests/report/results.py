"""Runs made by hand: requests as rows, of a model that promises a TTFT of 2 s and 100 ms per token."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wva.engine.batch.state import COMPLETED, NONE, PICOSECONDS, REQUEST
from wva.fleet.model import Model, Objectives
from wva.fleet.variant import EngineArguments, Role, Variant
from wva.simulate.result import RunResult, Timeline, VariantUse

MODEL = Model("llama", "default", "llama-8b", "bf16", Objectives(ttft_s=2.0, tpot_s=0.1), 0)
SLOW_MODEL = Model("qwen", "default", "qwen-32b", "bf16", Objectives(ttft_s=10.0, tpot_s=1.0), 0)
A100 = Variant("a100", "llama", Role.BOTH, "A100-80GB", 1, EngineArguments(), 1.8, 1, 8, 110.0)
H100 = Variant("h100", "llama", Role.BOTH, "H100-80GB", 2, EngineArguments(), 6.0, 1, 8, 110.0)

Row = tuple[float, float | None, float, int]
"""Arrival, first token and end in seconds, and tokens of the answer."""


def requests(*rows: Row, status: int = COMPLETED, model: int = 0, wanted: int | None = None) -> NDArray[Any]:
    """Requests that ended with ``status``; ``wanted`` tokens were asked for, by default as many as were produced."""
    records = np.zeros(len(rows), REQUEST)
    for record, (arrival, first, finish, tokens) in zip(records, rows, strict=True):
        record["arrival"] = picoseconds(arrival)
        record["first_token"] = NONE if first is None else picoseconds(first)
        record["finish"] = picoseconds(finish)
        record["produced"] = tokens
        record["output"] = wanted or tokens
        record["input"] = 100
        record["status"] = status
        record["model"] = model
    return records


def picoseconds(seconds: float) -> int:
    return round(seconds * PICOSECONDS)


def run(
    *parts: NDArray[Any],
    models: Sequence[Model] = (MODEL,),
    window_s: float = 1000.0,
    decision_s: Sequence[float] = (0.001, 0.003),
    attainable: int | None = None,
) -> RunResult:
    """A run of 8 hours of an A100 (6 of them ready) and 2 hours of two H100 (1 ready)."""
    records = np.concatenate(parts)
    records = records[np.argsort(records["arrival"], kind="stable")]
    return RunResult(
        policy="static",
        seed=7,
        models=tuple(models),
        variants=(A100, H100),
        window_s=window_s,
        end_s=window_s + 10,
        requests=records,
        attainable=np.arange(len(records)) < (len(records) if attainable is None else attainable),
        use=(VariantUse(8.0, 6.0, 3, 1), VariantUse(2.0, 1.0, 1, 2)),
        timeline=Timeline(
            np.array([5.0, 20.0]), np.ones((2, 2, 4), np.int32), np.zeros((2, len(models))), np.zeros((2, len(models)))
        ),
        decision_s=np.array(decision_s),
        wall_s=2.0,
    )
