"""What is counted when a request comes to its first token and to its end."""

import time
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram

from wva.emulator.engine import INTER_TOKEN_BOUNDS_S, Times
from wva.emulator.metrics.buckets import PARAMS_N, PREEMPTIONS, REQUEST_S, TTFT_S, token_bounds
from wva.engine.batch.state import PICOSECONDS

FINISHED_REASONS = ("stop", "length", "abort", "error", "repetition")
REJECTIONS = ("max_num_queued_reqs", "max_num_queued_tokens")


class RequestMetrics:
    """Families with a value a request.

    One that the server itself aborts or that fails is in all of them, as in vLLM, with its last step at that moment;
    one whose client has left is in none but those of its first token. Left out is that vLLM counts such an end as one
    more step, without tokens, and as one more time between tokens.
    """

    def __init__(self, registry: CollectorRegistry, model: str, engine: str, max_model_len: int) -> None:
        """Register the families, at zero."""
        tokens = token_bounds(max_model_len)
        labels = {"model_name": model, "engine": engine}

        def histogram(name: str, help_text: str, buckets: Sequence[float]) -> Histogram:
            family = Histogram(f"vllm:{name}", help_text, [*labels], buckets=buckets, registry=registry)
            return family.labels(**labels)

        def seconds(name: str, phase: str) -> Histogram:
            help_text = f"Histogram of time spent in {phase} phase for request."
            return histogram(f"request_{name}_time_seconds", help_text, REQUEST_S)

        success = Counter(
            "vllm:request_success",
            "Count of successfully processed requests.",
            [*labels, "finished_reason"],
            registry=registry,
        )
        self._success = {why: success.labels(**labels, finished_reason=why) for why in FINISHED_REASONS}
        rejections = Counter(
            "vllm:admission_rejections",
            "Number of admission attempts rejected by a queue limit, by reason.",
            ["model_name", "reason"],
            registry=registry,
        )
        self._rejections = {why: rejections.labels(model_name=model, reason=why) for why in REJECTIONS}
        self._prompt = histogram("request_prompt_tokens", "Number of prefill tokens processed.", tokens)
        self._generation = histogram("request_generation_tokens", "Number of generation tokens processed.", tokens)
        self._longest = histogram(
            "request_max_num_generation_tokens", "Histogram of maximum number of requested generation tokens.", tokens
        )
        self._n = histogram("request_params_n", "Histogram of the n request parameter.", PARAMS_N)
        self._max_tokens = histogram(
            "request_params_max_tokens", "Histogram of the max_tokens request parameter.", tokens
        )
        self._ttft = histogram("time_to_first_token_seconds", "Histogram of time to first token in seconds.", TTFT_S)
        self._tpot = histogram(
            "request_time_per_output_token_seconds",
            "Histogram of time_per_output_token_seconds per request.",
            INTER_TOKEN_BOUNDS_S,
        )
        self._whole = histogram(
            "e2e_request_latency_seconds", "Histogram of e2e request latency in seconds.", REQUEST_S
        )
        self._queue = seconds("queue", "WAITING")
        self._inference = seconds("inference", "RUNNING")
        self._prefill = seconds("prefill", "PREFILL")
        self._decode = seconds("decode", "DECODE")
        self._preemptions = histogram(
            "request_num_preemptions", "Histogram of the number of times a request was preempted.", PREEMPTIONS
        )
        self._computed = histogram(
            "request_prefill_kv_computed_tokens",
            "Histogram of new KV tokens computed during prefill (excluding cached tokens).",
            tokens,
        )
        self.cached_tokens = 0
        """Prompt tokens that came from the prefix cache, of sequences that have a first token."""

    def first_token(self, times: Times) -> None:
        """A sequence has its first token."""
        self._ttft.observe((times.first_token - times.arrival) / PICOSECONDS)
        self.cached_tokens += times.cached_tokens

    def finished(self, reason: str, prompt_tokens: int, tokens: int, max_tokens: int, times: Times) -> None:
        """A sequence has ended with so many tokens: its whole answer, or what it had when it was given up."""
        whole_s = (times.finish - times.arrival) / PICOSECONDS
        self._success[reason].inc()
        self._whole.observe(whole_s)
        if times.first_token < 0:
            self._without_token(whole_s)
        else:
            decode_s = (times.finish - times.first_token) / PICOSECONDS
            self._queue.observe((times.scheduled - times.arrival) / PICOSECONDS)
            self._prefill.observe((times.first_token - times.scheduled) / PICOSECONDS)
            self._inference.observe((times.finish - times.scheduled) / PICOSECONDS)
            self._decode.observe(decode_s)
            self._tpot.observe(decode_s / (tokens - 1) if tokens > 1 else 0.0)
        self._prompt.observe(prompt_tokens)
        self._generation.observe(tokens)
        self._max_tokens.observe(max_tokens)
        self._preemptions.observe(times.preemptions)
        self._computed.observe(prompt_tokens - times.cached_tokens)

    def answered(self, n: int, tokens: Sequence[int]) -> None:
        """All of a request's answers have ended, ``n`` to each prompt, with so many tokens."""
        for begin in range(0, len(tokens), n):
            self._n.observe(n)
            self._longest.observe(max(tokens[begin : begin + n]))

    def _without_token(self, whole_s: float) -> None:
        """The times of a sequence that was given up before its first token.

        vLLM takes the end for the first token, and does not know when the sequence was queued and scheduled: it counts
        nothing as the time before, and from the start of the host as the time after.
        """
        self._ttft.observe(whole_s)
        self._queue.observe(0.0)
        self._decode.observe(0.0)
        self._tpot.observe(0.0)
        uptime_s = time.monotonic()
        self._prefill.observe(uptime_s)
        self._inference.observe(uptime_s)

    def rejected(self, reason: str) -> None:
        """A request was refused at an admission limit."""
        self._rejections[reason].inc()
