"""Which pods go where a workload is to have fewer."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from wva.fleet.plan import VariantPlan
from wva.kubernetes.acting.drain import Draining
from wva.kubernetes.acting.load import Load
from wva.kubernetes.acting.order import ordinal, stopped_first
from wva.kubernetes.objects.pod import Pod
from wva.kubernetes.objects.workload import Workload


def victims(
    workload: Workload,
    pods: Sequence[Pod],
    part: VariantPlan,
    draining: Mapping[str, Draining],
    loads: Mapping[str, Load],
    version: tuple[int, int],
    *,
    chosen: bool,
) -> list[Pod]:
    """Pods without which the workload has the plan's target, in the order in which they are to go.

    Those that serve nothing yet, as the workload would take them first whatever it is told; those that drain, which
    the plan does not want back; those that it names; those that are missed least. Where the workload takes whom it
    will, those that it is expected to take: a StatefulSet its highest numbers.

    ``pods`` are those that are not deleted; ``chosen`` says whether the workload takes those that WVA wants.
    """
    serving_last = {pod.name for pod in pods} - draining.keys()
    expected = stopped_first(workload, pods, version, last=serving_last)
    if workload.kind == "StatefulSet":
        return [pod for pod in expected if ordinal(workload, pod) >= part.target]
    count = max(0, len(pods) - part.target)
    if not chosen:
        return expected[:count]
    idle = [pod for pod in expected if not pod.ready and pod.name not in draining]
    drained = sorted((pod for pod in pods if pod.name in draining), key=lambda pod: _given_back(pod, part, draining))
    serving = [pod for pod in expected if pod.ready and pod.name not in draining]
    serving.sort(key=_missed(serving, part, loads))
    return [*idle, *drained, *serving][:count]


def _given_back(pod: Pod, part: VariantPlan, draining: Mapping[str, Draining]) -> tuple[Any, ...]:
    """Later for those that are to serve again before others: those named, the first most, then the newest to drain."""
    place = part.restore.index(pod.id) if pod.id in part.restore else len(part.restore)
    return -place, draining[pod.name].since, pod.name


def _missed(pods: Collection[Pod], part: VariantPlan, loads: Mapping[str, Load]) -> Callable[[Pod], tuple[Any, ...]]:
    """How much each would be missed: as named, by requests in flight, by its cache, by who is beside it on its node.

    A node that only one pod is left on is free sooner. What is unknown is missed most.
    """
    named = [victim.replica for victim in part.victims]
    places = {name: place for place, name in reversed(list(enumerate(named)))}
    beside = Counter(pod.node for pod in pods)

    def missed(pod: Pod) -> tuple[Any, ...]:
        load = loads.get(pod.id)
        requests = None if load is None else load.requests
        cached = None if load is None else load.prefix_hit_rate
        unknown = float("inf")
        return (
            places.get(pod.id, len(named)),
            unknown if requests is None else requests,
            unknown if cached is None else cached,
            beside[pod.node],
            -(pod.changed_at or 0.0),
            pod.name,
        )

    return missed
