"""What one replica of each variant gives at the objectives, for the mix of requests that it gets now."""

import math
from dataclasses import dataclass
from functools import lru_cache

from wva.decide.weights import Weights
from wva.engine.build import build_server
from wva.engine.capacity import Binding, Capacity, sustainable
from wva.engine.engine_time import decode_step_s, prompt_s
from wva.engine.mix import RequestMix
from wva.engine.server import BLOCK_TOKENS, Server
from wva.fleet.catalogue import accelerator, model_shape
from wva.fleet.errors import UserError
from wva.fleet.model import Model, Objectives
from wva.fleet.variant import EngineArguments, Variant

TPOT_DEVIATIONS = 2.0
"""Standard deviations of a request's own TPOT that stay within the objective."""

FOUND_UNDER_WAY = 2.0
"""Times the mean length of a prompt that an arriving one finds under way: long ones are so for longer. This is what it
is where lengths vary as much as they are long."""


@dataclass(frozen=True, slots=True)
class ReplicaCapacity:
    """One replica of a variant."""

    requests_per_s: float
    """Mean requests per second at which most requests keep the objectives; 0 when it cannot keep them at all."""
    kv_tokens: float
    """Tokens that its KV cache holds."""
    residence_s: float
    """Seconds that a mean request is in flight at that rate."""
    binding: Binding
    """What limits it."""
    prompt_share: float
    """Part of a mean request's engine time that goes by the tokens of its prompt."""
    long_prompt: float
    """Engine time of the prompt that an arriving one finds under way on average, in parts of the TTFT objective."""


@lru_cache(maxsize=256)
def _server(shape: str, device: str, tensor_parallel: int, precision: str, arguments: EngineArguments) -> Server | None:
    try:
        return build_server(model_shape(shape), accelerator(device), tensor_parallel, precision, arguments)
    except UserError:
        return None


def prior_server(model: Model, variant: Variant) -> Server | None:
    """The engine model of a variant; ``None`` when the catalogue does not know it or it does not fit."""
    return _server(model.shape, variant.accelerator, variant.tensor_parallel, model.precision, variant.engine)


def replica_capacity(model: Model, variant: Variant, mix: RequestMix, slowness: float) -> ReplicaCapacity | None:
    """Capacity from the engine model, corrected by what was measured; ``None`` without an engine model.

    An engine that takes ``slowness`` times as long for everything keeps the objectives at the rate at which the
    engine model keeps objectives that are as much tighter, over ``slowness``.
    """
    server = prior_server(model, variant)
    if server is None:
        return None
    objectives = Objectives(model.objectives.ttft_s / slowness, model.objectives.tpot_s / slowness)
    capacity = _capacity_for_most(server, mix, objectives)
    batch = max(1, round(capacity.batch))
    prompt = prompt_s(server, mix.computed_tokens, mix.cached_tokens, batch)
    whole = prompt + mix.decode_steps * decode_step_s(server, batch, mix.mean_context) / batch
    long = prompt_s(server, round(FOUND_UNDER_WAY * mix.computed_tokens), mix.cached_tokens, batch)
    return ReplicaCapacity(
        requests_per_s=capacity.requests_per_s / slowness,
        kv_tokens=server.kv_blocks * BLOCK_TOKENS,
        residence_s=slowness * (capacity.ttft_s + mix.decode_steps * capacity.tpot_s),
        binding=capacity.binding,
        prompt_share=min(1.0, prompt / whole) if whole > 0.0 else 1.0,
        long_prompt=long / objectives.ttft_s,
    )


def _capacity_for_most(server: Server, mix: RequestMix, objectives: Objectives) -> Capacity:
    """The largest rate at which most requests keep the objectives, not only the mean one.

    While a request decodes for a residence ``D * tpot``, about ``rate * D * tpot`` prompts of others come in between,
    each for ``p`` seconds. Their number is Poisson and their lengths vary about as much as they are long, so the
    standard deviation of the request's own TPOT is ``p * sqrt(2 * rate / (D * tpot))`` of its mean. Long answers
    average that out; short ones among long prompts do not.
    """
    capacity = sustainable(server, mix, objectives)
    steps = mix.decode_steps
    if capacity.requests_per_s <= 0.0 or steps < 1.0 or capacity.tpot_s <= 0.0:
        return capacity
    prompt = prompt_s(server, mix.computed_tokens, mix.cached_tokens, max(1, round(capacity.batch)))
    deviation = prompt * math.sqrt(2.0 * capacity.requests_per_s / (steps * capacity.tpot_s))
    stricter = Objectives(objectives.ttft_s, objectives.tpot_s / (1.0 + TPOT_DEVIATIONS * deviation))
    return capacity if capacity.tpot_s <= stricter.tpot_s else sustainable(server, mix, stricter)


def weights_of(capacity: ReplicaCapacity, mix: RequestMix) -> Weights:
    """How requests of other lengths count, by the engine time of the given variant."""
    return Weights(capacity.prompt_share, mix.input_tokens)
