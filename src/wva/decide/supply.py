"""What replicas there are to count on, and on what hardware."""

from wva.decide.settings import Settings
from wva.fleet.observation import VariantObservation
from wva.fleet.replica import Phase


def coming(variant: VariantObservation, now: float, settings: Settings) -> int:
    """Replicas that serve or will: ready, starting, and pending ones that are not stuck without hardware."""
    stay = variant.in_phase(Phase.PENDING, Phase.STARTING, Phase.READY)
    return sum([each.phase is not Phase.PENDING or now - each.since <= settings.stuck_s for each in stay])


def placed(variant: VariantObservation) -> int:
    """Replicas that stay and have hardware."""
    return len(variant.in_phase(Phase.STARTING, Phase.READY))


def rolling_out(variant: VariantObservation) -> bool:
    """Whether a replica that stays is of another template revision than the current one, or than the others."""
    revisions = {replica.revision for replica in variant.in_phase(Phase.PENDING, Phase.STARTING, Phase.READY)}
    return len(revisions) > 1 or (variant.revision is not None and not revisions <= {variant.revision})
