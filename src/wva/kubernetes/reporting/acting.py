"""What those who act on variants know of them, for what is said of them."""

from wva.kubernetes.acting.drain import drain_condition
from wva.kubernetes.follower import Outlook, outlook
from wva.kubernetes.managed import Managed
from wva.kubernetes.picture import Picture, Remembered
from wva.kubernetes.reporting.report import Acting


def acting_of(picture: Picture, remembered: Remembered, version: tuple[int, int], now: float) -> dict[str, Acting]:
    """By variant; ``version`` is the API server's, ``now`` in seconds since the epoch."""
    return {
        name: Acting(_ahead(each, remembered, now), (drain_condition(each.workload, each.drain, version),))
        for name, each in picture.managed.items()
    }


def _ahead(managed: Managed, remembered: Remembered, now: float) -> Outlook | None:
    """What the variant's follower does next, where it has one and there is something to follow."""
    name, workload = managed.variant.name, managed.workload
    published, memory = remembered.published.get(name), remembered.followers.get(name)
    if managed.follower is None or published is None or memory is None:
        return None
    return outlook(managed.follower, workload.replicas, workload.ready, published, memory, now)
