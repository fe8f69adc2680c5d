"""How far a count may go down now: only as far as the workload takes just those pods that may be stopped."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from wva.kubernetes.acting.drain import COST_SINCE
from wva.kubernetes.acting.order import ordinal, stopped_first
from wva.kubernetes.acting.steps import STOPPED_COST
from wva.kubernetes.objects.pod import Pod
from wva.kubernetes.objects.workload import Workload


@dataclass(frozen=True, slots=True)
class Stopping:
    """What may be stopped now."""

    count: int
    """Pods by which the workload may have fewer."""
    cheaper: tuple[Pod, ...] = ()
    """Those that need the lowest deletion cost for that."""


def stopping(
    workload: Workload,
    pods: Sequence[Pod],
    going: Sequence[Pod],
    done: Collection[str],
    costs: Mapping[str, int],
    version: tuple[int, int],
    *,
    chosen: bool,
) -> Stopping:
    """How many of those that go may be stopped now.

    Args:
        workload: The workload.
        pods: All its pods that are not deleted.
        going: Those that are to go.
        done: Names of those of them that may be stopped.
        costs: Deletion costs by pod name, where they are other ones by now than the pods say.
        version: The API server's.
        chosen: Whether the workload takes those that WVA wants; where it does not, it is taken to be lucky in ties.

    """
    if workload.kind == "StatefulSet":
        return Stopping(_first(going, done))
    unlucky = done if chosen else {pod.name for pod in pods} - set(done)
    count = _first(stopped_first(workload, pods, version, costs, unlucky), done)
    if count == len(done) or version < COST_SINCE:
        return Stopping(count)
    lowest = {**costs, **dict.fromkeys(done, STOPPED_COST)}
    more = _first(stopped_first(workload, pods, version, lowest, unlucky), done)
    if more <= count:
        return Stopping(count)
    return Stopping(more, tuple(pod for pod in going if pod.name in done and pod.deletion_cost != STOPPED_COST))


def next_count(workload: Workload, going: Sequence[Pod], stopped: int, target: int | None) -> int:
    """The count to write once so many of those that go may be stopped.

    ``target`` is the count without all of them; ``None`` where everything else is to stay as it is.
    """
    if target is None:
        return workload.replicas - stopped
    if workload.kind == "StatefulSet" and stopped < len(going):
        return ordinal(workload, going[stopped]) + 1
    return target + len(going) - stopped


def _first(pods: Sequence[Pod], done: Collection[str]) -> int:
    """How many of the first pods may all be stopped."""
    return next((place for place, pod in enumerate(pods) if pod.name not in done), len(pods))
