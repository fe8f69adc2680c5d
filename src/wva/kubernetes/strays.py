"""Pods that WVA keeps from serving, though there is no variant for which it could."""

from collections.abc import Collection, Iterable

from wva.kubernetes.declaration import is_managed
from wva.kubernetes.discovery import Cluster
from wva.kubernetes.managed import Managed
from wva.kubernetes.objects.meta import Meta
from wva.kubernetes.objects.pod import Pod
from wva.kubernetes.objects.scaler import Target
from wva.kubernetes.scope import Scope
from wva.kubernetes.watching.mirror import Mirror


def strays(mirror: Mirror, scope: Scope, managed: Collection[Managed]) -> tuple[Pod, ...]:
    """Those that drain, or wait for their gate to be opened, and belong to none of the ``managed`` variants.

    A variant may have been taken away while nobody led, or too little may be known of it to decide. What belongs to
    another controller is left to that, and so is a namespace in which something declares what cannot be read.
    """
    held = [pod for pod in mirror.pods() if _is_held(pod)]
    if not held:
        return ()
    cluster = mirror.cluster()
    unclear = {each.meta.namespace for each in mirror.unreadable().values()}
    own = [each.workload.meta.uid for each in managed]
    others = [
        found.meta.uid for target in _of_others(cluster, scope) if (found := cluster.workload(target)) is not None
    ]
    spared = {pod.uid for uid in (*own, *others) for pod in mirror.pods_of(uid)}
    return tuple(
        pod
        for pod in held
        if pod.uid not in spared
        and pod.namespace not in unclear
        and scope.covers_namespace(pod.namespace, cluster.namespaces)
    )


def _is_held(pod: Pod) -> bool:
    return (pod.draining is not None or pod.serving is False) and pod.deleted_at is None and not pod.ended


def _of_others(cluster: Cluster, scope: Scope) -> Iterable[Target]:
    """What is declared for other controllers."""
    declared: list[tuple[Meta, Target]] = [(each.meta, each.target) for each in cluster.variant_autoscalings]
    declared += [(each.meta, each.target) for each in cluster.scalers if is_managed(each)]
    return [target for meta, target in declared if not scope.is_own(meta)]
