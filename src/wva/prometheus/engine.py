"""What is known of one engine instance, from its samples."""

import math
from collections.abc import Sequence

from wva.fleet.readings import InstanceReading
from wva.fleet.replica import InstanceMetrics
from wva.prometheus.families import ENGINE_GAUGES, EngineColumn
from wva.prometheus.history import LONG_S, SHORT_S, History


class Engine:
    """The newest samples of one instance, however they were had."""

    def __init__(self) -> None:
        self._history = History(ENGINE_GAUGES, len(EngineColumn) - ENGINE_GAUGES)
        self.believed = False
        """Whether its newest sample can be so."""
        self.kv_capacity_tokens: int | None = None
        """As last reported."""

    @property
    def time(self) -> float | None:
        """When the newest sample was taken; ``None`` without any."""
        return self._history.time

    def add(self, time: float, columns: Sequence[float]) -> None:
        """Take a sample in, unless it is not newer than the newest."""
        if self._history.add(time, columns):
            # An engine knows how many requests are running, so a sample without that number is of none.
            self.believed = not math.isnan(columns[EngineColumn.RUNNING])

    def disbelieve(self) -> None:
        """Call its metrics unknown until the next sample: what it last said cannot be so."""
        self.believed = False

    def reading(self, now: float) -> InstanceReading:
        """What it says, as old as it is at ``now``."""
        time = self._history.time
        if time is None or not self.believed:
            return InstanceReading(None, self.kv_capacity_tokens)
        return InstanceReading(_metrics(self._history, max(0.0, now - time)), self.kv_capacity_tokens)


def _metrics(history: History, age_s: float) -> InstanceMetrics:
    of = EngineColumn
    return InstanceMetrics(
        age_s=age_s,
        running=history.value(of.RUNNING),
        waiting=history.value(of.WAITING),
        kv_usage=history.value(of.KV_USAGE),
        waiting_max_1m=history.maximum(of.WAITING, SHORT_S),
        kv_usage_max_1m=history.maximum(of.KV_USAGE, SHORT_S),
        prompt_tokens_total=history.value(of.PROMPT_TOKENS),
        generation_tokens_total=history.value(of.GENERATION_TOKENS),
        requests_finished_total=history.value(of.FINISHED),
        preemptions_total=history.value(of.PREEMPTIONS),
        prompt_tokens_rate_5m=history.rate(of.PROMPT_TOKENS, LONG_S),
        generation_tokens_rate_5m=history.rate(of.GENERATION_TOKENS, LONG_S),
        requests_finished_rate_5m=history.rate(of.FINISHED, LONG_S),
        preemptions_rate_5m=history.rate(of.PREEMPTIONS, LONG_S),
        input_tokens_mean_5m=history.ratio(of.INPUT_SUM, of.FINISHED, LONG_S),
        output_tokens_mean_5m=history.ratio(of.OUTPUT_SUM, of.FINISHED, LONG_S),
        prefix_hit_rate_5m=history.ratio(of.PREFIX_HITS, of.PREFIX_QUERIES, LONG_S),
        ttft_mean_5m_s=history.ratio(of.TTFT_SUM, of.TTFT_COUNT, LONG_S),
        inter_token_mean_5m_s=history.ratio(of.INTER_TOKEN_SUM, of.INTER_TOKEN_COUNT, LONG_S),
    )
