"""How many KV tokens a replica takes, and how many are asked of it: the token analyzer's view of one instance.

As the reference does it in ``internal/engines/analyzers/saturation_v2`` of August 2026. A replica's room is the lesser
of k1, which its memory bounds, and k2, which its speed bounds; k2 comes from the first of the sources that applies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from wva.fleet.variant import EngineArguments, Role, Variant
from wva.policies.saturation.memory import CapacityRecord, Learned
from wva.policies.saturation.readings import Reading

MAX_NUM_SEQS = 256
"""Sequences assumed where an engine's argument is not given: defect *engine arguments guessed*."""
MAX_NUM_BATCHED_TOKENS = 8192
"""Tokens of a step assumed where an engine's argument is not given."""
OBSERVATIONS = 10
"""Length of the window over what was observed (``RollingAverageWindowSize``)."""
SHORT_ANSWER_TOKENS = 100
MEDIUM_ANSWER_TOKENS = 500
_TOO_LARGE = 2.0**63
"""The reference takes what does not fit into an int64 for nothing."""


@dataclass(frozen=True, slots=True)
class TokenThresholds:
    """The entry of the reference's ``wva-saturation-scaling-config``. Defect *thresholds multiply*."""

    kv_cache_threshold: float = 0.80
    """``kvCacheThreshold``: share of the KV cache that counts as room."""
    queue_length_threshold: float = 5.0
    """``queueLengthThreshold``: waiting requests from which the tokens in use are taken for all the room there is."""
    scale_up_threshold: float = 0.85
    """``scaleUpThreshold``: share of the room above which the model grows."""
    scale_down_boundary: float = 0.70
    """``scaleDownBoundary``: share of the room below which the model shrinks."""

    def __post_init__(self) -> None:
        if not 0 < self.kv_cache_threshold <= 1:
            raise ValueError(f"kv_cache_threshold must be above 0 and at most 1, got {self.kv_cache_threshold}")
        if not self.queue_length_threshold > 0:
            raise ValueError(f"queue_length_threshold must be above 0, got {self.queue_length_threshold}")
        if not 0 < self.scale_down_boundary < self.scale_up_threshold <= 1:
            raise ValueError(
                "scale_down_boundary must be above 0 and below scale_up_threshold, which is at most 1; "
                f"got {self.scale_down_boundary} and {self.scale_up_threshold}"
            )


class Source(StrEnum):
    """Where a figure for a replica's room comes from, by the reference's labels."""

    STORE = "P0-store"
    """No replica reports: what is remembered, or follows from the engine's arguments."""
    OBSERVED = "P1-obs"
    HISTORICAL = "P2-hist"
    DERIVED = "P3-k2"
    FALLBACK = "P4-k1"


@dataclass(frozen=True, slots=True)
class InstanceCapacity:
    """One engine instance, in KV tokens."""

    effective: int
    """What it takes."""
    source: Source
    demand: int
    """What is asked of it: the tokens that it holds and those of the requests that wait in it."""


class Knowledge:
    """What is known of a model while it is looked at: a working copy of ``Learned`` that takes in what instances show.

    Instances are looked at one after the other, and each sees what those before it have added.
    """

    def __init__(self, learned: Learned) -> None:
        self._observed = dict(learned.observed)
        self._records = dict(learned.records)

    def learned(self, variants: Sequence[Variant]) -> Learned:
        """What to remember: nothing of variants and hardware that are none of these."""
        hardware = {_hardware(variant) for variant in variants}
        names = {variant.name for variant in variants}
        return Learned(
            {key: seen for key, seen in self._observed.items() if key.rpartition("|")[0] in hardware},
            {name: record for name, record in self._records.items() if name in names},
        )

    def instance(self, variant: Variant, reading: Reading, thresholds: TokenThresholds) -> InstanceCapacity:
        """What an instance takes and what is asked of it, taking in what it shows."""
        if reading.kv_capacity_tokens <= 0:
            return self._of_unknown_size(variant, reading, thresholds)
        k1 = int(reading.kv_capacity_tokens * thresholds.kv_cache_threshold)
        k2, source = self._k2(variant, reading, thresholds, k1)
        effective = min(k1, k2)
        self._records[variant.name] = CapacityRecord(
            variant.accelerator, variant.gpus_per_replica, batched_tokens(variant.engine), effective
        )
        return InstanceCapacity(effective, source, reading.tokens_in_use + waiting_tokens(reading, variant.role))

    def without_replicas(self, variant: Variant, input_tokens: float, output_tokens: float) -> int:
        """What a replica of a variant takes of which none reports, at the model's mean prompt and answer."""
        own = self._records.get(variant.name)
        if own is not None and own.effective_tokens > 0:
            return own.effective_tokens
        derived = derived_tokens(variant.engine, input_tokens, output_tokens)
        if derived == 0:
            return batched_tokens(variant.engine)
        return min([derived, *self._compatible(variant)])

    def _of_unknown_size(self, variant: Variant, reading: Reading, thresholds: TokenThresholds) -> InstanceCapacity:
        """An instance whose KV-cache size is not known: shares of what is remembered of its variant.

        Without a record that is the engine's tokens of a step, which are not KV tokens at all.
        """
        record = self._records.get(variant.name)
        tokens = batched_tokens(variant.engine) if record is None else record.effective_tokens
        effective = int(tokens * thresholds.kv_cache_threshold)
        demand = int(reading.kv_usage * effective) + waiting_tokens(reading, variant.role)
        return InstanceCapacity(effective, Source.FALLBACK, demand)

    def _k2(self, variant: Variant, reading: Reading, thresholds: TokenThresholds, k1: int) -> tuple[int, Source]:
        """The room that speed leaves. Defects *k2 collapses* and *history is shared*."""
        key = f"{_hardware(variant)}|{answer_length(reading.output_tokens)}"
        observed = self._observed.get(key, ())
        in_use = reading.tokens_in_use
        if reading.waiting >= int(thresholds.queue_length_threshold) and in_use > 0:
            self._observed[key] = (*observed, in_use)[-OBSERVATIONS:]
            return in_use, Source.OBSERVED
        if observed:
            return int(sum(observed) / len(observed)), Source.HISTORICAL
        derived = derived_tokens(variant.engine, reading.input_tokens, reading.output_tokens)
        return (derived, Source.DERIVED) if derived > 0 else (k1, Source.FALLBACK)

    def _compatible(self, variant: Variant) -> list[int]:
        """What a replica of another variant takes with the same hardware and tokens of a step; the first by name."""
        for name in sorted(self._records):
            record = self._records[name]
            hardware = f"{record.accelerator}|{record.gpus}"
            same = hardware == _hardware(variant) and record.max_num_batched_tokens == batched_tokens(variant.engine)
            if same and record.effective_tokens > 0:
                return [record.effective_tokens]
        return []


def batched_tokens(engine: EngineArguments) -> int:
    """Tokens of a step that the reference takes an engine to have."""
    return engine.max_num_batched_tokens or MAX_NUM_BATCHED_TOKENS


def derived_tokens(engine: EngineArguments, input_tokens: float, output_tokens: float) -> int:
    """k2 from an engine's arguments: the requests that it can have in flight, each with half of its answer; or 0."""
    if output_tokens <= 0:
        return 0
    steady = batched_tokens(engine) * output_tokens / (input_tokens + output_tokens)
    return int(min(steady, engine.max_num_seqs or MAX_NUM_SEQS) * (input_tokens + output_tokens / 2))


def answer_length(output_tokens: float) -> str:
    """The class of answers under which observations are kept; an unknown length is short."""
    if output_tokens < SHORT_ANSWER_TOKENS:
        return "short"
    return "medium" if output_tokens < MEDIUM_ANSWER_TOKENS else "long"


def waiting_tokens(reading: Reading, role: Role) -> int:
    """KV tokens of the requests that wait in an instance: their prompts, and their answers where it generates them.

    Defect *whole answers in queues*.
    """
    tokens = reading.input_tokens + (0.0 if role is Role.PREFILL else reading.output_tokens)
    demand = reading.waiting * tokens
    return int(demand) if 0 < demand < _TOO_LARGE else 0


def _hardware(variant: Variant) -> str:
    return f"{variant.accelerator}|{variant.gpus_per_replica}"
