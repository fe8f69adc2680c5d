"""What is written on pods and workloads, what was written just now included: a watch runs behind."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from wva.fleet.clock import Clock
from wva.kubernetes.acting.drain import Draining, read
from wva.kubernetes.objects.pod import Pod
from wva.kubernetes.objects.workload import Workload

_BEHIND_S = 30.0
"""Seconds for which a write counts though the watch does not show it."""


class Marks:
    """Remembers what was written until it is seen."""

    def __init__(self, clock: Clock) -> None:
        """Know of nothing yet."""
        self._clock = clock
        self._pods: dict[str, tuple[Draining | None, float]] = {}
        """By the uid of the pod: what was written, and when."""
        self._counts: dict[str, tuple[frozenset[int], int, float]] = {}
        """By the uid of the workload: counts that were written over, the newest that was written, and when."""

    def of(self, pods: Sequence[Pod]) -> Mapping[str, Draining]:
        """Those of the pods that are out of service, by their names."""
        found = {pod.name: self._known(pod) for pod in pods if pod.draining is not None or pod.uid in self._pods}
        return {name: draining for name, draining in found.items() if draining is not None}

    def wrote(self, pod: Pod, draining: Draining | None) -> None:
        """Note what a pod bears now; ``None`` is nothing."""
        now = self._clock.monotonic()
        self._pods = {uid: each for uid, each in self._pods.items() if now - each[1] < _BEHIND_S}
        self._pods[pod.uid] = (draining, now)

    def counted(self, workload: Workload) -> Workload:
        """The workload with the count that it has by now."""
        earlier, written, at = self._counts.get(workload.meta.uid, (frozenset[int](), 0, 0.0))
        behind = workload.replicas in earlier and self._clock.monotonic() - at < _BEHIND_S
        return replace(workload, replicas=written) if behind else workload

    def wrote_count(self, workload: Workload, count: int) -> None:
        """Note the count that a workload, as ``counted`` gives it, has now."""
        now = self._clock.monotonic()
        self._counts = {uid: each for uid, each in self._counts.items() if now - each[2] < _BEHIND_S}
        earlier, _, _ = self._counts.get(workload.meta.uid, (frozenset[int](), 0, 0.0))
        self._counts[workload.meta.uid] = ((earlier | {workload.replicas}) - {count}, count, now)

    def forget_count(self, workload: Workload) -> None:
        """Believe only what is seen of a workload's count."""
        self._counts.pop(workload.meta.uid, None)

    def _known(self, pod: Pod) -> Draining | None:
        # Looks come from another thread as well, so nothing is changed here.
        draining, at = self._pods.get(pod.uid, (None, -float("inf")))
        return draining if self._clock.monotonic() - at < _BEHIND_S else read(pod.draining)
