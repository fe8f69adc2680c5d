"""From a model shape and an accelerator to the model server that batching works on."""

from wva.engine.limits import engine_limits
from wva.engine.memory import kv_blocks, longest_sequence, window_blocks
from wva.engine.power import server_power
from wva.engine.server import Server
from wva.engine.step_time import check_parallelism, step_time
from wva.fleet.accelerator import Accelerator
from wva.fleet.shape import ModelShape
from wva.fleet.variant import EngineArguments


def build_server(
    shape: ModelShape,
    accelerator: Accelerator,
    tensor_parallel: int = 1,
    precision: str = "bf16",
    arguments: EngineArguments | None = None,
    *,
    kv_precision: str = "bf16",
) -> Server:
    """One engine that serves the model on ``tensor_parallel`` GPUs, with vLLM's defaults where the arguments give none.

    ``max_model_len`` is the model's, or as much of it as one sequence with the whole KV cache to itself can have.

    Raises ``UserError`` when the model does not fit, the parallelism does not divide its heads, a precision is
    unknown, or the arguments contradict each other.
    """
    check_parallelism(shape, tensor_parallel)
    arguments = arguments or EngineArguments()
    limits = engine_limits(accelerator, arguments)
    utilization = arguments.gpu_memory_utilization
    blocks = kv_blocks(shape, accelerator, tensor_parallel, precision, limits, kv_precision, utilization)
    held_by_window = window_blocks(shape)
    return Server(
        step=step_time(shape, accelerator, tensor_parallel, precision, limits.max_num_batched_tokens, kv_precision),
        kv_blocks=blocks,
        window=shape.window if shape.window_layers else 0,
        window_blocks=held_by_window,
        max_num_seqs=limits.max_num_seqs,
        max_num_batched_tokens=limits.max_num_batched_tokens,
        max_model_len=min(shape.max_model_len, longest_sequence(blocks, held_by_window)),
        power=server_power(accelerator, tensor_parallel),
    )
