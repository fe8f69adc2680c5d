"""The load loop: a replica more or less by the state of every engine, in the manner of ``load_scaling.py``."""

from dataclasses import dataclass

from wva.engine.server import Server
from wva.fleet.model import Objectives
from wva.policies.dynamo.config import OptimizationTarget, PlannerConfig
from wva.policies.dynamo.engines import Engines
from wva.policies.dynamo.perf_model import Numbers, decode_s, discounted, max_kv_tokens, prefill_s

_THRESHOLDS = {OptimizationTarget.THROUGHPUT: (1.0, 0.6), OptimizationTarget.LATENCY: (0.4, 0.1)}
"""Parts of the KV cache above which any engine calls for one more, and below which all of them allow one fewer."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What the performance model takes for granted of the next request and the next pass."""

    isl: float
    """Tokens of a prompt."""
    kv_hit_rate: float | None
    """Part of it found in the prefix cache, 0 to 1."""
    prefill_tokens: float
    """Prompt tokens that a pass computes beside decoding."""
    decode_kv: float
    """Tokens that a decoding request holds; 0 where none decodes."""


@dataclass(frozen=True, slots=True)
class Step:
    """What the loop wants, in one step."""

    change: int
    """1, 0 or -1 replicas."""
    why: str
    """The figures that say so."""


def by_kv_cache(config: PlannerConfig, server: Server, engines: Engines, workers: int) -> Step:
    """By the part of the KV cache that is in use or waited for; the other targets than ``sla``.

    The last of the ``workers`` stays.
    """
    capacity = max_kv_tokens(server)
    used = (engines.decode_kv + engines.queued_prefill) / capacity
    low, high = used.min(), used.max()
    if config.optimization_target is OptimizationTarget.LOAD:
        assert config.decode_scale_up_kv_rate is not None
        assert config.decode_scale_down_kv_rate is not None
        up, down = config.decode_scale_up_kv_rate / 100.0, config.decode_scale_down_kv_rate / 100.0
        change = 1 if high >= up else -1 if high <= down else 0
    else:
        up, down = _THRESHOLDS[config.optimization_target]
        change = 1 if high > up else -1 if high < down else 0
    if workers < 2:
        change = max(change, 0)
    told = f"KV caches are used and waited for by {low:.0%} to {high:.0%}, with {down:.0%} to {up:.0%} to keep to"
    return Step(change, told)


def by_latency(
    config: PlannerConfig, server: Server, engines: Engines, workers: int, usual: Usual, objectives: Objectives
) -> Step:
    """By the latencies that are to be expected of every engine now, and after one of the ``workers`` is gone.

    One more where all engines would miss an objective. One fewer where the others, with the work of the one that goes,
    would be left well within both objectives and the KV cache.
    """
    ttft = _ttft_s(server, usual, engines, 1.0, 1.0)
    itl = _itl_s(server, usual, engines.decode_requests, engines.decode_kv)
    told = (
        f"engines are expected at a TTFT of {ttft.min():.2g} to {ttft.max():.2g} s, with {objectives.ttft_s:g} s to "
        f"keep, and {1e3 * itl.min():.3g} to {1e3 * itl.max():.3g} ms a token, with {1e3 * objectives.tpot_s:g} ms"
    )
    if ttft.min() > objectives.ttft_s or itl.min() > objectives.tpot_s:
        return Step(1, told)
    if workers < 2:
        return Step(0, told)
    spread = workers / (workers - 1)
    share = config.load_scaling_down_sensitivity / 100.0
    veto = _veto(server, usual, engines, spread, share, objectives)
    return Step(-1, told) if veto is None else Step(0, f"{told}; one fewer would {veto}")


def _veto(
    server: Server, usual: Usual, engines: Engines, spread: float, share: float, objectives: Objectives
) -> str | None:
    """What an engine would come to with ``spread`` times its work, if that forbids to shrink."""
    own = _ttft_s(server, usual, engines, 0.0, spread)
    queue = _ttft_s(server, usual, engines, spread, spread) - own
    if (queue >= (objectives.ttft_s - own) * share).any():
        return "leave the queue too little of the objective of TTFT"
    # What waits will be in the cache, too.
    kv = spread * (engines.decode_kv + engines.queued_prefill)
    if kv.max() >= max_kv_tokens(server):
        return "fill a KV cache"
    itl = _itl_s(server, usual, spread * (engines.decode_requests + engines.queued_requests), kv)
    if itl.max() >= share * objectives.tpot_s:
        return f"come to {share:.0%} of the objective of time per output token"
    return None


def _ttft_s(server: Server, usual: Usual, engines: Engines, queue: float, decode: float) -> Numbers:
    """Time to first token of the next request, behind ``queue`` times what waits and ``decode`` times what decodes."""
    tokens = discounted(queue * engines.queued_prefill + usual.isl, usual.kv_hit_rate)
    return prefill_s(server, tokens, decode * engines.decode_requests, decode * engines.decode_kv)


def _itl_s(server: Server, usual: Usual, requests: Numbers, kv: Numbers) -> Numbers:
    """Time between tokens once the next request decodes, too."""
    one_more = 1.0 if usual.decode_kv else 0.0
    return decode_s(server, usual.prefill_tokens, requests + one_more, kv + usual.decode_kv)
