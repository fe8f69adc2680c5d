"""Whether a decision could see that its replicas were too few: the load it saw against what they sustain.

That is so where more arrives than the ready replicas sustain within the objectives, or where what waits is more than
they serve within the objective of the first token.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wva.engine.batch.state import PICOSECONDS
from wva.engine.capacity import sustainable
from wva.engine.mix import RequestMix
from wva.fleet.model import Model
from wva.fleet.replica import Phase
from wva.simulate.recorded import Recorded
from wva.simulate.run import Setting

MIX_WINDOW_S = 300.0
"""The requests whose mean the capacity is for: those that came in so long before."""


@dataclass(frozen=True, slots=True)
class Pressure:
    """What one decision saw of a model. ``None`` is unknown."""

    arrival_rate: float | None
    """Requests per second over the last minute."""
    ready: Mapping[str, int]
    """Ready replicas of each variant."""
    coming: Mapping[str, int]
    """Replicas of each variant that were ordered and not ready yet."""
    sustained: float
    """Requests per second that the ready replicas sustain within the objectives."""
    sustained_with_coming: float
    """The same with those still coming."""
    queued: float | None
    """Held at the gateway."""
    waiting: float | None
    """In the engines' queues."""
    overload: bool
    """Whether this is too much for the ready replicas."""


def replica_rates(setting: Setting, requests: NDArray[Any], model: int, until_ps: int) -> dict[str, float]:
    """Requests per second that a replica of each of the model's variants sustains within the objectives.

    They are like the mean of those that arrived in the ``MIX_WINDOW_S`` up to ``until_ps``, of which there is one.
    """
    first, last = np.searchsorted(requests["arrival"], (until_ps - MIX_WINDOW_S * PICOSECONDS, until_ps + 1))
    own = requests[first:last]
    own = own[own["model"] == model]
    mix = RequestMix(float(own["input"].mean()), float(own["output"].mean()))
    objectives = setting.models[model].objectives
    return {
        variant.name: sustainable(server, mix, objectives).requests_per_s
        for variant, server, of in zip(setting.variants, setting.servers, setting.model_of, strict=True)
        if of == model
    }


def pressure(decision: Recorded, model: Model, rates: Mapping[str, float]) -> Pressure:
    """What a decision saw, with the rate that a replica of each variant sustains."""
    own = [seen for seen in decision.observation.variants if seen.variant.name in rates]
    ready = {seen.variant.name: len(seen.in_phase(Phase.READY)) for seen in own}
    coming = {seen.variant.name: len(seen.in_phase(Phase.PENDING, Phase.STARTING)) for seen in own}
    traffic = next(seen.traffic for seen in decision.observation.models if seen.model.name == model.name)
    metrics = [i.metrics for seen in own for r in seen.replicas for i in r.instances if i.metrics is not None]
    sustained = sum(rates[name] * count for name, count in ready.items())
    rate = None if traffic is None else traffic.arrival_rate_1m
    queued = None if traffic is None else traffic.queue_requests
    waiting = _sum([one.waiting for one in metrics])
    in_line = (queued or 0.0) + (waiting or 0.0)
    return Pressure(
        arrival_rate=rate,
        ready=ready,
        coming=coming,
        sustained=sustained,
        sustained_with_coming=sustained + sum(rates[name] * count for name, count in coming.items()),
        queued=queued,
        waiting=waiting,
        overload=(rate or 0.0) > sustained or in_line > sustained * model.objectives.ttft_s,
    )


def overload_began(pressures: Sequence[Pressure]) -> int | None:
    """Where the unbroken row of decisions begins that saw overload and reaches to the last; ``None`` where it did not.

    ``pressures`` are in the order of the decisions.
    """
    first = None
    for place in range(len(pressures) - 1, -1, -1):
        if not pressures[place].overload:
            break
        first = place
    return first


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
