"""A variant in a cluster, and turns of the loop over it, for tests of what is said of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.kubernetes import bodies
from tests.record.builders import TRAFFIC
from tests.record.builders import metrics as figures
from wva.decide.memory import Quiet
from wva.decide.view import not_draining
from wva.fleet.observation import ModelObservation, Observation, Traffic, Trigger
from wva.fleet.outcome import Outcome, Result
from wva.fleet.plan import Plan, VariantPlan
from wva.fleet.reason import Reason
from wva.fleet.replica import Replica
from wva.fleet.tick import Tick, TickResult, Timings
from wva.kubernetes.discovery import Cluster, Defaults, Discovered
from wva.kubernetes.managed import Managed
from wva.kubernetes.objects.pod import pod
from wva.kubernetes.objects.scaler import horizontal_pod_autoscaler
from wva.kubernetes.objects.variant_autoscaling import VariantAutoscaling, variant_autoscaling
from wva.kubernetes.objects.workload import workload
from wva.kubernetes.orders import Act
from wva.kubernetes.picture import Picture, Remembered, look
from wva.kubernetes.reporting.turn import Turn, turn_of
from wva.kubernetes.scope import Scope
from wva.kubernetes.view import Setting, View

MODEL = "meta-llama/Llama-3.1-8B-Instruct"
VARIANT = "team/llama"
HOME = Scope(home="wva")
IDLE = Remembered(quiet={f"team/{MODEL}": Quiet(0.0, bodies.NOW_S, 0.0)})
"""Its model has long had no request, and may go to zero."""
QUIET: dict[str, str] = {}


def custom(name: str = "llama", spec: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A ``VariantAutoscaling`` of the Deployment of the same name."""
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    return {
        "apiVersion": "llmd.ai/v1alpha1",
        "kind": "VariantAutoscaling",
        "metadata": bodies.metadata(name, **more),
        "spec": {"scaleTargetRef": reference, "modelID": MODEL, "minReplicas": 0, **(spec or {})},
    }


def serving(
    name: str = "llama", replicas: int = 2, *, product: str | None = "NVIDIA-H100-80GB-HBM3", **more: Any
) -> dict[str, Any]:
    return bodies.deployment(name, replicas, pod=bodies.template(f"--model={MODEL}", product=product), **more)


def picture(*objects: dict[str, Any], act: Act = Act.DIRECT, remembered: Remembered = IDLE) -> Picture:
    """What is there by objects of any kind; every pod belongs to the Deployment that its name begins with."""
    customs, scalers, workloads, pods = [], [], {}, []
    for each in objects:
        match each["kind"]:
            case "Deployment":
                one = workload(each)
                workloads[one.kind, *one.meta.key] = one
            case "HorizontalPodAutoscaler":
                scalers.append(horizontal_pod_autoscaler(each))
            case "Pod":
                pods.append(pod(each))
            case _:
                found = variant_autoscaling(each)
                assert isinstance(found, VariantAutoscaling), found
                customs.append(found)
    cluster = Cluster(customs, scalers, workloads)
    view = View(
        cluster=cluster,
        pods=pods,
        pods_of=lambda uid: [one for one in pods if uid == f"uid-{one.name.partition('-')[0]}"],
        replica_sets=lambda uid: [],
        nodes=None,
    )
    return look(view, Setting(HOME, Defaults(to_zero=True), act=act), remembered, bodies.NOW_S)[0]


def usual(replicas: int = 2, annotations: Mapping[str, str] | None = None, **more: Any) -> Picture:
    """A variant at rest."""
    pods = [bodies.pod(f"llama-{place}") for place in range(replicas)]
    return picture(custom(annotations=dict(annotations or {})), serving(replicas=replicas), *pods, **more)


def one(found: Picture) -> Managed:
    return found.managed[VARIANT]


def declared(found: Picture) -> Discovered:
    return found.found[0]


def turn(
    found: Picture,
    target: int | None = 2,
    *,
    code: str = "hold",
    publish: int | None = -1,
    age_s: float | None = 3.0,
    unmeasured: Sequence[str] = (),
    traffic: Traffic | None = TRAFFIC,
    result: TickResult = TickResult.APPLIED,
    answer: Result = Result.APPLIED,
    detail: str | None = None,
    problems: Mapping[str, str] = QUIET,
    paused: bool = False,
    number: int = 1,
) -> Turn:
    """A turn that wants ``target`` of every variant; figures are ``age_s`` old, ``None`` where there are none."""
    variants = tuple(
        replace(
            each.observation,
            replicas=tuple(
                _measured(each, None if each.id in unmeasured else age_s) for each in each.observation.replicas
            ),
        )
        for each in found.managed.values()
    )
    plan = None
    if target is not None:
        parts = tuple(
            VariantPlan(
                each.variant.name,
                not_draining(each),
                target,
                target if publish == -1 else publish,
                (Reason("demand", "load 1.2 requests/s"), Reason(code, f"because of {number}")),
            )
            for each in variants
        )
        plan = Plan(f"plan-{number}", f"seen-{number}", bodies.NOW_S + 60, parts)
    seen = Observation(
        id=f"seen-{number}",
        now=bodies.NOW_S,
        trigger=Trigger.INTERVAL,
        scope=tuple(model.name for model in found.models),
        models=tuple(ModelObservation(model, traffic) for model in found.models),
        variants=variants,
        inventory=found.inventory,
        outcomes=(),
        configuration="",
    )
    outcomes = () if plan is None else tuple(
        Outcome(plan.id, part.variant, answer, part.target, detail) for part in plan.variants
    )  # fmt: skip
    nothing = result is TickResult.NOTHING_SEEN
    return turn_of(
        Tick(
            number=number,
            time=bodies.NOW_S,
            trigger=Trigger.INTERVAL,
            cause=None,
            result=result,
            observation=None if nothing else seen,
            plan=plan,
            outcomes=outcomes,
            timings=Timings(0.0, 0.0, 0.0, 0.0),
            shadows={},
            problems=dict(problems),
            paused=paused,
            pins={},
        )
    )


def _measured(replica: Replica, age_s: float | None) -> Replica:
    metrics = None if age_s is None else replace(figures(0.0), age_s=age_s)
    return replace(replica, instances=tuple(replace(each, metrics=metrics) for each in replica.instances))
