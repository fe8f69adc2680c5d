"""What the mirror has at one instant, so that a look at it may take its time beside the event loop."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from wva.kubernetes.acting.drain import Draining
from wva.kubernetes.declaration import is_managed
from wva.kubernetes.discovery import Cluster
from wva.kubernetes.objects.pod import Pod
from wva.kubernetes.objects.selector import Selector
from wva.kubernetes.objects.workload import Workload
from wva.kubernetes.view import View
from wva.kubernetes.watching.mirror import Mirror


def view_of(mirror: Mirror, draining: Callable[[Sequence[Pod]], Mapping[str, Draining]]) -> View:
    """Everything as it is now; nothing in it changes when the mirror does.

    ``draining`` gives those of some pods that are out of service, by their names.
    """
    cluster = mirror.cluster()
    uids = {found.meta.uid for found in _targets(cluster)}
    pods = {uid: mirror.pods_of(uid) for uid in uids}
    out = {pod.uid: found for own in pods.values() for pod, found in _out_of_service(own, draining)}
    replica_sets = {uid: mirror.replica_sets_of(uid) for uid in uids}
    pools = _by_namespace((pool.meta.namespace, pool.selector) for pool in mirror.inference_pools())
    services = _by_namespace((found.meta.namespace, found.selector) for found in mirror.services())
    return View(
        cluster=cluster,
        pods=mirror.pods(),
        pods_of=lambda uid: pods.get(uid, ()),
        replica_sets=lambda uid: replica_sets.get(uid, ()),
        nodes=mirror.nodes(),
        pools=lambda namespace: pools.get(namespace, ()),
        services=lambda namespace: services.get(namespace, ()),
        draining=partial(_known, out),
    )


def _targets(cluster: Cluster) -> Iterable[Workload]:
    """What is scaled by anything that declares a variant."""
    targets = [each.target for each in cluster.variant_autoscalings]
    targets += [each.target for each in cluster.scalers if is_managed(each)]
    found = (cluster.workload(target) for target in targets)
    return [each for each in found if each is not None]


def _out_of_service(
    pods: Sequence[Pod], draining: Callable[[Sequence[Pod]], Mapping[str, Draining]]
) -> list[tuple[Pod, Draining]]:
    found = draining(pods)
    return [(pod, found[pod.name]) for pod in pods if pod.name in found]


def _known(out: Mapping[str, Draining], pods: Sequence[Pod]) -> Mapping[str, Draining]:
    return {pod.name: out[pod.uid] for pod in pods if pod.uid in out} if out else {}


def _by_namespace(found: Iterable[tuple[str, Selector | None]]) -> Mapping[str, Sequence[Selector]]:
    selectors = defaultdict[str, list[Selector]](list)
    for namespace, selector in found:
        if selector is not None:
            selectors[namespace].append(selector)
    return selectors
