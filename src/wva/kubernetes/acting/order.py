"""In which order workloads stop pods when their count goes down."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from wva.kubernetes.acting.drain import COST_SINCE
from wva.kubernetes.objects.pod import Pod, PodPhase
from wva.kubernetes.objects.workload import Workload

_PHASES = {PodPhase.PENDING: 0, PodPhase.UNKNOWN: 1}


def ordinal(workload: Workload, pod: Pod) -> int:
    """Place of a StatefulSet's pod: those from the count on are stopped. Raises ``ValueError`` for a name not its."""
    return int(pod.name.rpartition("-")[2]) - workload.first_ordinal


def stopped_first(
    workload: Workload,
    pods: Sequence[Pod],
    version: tuple[int, int],
    costs: Mapping[str, int] | None = None,
    last: Collection[str] = (),
) -> list[Pod]:
    """Pods that are not deleted, in the order in which the workload stops them.

    A ReplicaSet takes those first that have no node, then by phase, unready ones, then by deletion cost, those beside
    others of their kind on a node, those ready for the shortest time, those with more restarts, the newest.

    Args:
        workload: A Deployment or a StatefulSet.
        pods: Its pods.
        version: The API server's: older ReplicaSets do not know deletion costs.
        costs: By pod name, where other ones than the pods' own.
        last: Names of the pods that come last among equals: nobody knows which of them is taken.

    """
    if workload.kind == "StatefulSet":
        return sorted(pods, key=lambda pod: -ordinal(workload, pod))
    beside = Counter(pod.node for pod in pods if pod.node is not None)

    def place(pod: Pod) -> tuple[Any, ...]:
        among = 0 if pod.node is None else -beside[pod.node]
        first = (pod.node is not None, _PHASES.get(pod.phase, 2), pod.ready)
        if version >= COST_SINCE:
            # Times are compared roughly from then on, so they decide nothing for certain.
            return (*first, (costs or {}).get(pod.name, pod.deletion_cost or 0), among)
        ready_at = -(pod.changed_at or float("inf")) if pod.ready else 0.0
        return (*first, among, ready_at, -pod.restarts, -(pod.created_at or float("inf")))

    return sorted(pods, key=lambda pod: (place(pod), pod.name in last))
