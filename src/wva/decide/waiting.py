"""How much of the engines' time stays free so that prompts need not wait for each other too long.

A prompt that arrives waits for those before it, longest where one of them is long. The wait of a single server with
Poisson arrivals falls off as ``exp(-2 t (1 - u) / (u s))``, where prompts keep it busy for the part ``u`` and ``s`` is
the mean square of their engine times over the mean (Kingman's bound for the M/G/1 queue). So for the same part of the
requests to keep the objective ``T`` it must have ``(1 - u) / u`` in proportion to ``s / T``; where a router has more
replicas to choose from it may be less, by about the square root of their number. Headroom that is kept for bursts
serves this as well, and is more than it unless prompts take long beside their objective.
"""

import math

from wva.decide.capacity import ReplicaCapacity

WAITING = 16.0
"""Idle over busy time of a single replica at which 99 % of the requests keep their TTFT, for ``s = T``. Measured on
simulated engines that get requests of production traces at random it is 12 to 28 on one replica, and 10 to 29 over the
root of their number on four and twelve."""

LEAST_USED_PART = 0.4
"""Part of the capacity that is used at least: where less would be, prompts miss the objective by their own length."""


def room_for_waiting(load: float, capacity: ReplicaCapacity) -> float:
    """Part of the capacity that a load of so many mean requests per second leaves free, on replicas of that capacity.

    0 where prompts are so short that engines may be as busy with them as the other objectives allow.
    """
    replicas = max(1.0, load / capacity.requests_per_s)
    busy = 1.0 / (1.0 + WAITING * capacity.long_prompt / math.sqrt(replicas))
    # An engine is never idle at its capacity, so prompts keep it busy for their share of its time.
    if capacity.prompt_share <= busy:
        return 0.0
    return 1.0 - max(LEAST_USED_PART, busy / capacity.prompt_share)
