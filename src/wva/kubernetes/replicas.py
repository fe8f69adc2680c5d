"""The pods of a workload as replicas of a variant."""

import math
from collections.abc import Collection, Iterable, Mapping

from wva.fleet.observation import CarrierTraits, VariantObservation
from wva.fleet.replica import FAILING, Instance, Phase, Replica
from wva.fleet.variant import Variant
from wva.kubernetes.objects.pod import CRASH_LOOP, Pod
from wva.kubernetes.objects.workload import ReplicaSet, Workload
from wva.kubernetes.unchanged import Unchanged


def current_revision(workload: Workload, replica_sets: Iterable[ReplicaSet]) -> str | None:
    """The hash that pods of the newest template bear; ``None`` while it is not known."""
    if workload.kind == "StatefulSet":
        return workload.revision
    for found in replica_sets:
        owner = found.meta.owner
        if owner is not None and owner.uid == workload.meta.uid and found.revision == workload.revision:
            return found.template_hash
    return None


def variant_observation(
    variant: Variant,
    workload: Workload,
    pods: Iterable[Pod],
    revision: str | None,
    traits: CarrierTraits,
    now: float,
    draining: Mapping[str, float] | None = None,
    pending_since: float | None = None,
    unchanged: Unchanged | None = None,
) -> VariantObservation:
    """The variant as it is now, without anything measured.

    ``draining`` holds, by pod name, since when pods that are not yet deleted take no more requests. Where it is known
    that nothing comes for pods without a node, they count as pending from ``pending_since`` at the latest.
    ``unchanged`` spares the work on pods that are as they were the last time.
    """
    marked = draining or {}
    own = [pod for pod in pods if not pod.ended]
    replicas: tuple[Replica, ...] | None = None
    if unchanged is not None and not marked and pending_since is None:
        replicas = unchanged.once(("replicas", variant.name), _lasting, *own)
    if replicas is None:
        replicas = tuple(replica(pod, now, marked.get(pod.name), pending_since) for pod in _in_order(own))
    desired = wanted(workload, [pod for pod in own if pod.deleted_at is None], marked)
    return VariantObservation(variant, desired, workload.ready, revision, traits, replicas)


def _in_order(pods: Iterable[Pod]) -> list[Pod]:
    return sorted(pods, key=lambda each: each.name)


def _lasting(*pods: Pod) -> tuple[Replica, ...] | None:
    """Pods in service as replicas; ``None`` where one does not say since when it is as it is."""
    if any(_phase(pod, None)[2] is None for pod in pods):
        return None
    return tuple(replica(pod, math.nan) for pod in _in_order(pods))


def wanted(workload: Workload, pods: Collection[Pod], draining: Collection[str]) -> int:
    """The count that is worked towards: the workload's own still has those in it that drain.

    ``pods`` are those that are not deleted, ``draining`` names those of them that drain.
    """
    drained = sum(pod.name in draining for pod in pods)
    # Where there are more than its count, it has been told by now to stop some.
    told = 0 if workload.rolling else max(0, len(pods) - workload.replicas)
    return workload.replicas - max(0, drained - told)


def replica(pod: Pod, now: float, draining_since: float | None = None, pending_since: float | None = None) -> Replica:
    """A pod that has not ended as a replica; what it cannot say of its times is ``now`` for ``since``, else unknown."""
    phase, reason, since = _phase(pod, draining_since)
    if phase is Phase.PENDING and pending_since is not None:
        since = pending_since if since is None else min(since, pending_since)
    return Replica(
        id=pod.id,
        phase=phase,
        reason=reason,
        since=now if since is None else since,
        ordered_at=pod.created_at,
        started_at=pod.scheduled_at,
        ready_at=pod.changed_at if pod.ready else None,
        revision=pod.revision,
        instances=(Instance(pod.id, None, None),),
        node=pod.node,
    )


def _phase(pod: Pod, draining_since: float | None) -> tuple[Phase, str | None, float | None]:
    if pod.deleted_at is not None:
        return Phase.DRAINING, "deleted", pod.deleted_at
    if draining_since is not None:
        return Phase.DRAINING, "drains", draining_since
    if pod.node is None:
        return Phase.PENDING, pod.unschedulable, pod.created_at
    if pod.ready:
        return Phase.READY, None, pod.changed_at
    # One that has served and is unready again counts as starting from then on.
    waits = f"{FAILING}: {CRASH_LOOP}" if pod.waiting == CRASH_LOOP else pod.waiting
    times = [time for time in (pod.scheduled_at, pod.changed_at) if time is not None]
    return Phase.STARTING, waits, max(times, default=None)
