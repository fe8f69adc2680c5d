"""What the reference autoscaler is known to do wrong and these policies do too, so that results can be read by it."""

from dataclasses import dataclass

PERCENT = "saturation-percent"
TOKENS = "saturation-tokens"


@dataclass(frozen=True, slots=True)
class Defect:
    """One of them."""

    name: str
    """Short name, which the docstring of the place that has the defect repeats."""
    policies: tuple[str, ...]
    """Names of the policies that have it."""
    effect: str
    """What it does, in a plain sentence."""


DEFECTS = (
    Defect(
        "missing KV is empty",
        (PERCENT, TOKENS),
        "A replica that shows its queue but not its KV cache, or the other way round, counts with 0 for what is "
        "missing; a value that is not a number is 0 as well.",
    ),
    Defect(
        "maxima of a minute",
        (PERCENT, TOKENS),
        "KV cache and queue are their largest values of the last minute, which need not coincide and delay every "
        "shrinking by a minute.",
    ),
    Defect(
        "blind to objectives",
        (PERCENT, TOKENS),
        "Arrivals, latencies and objectives are not looked at: only what is in the KV cache and in queues.",
    ),
    Defect(
        "transition freeze",
        (PERCENT,),
        "While any variant of a model has not the count that was asked for, or not as many reporting replicas, nothing "
        "of the model changes: one replica a start-up, whatever the load.",
    ),
    Defect(
        "means without the saturated",
        (PERCENT,),
        "Spare room is averaged over replicas that are not saturated, so it looks better the more of them are.",
    ),
    Defect(
        "optimistic fragmentation check",
        (PERCENT,),
        "Whether one replica fewer would do is worked out from the load and number of the replicas that are not "
        "saturated; what the saturated ones hold is left out.",
    ),
    Defect(
        "one at a time",
        (PERCENT,),
        "A model gains or loses one replica a decision.",
    ),
    Defect(
        "floor of one per variant",
        (PERCENT,),
        "A dear variant keeps its last replica while cheaper ones would serve.",
    ),
    Defect(
        "no maximum",
        (PERCENT,),
        "The gauge knows no maximum: a count above the HPA's is asked for, never reached, and the model stays frozen "
        "in transition for good, shrinking included.",
    ),
    Defect(
        "steps within the tolerance",
        (PERCENT,),
        "The HPA ignores a change of a tenth: from 10 replicas of a variant a step of one is never carried out, and "
        "the model stays frozen in transition for good.",
    ),
    Defect(
        "gateway's queue unread",
        (PERCENT,),
        "Requests that the gateway holds are not seen.",
    ),
    Defect(
        "thresholds multiply",
        (TOKENS,),
        "The room of a replica is 0.8 of its KV cache and growth starts at 0.85 of that: the target is 0.68 of the "
        "cache, and shrinking starts below 0.56.",
    ),
    Defect(
        "k2 collapses",
        (TOKENS,),
        "Whenever a queue was at its threshold within a minute, the tokens in use count as all that the replica can "
        "hold, although a burst of prompts leaves the cache nearly empty; ten such observations make the mean that "
        "every later estimate takes.",
    ),
    Defect(
        "history is shared",
        (TOKENS,),
        "That mean is kept by accelerator, GPUs and length of answers, so variants with other engine arguments share "
        "it, and it never ages.",
    ),
    Defect(
        "prefix hits are 0",
        (TOKENS,),
        "The hit rate is queried under a name that vLLM does not have, so prompts held at the gateway are never "
        "discounted for the prefix cache.",
    ),
    Defect(
        "whole answers in queues",
        (TOKENS,),
        "A waiting request counts with its full input and output, a running one in k2 with half of its output.",
    ),
    Defect(
        "engine arguments guessed",
        (TOKENS,),
        "256 sequences and 8192 batched tokens are assumed where they are not given, whatever the engine's default.",
    ),
    Defect(
        "unseen is free",
        (TOKENS,),
        "A variant of which no replica reports has cost 0 and is the first to grow.",
    ),
    Defect(
        "cheapest without rounding",
        (TOKENS,),
        "The variant with the least cost per token of room grows, however little of its last replica is needed.",
    ),
    Defect(
        "instances are not replicas",
        (TOKENS,),
        "Room is per engine instance and added as replicas: a replica of several instances is ordered several times.",
    ),
    Defect(
        "no memory of what was asked",
        (TOKENS,),
        "Without metrics the gauge falls back to the count in force, which takes back a change not yet carried out.",
    ),
    Defect(
        "zero is invisible",
        (PERCENT, TOKENS),
        "A variant at 0 is not looked at, so it never grows.",
    ),
)
"""All are kept. Not modelled: ghosts (a pod that ends counts as a replica for up to a minute more in the maxima of a
minute, and its room makes the token analyzer shrink too far), failing queries (the gauge reads 0 until the cycle ends),
two models of one name in two namespaces, scaling to and from zero, the GPU limiter."""
