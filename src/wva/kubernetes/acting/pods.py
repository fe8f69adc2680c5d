"""Takes pods out of service and puts them back: each in one write that holds all that is needed to undo it."""

from collections.abc import Callable
from dataclasses import replace

from wva.kubernetes.acting.drain import Draining, labels_in, read, written
from wva.kubernetes.acting.steps import OWN_COSTS, MarkDraining, SetDeletionCost, SetGate
from wva.kubernetes.acting.writer import Writer
from wva.kubernetes.api.client import STRATEGIC_MERGE_PATCH, Body
from wva.kubernetes.api.errors import ApiError
from wva.kubernetes.api.resource import PODS
from wva.kubernetes.election import micro_time
from wva.kubernetes.objects.meta import condition
from wva.kubernetes.objects.pod import DELETION_COST, DRAINING, SERVING_GATE, Pod

_TRIES = 4
"""Times that a write is tried anew on what the pod is by then: kubelets write as well."""

Texts = dict[str, str]


class PodGoneError(Exception):
    """A pod is deleted, or another one has its name by now."""


async def mark(writer: Writer, step: MarkDraining) -> Draining:
    """Take a pod out of service, and return what it bears of it; one that is out of service is left as it is.

    Raises ``PodGoneError``, and what ``Writer`` raises.
    """
    bears = step.draining

    def change(labels: Texts, annotations: Texts) -> Body:
        nonlocal bears
        known = read(annotations.get(DRAINING))
        if known is not None:
            bears = known
            return {}
        taken = {name: labels[name] for name in step.labels if name in labels}
        bears = replace(step.draining, labels=tuple(sorted(taken.items())), cost=_others_cost(annotations))
        text = written(bears)
        bears = read(text) or bears
        given = {DRAINING: text} | ({} if step.cost is None else {DELETION_COST: str(step.cost)})
        return {"labels": dict.fromkeys(taken), "annotations": given}

    await _change(writer, step.pod, change)
    return bears


async def restore(writer: Writer, pod: Pod) -> None:
    """Put a pod back into service with the labels and the deletion cost that it had. Raises as ``mark`` does."""

    def change(_: Texts, annotations: Texts) -> Body:
        if DRAINING not in annotations:
            return {}
        known = read(annotations[DRAINING])
        given: dict[str, str | None] = {DRAINING: None}
        if _is_own_cost(annotations):
            given[DELETION_COST] = None if known is None or known.cost is None else str(known.cost)
        return {"labels": labels_in(annotations[DRAINING]), "annotations": given}

    await _change(writer, pod, change)


async def set_cost(writer: Writer, step: SetDeletionCost) -> None:
    """Give a pod that is out of service another deletion cost. Raises as ``mark`` does."""

    def change(_: Texts, annotations: Texts) -> Body:
        cost = str(step.cost)
        same = DRAINING not in annotations or annotations.get(DELETION_COST) == cost
        return {} if same else {"annotations": {DELETION_COST: cost}}

    await _change(writer, step.pod, change)


async def set_gate(writer: Writer, step: SetGate, now: float) -> None:
    """Set the condition of a pod's serving gate; ``now`` is in seconds since the epoch. Raises as ``mark`` does."""
    body = await _living(writer, step.pod)
    status = "True" if step.serving else "False"
    if (condition(body.get("status") or {}, SERVING_GATE) or {}).get("status") == status:
        return
    said = {"type": SERVING_GATE, "status": status, "lastTransitionTime": micro_time(now)}
    said["reason"] = "Serves" if step.serving else "Drains"
    patch = {"metadata": {"uid": step.pod.uid}, "status": {"conditions": [said]}}
    await _patched(writer, step.pod, patch, "status", STRATEGIC_MERGE_PATCH)


async def _change(writer: Writer, pod: Pod, change: Callable[[Texts, Texts], Body]) -> None:
    """Patch a pod's metadata by what they are: its labels and annotations. Nothing is written where that is empty."""
    for left in reversed(range(_TRIES)):
        found = (await _living(writer, pod))["metadata"]
        changed = change(found.get("labels") or {}, found.get("annotations") or {})
        if not changed:
            return
        try:
            await _patched(writer, pod, {"metadata": {"resourceVersion": found["resourceVersion"], **changed}})
        except ApiError as error:
            if not error.conflict or not left:
                raise
        else:
            return


async def _living(writer: Writer, pod: Pod) -> Body:
    try:
        body = await writer.read(PODS, pod.namespace, pod.name)
    except ApiError as error:
        if error.missing:
            raise PodGoneError(pod.id) from None
        raise
    if body["metadata"]["uid"] != pod.uid or "deletionTimestamp" in body["metadata"]:
        raise PodGoneError(pod.id)
    return body


async def _patched(writer: Writer, pod: Pod, body: Body, subresource: str | None = None, *kind: str) -> None:
    try:
        await writer.patch(PODS, pod.namespace, pod.name, body, subresource, *kind)
    except ApiError as error:
        if error.missing:
            raise PodGoneError(pod.id) from None
        raise


def _others_cost(annotations: Texts) -> int | None:
    """The deletion cost that somebody else gave."""
    try:
        return None if _is_own_cost(annotations) else int(annotations[DELETION_COST])
    except (KeyError, ValueError):
        return None


def _is_own_cost(annotations: Texts) -> bool:
    return annotations.get(DELETION_COST) in {str(cost) for cost in OWN_COSTS}
