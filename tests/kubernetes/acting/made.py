"""Variants as the acting part gets them, made of API objects."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.kubernetes import bodies
from tests.kubernetes.bodies import NOW_S
from wva.fleet.plan import Plan, VariantPlan, Victim
from wva.fleet.variant import EngineArguments, Role, Variant
from wva.kubernetes.acting.drain import (
    Draining,
    DrainKind,
    chooses_victims,
    drain_method,
    out_of_service,
    written,
)
from wva.kubernetes.conditions import Aspect, Because, Condition
from wva.kubernetes.configuration.settings import ModelSettings
from wva.kubernetes.declaration import Source
from wva.kubernetes.discovery import Discovered
from wva.kubernetes.follower import traits
from wva.kubernetes.managed import Managed
from wva.kubernetes.objects.meta import meta
from wva.kubernetes.objects.pod import SERVING_GATE, Pod, pod
from wva.kubernetes.objects.scaler import Scaler
from wva.kubernetes.objects.selector import Selector, selector
from wva.kubernetes.objects.workload import Workload, workload
from wva.kubernetes.orders import Act, VariantOrders
from wva.kubernetes.ownership import Mode
from wva.kubernetes.replicas import variant_observation

NAME = "team/v"
NOW = NOW_S + 600
FREE = Condition(Aspect.CONFLICT, False, Because.NO_CONFLICT)
ROUTE = selector({"matchLabels": {"app": "d", "route": "on"}})
"""What a Service selects by: only the label ``route`` can be taken off."""


def deployment(replicas: int, *, gated: bool = False, **more: Any) -> Workload:
    """A Deployment ``d`` at rest."""
    template = bodies.template("--model=m", app="d", route="on")
    if gated:
        template["spec"]["readinessGates"] = [{"conditionType": SERVING_GATE}]
    return replace(workload(bodies.deployment("d", replicas, pod=template)), **more)


def made(name: str, **more: Any) -> Pod:
    """A pod of it that is ready since ten minutes ago."""
    known = {"ready": True, "changed_at": NOW - 600, "created_at": NOW - 700}
    return replace(pod(bodies.pod(name, ownerReferences=bodies.owned_by("ReplicaSet", "d-5f"))), **{**known, **more})


def out(name: str, kind: DrainKind, since: float = NOW - 60, deadline: float = NOW + 540, **more: Any) -> Pod:
    """A pod that is out of service."""
    begun = Draining(since, deadline, kind, (("route", "on"),) if kind is DrainKind.LABEL else ())
    given = {"serving": False, "ready": False} if kind is DrainKind.GATE else {}
    return made(name, **{**given, **more, "draining": written(begun)})


def managed(
    found: Workload,
    pods: Sequence[Pod],
    *,
    mode: Mode = Mode.DIRECT,
    conflict: Condition = FREE,
    least: int = 0,
    most: int = 20,
    paused: bool = False,
    following: tuple[Scaler, ...] = (),
    routes: Sequence[Selector] = (ROUTE,),
    version: tuple[int, int] = (1, 20),
    gpus: int = 1,
    name: str = NAME,
    marks: Mapping[str, Draining] | None = None,
) -> Managed:
    """The variant."""
    variant = Variant(name, "team/m", Role.BOTH, "H100-80GB", gpus, EngineArguments(), 10.0, least, most, 180.0)
    method = drain_method(found, (), routes)
    draining = out_of_service(pods) if marks is None else marks
    carrier = traits(
        mode, following[0] if following else None, found.replicas, drains=method.drains,
        chooses_victims=chooses_victims(found, method, version),
    )  # fmt: skip
    marked = {pod: known.since for pod, known in draining.items()}
    declared = meta({"metadata": bodies.metadata(name.partition("/")[2])})
    return Managed(
        found=Discovered(declared, Source.HPA, None, found, None, variant, None, ModelSettings(), ()),
        variant=variant,
        workload=found,
        pods=tuple(pods),
        orders=VariantOrders(Act.DIRECT, paused),
        scalers=following,
        following=following,
        mode=mode,
        conflict=conflict,
        drain=method,
        draining=draining,
        observation=variant_observation(variant, found, pods, None, carrier, NOW, marked),
    )


def part(target: int, expected: int = 0, victims: Sequence[str] = (), **more: Any) -> VariantPlan:
    """A plan's part; victims and others are named without their namespace."""
    named = tuple(Victim(f"team/{name}", None) for name in victims)
    return VariantPlan(NAME, expected, target, target, victims=named, **more)


def plan(*parts: VariantPlan, valid_until: float = NOW + 15) -> Plan:
    """A plan of those parts."""
    return Plan("p", "o", valid_until, parts)
