"""How long a new replica takes: the horizon of the forecast."""

import math

from wva.decide.memory import Startup
from wva.decide.settings import Settings
from wva.fleet.observation import VariantObservation

LEARNED = 0.2
"""Weight of one start against all before it."""


def learn_startup(startup: Startup | None, variant: VariantObservation) -> Startup | None:
    """Learn from the starts that ended since the newest one learned from."""
    since = -math.inf if startup is None else startup.newest
    finished = [
        (replica.ready_at, replica.ready_at - replica.started_at)
        for replica in variant.replicas
        if replica.ready_at is not None
        and replica.ready_at > since
        and replica.started_at is not None
        and replica.ready_at > replica.started_at
    ]
    for ready_at, took in sorted(finished):
        if startup is None:
            startup = Startup(took, 0.0, ready_at)
        elif ready_at > startup.newest:
            error = took - startup.mean_s
            startup = Startup(
                startup.mean_s + LEARNED * error,
                startup.deviation_s + LEARNED * (abs(error) - startup.deviation_s),
                ready_at,
            )
    return startup


def time_to_ready_s(startup: Startup | None, variant: VariantObservation, settings: Settings) -> float:
    """Seconds within which most starts are over: measured, or declared until one was measured."""
    if startup is None:
        return variant.variant.startup_s
    return startup.mean_s + settings.startup_quantile_deviations * startup.deviation_s
