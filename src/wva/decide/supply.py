"""What replicas there are to count on, and on what hardware."""

from wva.decide.memory import Startup
from wva.decide.settings import Settings
from wva.decide.startup import time_to_ready_s
from wva.fleet.observation import VariantObservation
from wva.fleet.replica import Phase


def coming(variant: VariantObservation, lost: int, now: float, settings: Settings) -> int:
    """Replicas that serve or will: all that stay, but those that wait for hardware for too long and the lost ones."""
    waiting = sum(now - replica.since <= settings.stuck_s for replica in variant.in_phase(Phase.PENDING))
    return placed(variant) + waiting - lost


def lost(variant: VariantObservation, startup: Startup | None, now: float, settings: Settings) -> int:
    """Replicas that have hardware and are not counted on: they keep failing, or take far longer than starts take."""
    starting = variant.in_phase(Phase.STARTING)
    if not starting:
        return 0
    patience_s = max(
        settings.least_start_patience_s, settings.start_patience * time_to_ready_s(startup, variant, settings)
    )
    return sum(replica.failing or now - replica.since > patience_s for replica in starting)


def may_grow(variant: VariantObservation, lost: int) -> bool:
    """Whether another start is likely to end well, of a variant of which so many replicas are lost.

    Where none serves, or many are lost, the next one will hardly fare better, and only costs.
    """
    ready = len(variant.in_phase(Phase.READY))
    return lost == 0 or (ready > 0 and lost <= max(1, ready // 4))


def placed(variant: VariantObservation) -> int:
    """Replicas that stay and have hardware."""
    return len(variant.in_phase(Phase.STARTING, Phase.READY))


def rolling_out(variant: VariantObservation) -> bool:
    """Whether a replica that stays is of another template revision than the current one, or than the others."""
    revisions = {replica.revision for replica in variant.in_phase(Phase.PENDING, Phase.STARTING, Phase.READY)}
    return len(revisions) > 1 or (variant.revision is not None and not revisions <= {variant.revision})
