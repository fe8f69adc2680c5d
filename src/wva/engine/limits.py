"""The scheduler's limits: vLLM's defaults by device, and what the user's arguments make of them."""

from dataclasses import dataclass

from wva.fleet.accelerator import Accelerator
from wva.fleet.errors import UserError
from wva.fleet.variant import EngineArguments

_GIB = 2**30


@dataclass(frozen=True, slots=True)
class Limits:
    """What one step may hold at most."""

    max_num_seqs: int
    """Sequences in one batch."""
    max_num_batched_tokens: int
    """Tokens in one step, decode and chunked prefill together."""


def default_limits(accelerator: Accelerator) -> Limits:
    """Defaults of ``vllm serve`` 0.32: by memory, and an A100 counts as a small device."""
    if accelerator.memory_bytes >= 160 * _GIB:
        return Limits(max_num_seqs=1024, max_num_batched_tokens=16384)
    if accelerator.memory_bytes >= 70 * _GIB and "a100" not in accelerator.name.lower():
        return Limits(max_num_seqs=1024, max_num_batched_tokens=8192)
    return Limits(max_num_seqs=256, max_num_batched_tokens=2048)


def engine_limits(accelerator: Accelerator, arguments: EngineArguments) -> Limits:
    """The limits that these arguments give on this device.

    Raises ``UserError`` when a limit is below 1, or the batch may hold more sequences than a step may hold
    tokens.
    """
    default = default_limits(accelerator)
    seqs = default.max_num_seqs if arguments.max_num_seqs is None else arguments.max_num_seqs
    tokens = arguments.max_num_batched_tokens
    tokens = default.max_num_batched_tokens if tokens is None else tokens
    if seqs < 1 or tokens < 1:
        raise UserError(f"max_num_seqs {seqs} and max_num_batched_tokens {tokens} must be at least 1")
    if seqs > tokens:
        raise UserError(
            f"max_num_seqs {seqs} is above max_num_batched_tokens {tokens}; a step could not serve the batch"
        )
    return Limits(max_num_seqs=seqs, max_num_batched_tokens=tokens)
