"""The requests of all models, in one order of arrival."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wva.engine.batch.state import PICOSECONDS
from wva.workload.blocks import PrefixBlocks, concatenate, without_blocks
from wva.workload.trace import Trace


@dataclass(frozen=True, slots=True, eq=False)
class Workload:
    """Everything that a fleet is asked for in one run: columns of one length, each contiguous and writable."""

    arrival_ps: NDArray[np.int64]
    """Picoseconds since the start of the run, ascending, each before the end of the window."""
    model: NDArray[np.int16]
    """Index into ``models``."""
    input_tokens: NDArray[np.int32]
    """Tokens of each prompt, at least 1."""
    output_tokens: NDArray[np.int32]
    """Tokens of each answer, at least 1."""
    blocks: PrefixBlocks | None
    """Prefix blocks of each prompt; ``None`` where no trace has any."""
    models: tuple[str, ...]
    """Names of the models; one may have no request."""
    window_s: float
    """Length of the longest trace in seconds."""

    def __len__(self) -> int:
        return len(self.arrival_ps)


def merge(models: Sequence[str], parts: Sequence[tuple[str, Trace]]) -> Workload:
    """Merge traces, each with the name of the model it asks for; ties go by the order of the parts.

    Raises:
        UserError: The traces' prefix blocks differ in size.

    """
    names, traces = tuple(models), [trace for _, trace in parts]
    arrivals = np.concatenate([_picoseconds(trace) for trace in traces])
    model = np.repeat(np.array([names.index(name) for name, _ in parts], np.int16), [len(trace) for trace in traces])
    inputs = np.concatenate([trace.input_tokens for trace in traces])
    outputs = np.concatenate([trace.output_tokens for trace in traces])
    blocks = _blocks(traces)
    if len(traces) > 1:
        order = np.argsort(arrivals, kind="stable")
        arrivals, model, inputs, outputs = arrivals[order], model[order], inputs[order], outputs[order]
        blocks = None if blocks is None else blocks.take(order)
    window_s = max(trace.duration_s for trace in traces)
    return Workload(arrivals, model, inputs, outputs, blocks, names, window_s)


def _picoseconds(trace: Trace) -> NDArray[np.int64]:
    arrivals = np.rint(trace.arrival_s * PICOSECONDS).astype(np.int64)
    return np.minimum(arrivals, round(trace.duration_s * PICOSECONDS) - 1, out=arrivals)


def _blocks(traces: Sequence[Trace]) -> PrefixBlocks | None:
    tokens = next((trace.blocks.tokens for trace in traces if trace.blocks is not None), None)
    if tokens is None:
        return None
    return concatenate(
        [without_blocks(len(trace), tokens) if trace.blocks is None else trace.blocks for trace in traces]
    )
