"""What to do next with one variant's pods and count, from what is there alone: done twice, it does nothing more.

That a pod is out of service is written on it, so a controller that starts anew, or another one, goes on with it. The
count goes down only when those pods may be stopped, and only where the workload takes just those.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from wva.fleet.plan import VariantPlan
from wva.kubernetes.acting.drain import COST_SINCE, Draining, DrainKind, chooses_victims, is_unreadable
from wva.kubernetes.acting.load import SETTLE_S, Load, is_done
from wva.kubernetes.acting.order import stopped_first
from wva.kubernetes.acting.steps import (
    CLOSED_COST,
    DRAINING_COST,
    STOPPED_COST,
    MarkDraining,
    Restore,
    SetDeletionCost,
    SetGate,
    Step,
    WriteScale,
)
from wva.kubernetes.acting.stopping import next_count, stopping
from wva.kubernetes.acting.victims import victims
from wva.kubernetes.managed import Managed
from wva.kubernetes.objects.pod import Pod
from wva.kubernetes.objects.workload import Workload
from wva.kubernetes.ownership import Mode


@dataclass(frozen=True, slots=True)
class DrainSettings:
    """How pods are taken out of service."""

    version: tuple[int, int] = (1, 20)
    """The API server's."""
    limit_s: float = 600.0
    """Seconds after which a pod is stopped though it still serves, where the plan does not say."""


def next_steps(
    managed: Managed,
    part: VariantPlan | None,
    loads: Mapping[str, Load],
    now: float,
    settings: DrainSettings,
    least: int | None = None,
) -> tuple[Step, ...]:
    """What to do now.

    Args:
        managed: The variant.
        part: The plan's part for it, its target being one that is accepted; ``None`` goes on with what was begun.
        loads: What its pods said of their load, by their ids; one that is absent is unknown.
        now: Seconds since the epoch.
        settings: How pods are taken out of service.
        least: Pods that are to be left where there is no plan: the target of the last one. ``None``, where none is
            known, stops nothing.

    """
    pods = [pod for pod in managed.pods if pod.deleted_at is None]
    own = {pod.name: managed.draining[pod.name] for pod in pods if pod.name in managed.draining}
    if managed.orders.paused:
        return _gates(pods, own)
    # They are to serve, as nobody knows why they should not.
    unreadable = (Restore(pod) for pod in pods if is_unreadable(pod.draining) and pod.name not in own)
    return (*unreadable, *_unpaused(managed, pods, own, part, loads, now, settings, least))


def _unpaused(
    managed: Managed,
    pods: Sequence[Pod],
    own: Mapping[str, Draining],
    part: VariantPlan | None,
    loads: Mapping[str, Load],
    now: float,
    settings: DrainSettings,
    least: int | None,
) -> tuple[Step, ...]:
    if managed.mode is not Mode.DIRECT or managed.conflict.holds:
        # The count is not WVA's, or not now: all of it serves.
        return (*_restores(pods, own, {}), *_gates(pods, {}))
    workload = managed.workload
    if workload.rolling:
        return _gates(pods, own) if part is None else _during_rollout(workload.replicas, pods, own, part)
    if len(pods) > workload.replicas:
        done = {pod.name for pod in pods if pod.name in own and is_done(own[pod.name], loads.get(pod.id), now)}
        return _while_some_go(workload, pods, part, own, done, settings)
    if part is None and not _may_go_on(managed, pods, own, least):
        return _gates(pods, own)
    return _at_rest(managed, pods, part, own, loads, now, settings)


def _may_go_on(managed: Managed, pods: Sequence[Pod], draining: Collection[str], least: int | None) -> bool:
    """Whether no plan has to say first what is to be: those that drain are beyond it, and who is there is seen."""
    if least is None or len(pods) < managed.workload.replicas:
        return False
    return len(pods) - len(draining) >= max(least, managed.variant.min_replicas)


def _at_rest(
    managed: Managed,
    pods: Sequence[Pod],
    part: VariantPlan | None,
    draining: Mapping[str, Draining],
    loads: Mapping[str, Load],
    now: float,
    settings: DrainSettings,
) -> tuple[Step, ...]:
    workload, version = managed.workload, settings.version
    chosen = chooses_victims(workload, managed.drain, version)
    if part is None:
        going = [pod for pod in stopped_first(workload, pods, version) if pod.name in draining]
        marks: list[MarkDraining] = []
    else:
        going = victims(workload, pods, part, draining, loads, version, chosen=chosen)
        marks = _marks(managed, [pod for pod in going if pod.name not in draining], part, loads, now, settings)
    after = {pod.name: draining[pod.name] for pod in going if pod.name in draining}
    after |= {mark.pod.name: mark.draining for mark in marks}
    done = {
        pod.name for pod in going if (known := after.get(pod.name)) is None or is_done(known, loads.get(pod.id), now)
    }
    costs = {mark.pod.name: mark.cost for mark in marks if mark.cost is not None}
    # Those behind a closed gate are not ready any more, or will not be when the workload chooses.
    closed = {name for name, known in after.items() if known.kind is DrainKind.GATE and name not in done}
    then = [replace(pod, ready=False) if pod.name in closed else pod for pod in pods]
    stops = stopping(workload, then, going, done, costs, version, chosen=chosen)
    count = next_count(workload, going, stops.count, None if part is None else part.target)
    if closed and len(pods) < workload.replicas:
        # Who comes in place of the missing ones may not be the first to be stopped, before those that have work.
        count = max(count, workload.replicas - stops.count)
    return (
        *_restores(pods, draining, after),
        *marks,
        *_gates(pods, after),
        *(SetDeletionCost(pod, STOPPED_COST) for pod in stops.cheaper),
        *_count(workload.replicas, count),
    )


def _while_some_go(
    workload: Workload,
    pods: Sequence[Pod],
    part: VariantPlan | None,
    draining: Mapping[str, Draining],
    done: Collection[str],
    settings: DrainSettings,
) -> tuple[Step, ...]:
    """Grow, and take back: the workload has been told to stop some of the ``done``, and who they are is seen then."""
    if part is None:
        return _gates(pods, draining)
    busy = {pod.name for pod in pods} - set(done)
    # What they cost by now a watch may not show yet.
    costs = dict.fromkeys(done, STOPPED_COST)
    going = stopped_first(workload, pods, settings.version, costs, busy)[: max(0, len(pods) - part.target)]
    after = {pod.name: draining[pod.name] for pod in going if pod.name in draining}
    return (
        *_count(workload.replicas, max(workload.replicas, part.target)),
        *_restores(pods, draining, after),
        *_gates(pods, after),
    )


def _during_rollout(
    count: int, pods: Sequence[Pod], draining: Mapping[str, Draining], part: VariantPlan
) -> tuple[Step, ...]:
    """Grow only: pods come and go for other reasons, and nobody can tell whom a smaller count would take."""
    missing = max(0, part.target - (count - len(draining)))
    own = sorted(
        (pod for pod in pods if pod.name in draining),
        key=lambda pod: (pod.id not in part.restore, -draining[pod.name].since, pod.name),
    )
    after = {pod.name: draining[pod.name] for pod in own[missing:]}
    wanted = max(count, part.target + len(after))
    return (*_restores(pods, draining, after), *_gates(pods, after), *_count(count, wanted))


def _marks(
    managed: Managed,
    pods: Sequence[Pod],
    part: VariantPlan,
    loads: Mapping[str, Load],
    now: float,
    settings: DrainSettings,
) -> list[MarkDraining]:
    """What takes those out of service that serve; those that cannot be are marked where that has them stopped.

    One that starts could serve in a moment, and the workload take another in its place: its gate is closed as well, and
    it is stopped once everybody knows, unless it has requests from before.
    """
    costs = managed.workload.kind != "StatefulSet" and settings.version >= COST_SINCE
    deadlines = {victim.replica: victim.drain_deadline for victim in part.victims}
    marks = []
    for pod in pods:
        gated = managed.drain.kind is not DrainKind.GATE or pod.serving is not None
        kind = managed.drain.kind if gated else DrainKind.GRACE
        starts = not pod.ready and pod.node is not None and kind is DrainKind.GATE
        if starts or (pod.ready and (costs or kind is not DrainKind.GRACE)):
            load = loads.get(pod.id)
            new = starts and (load is None or load.requests == 0)
            deadline = now + SETTLE_S if new else deadlines.get(pod.id)
            begun = Draining(now, now + settings.limit_s if deadline is None else deadline, kind)
            labels = managed.drain.labels if kind is DrainKind.LABEL else ()
            cost = CLOSED_COST if kind is DrainKind.GATE else DRAINING_COST
            marks.append(MarkDraining(pod, begun, labels, cost if costs else None))
    return marks


def _restores(pods: Sequence[Pod], draining: Mapping[str, Draining], after: Mapping[str, Draining]) -> list[Restore]:
    return [Restore(pod) for pod in pods if pod.name in draining and pod.name not in after]


def _gates(pods: Sequence[Pod], draining: Mapping[str, Draining]) -> tuple[Step, ...]:
    """Open the gates of pods that are to serve, new ones included, and close those of the others."""
    steps = []
    for pod in pods:
        known = draining.get(pod.name)
        serves = known is None or known.kind is not DrainKind.GATE
        if pod.serving is not None and pod.serving is not serves:
            steps.append(SetGate(pod, serves))
    return tuple(steps)


def _count(count: int, wanted: int) -> tuple[Step, ...]:
    return () if wanted == count else (WriteScale(wanted, count),)
