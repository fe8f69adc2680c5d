"""From API objects to models and variants: what is declared, what it scales, and what is missing to decide on it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from wva.fleet.catalogue import packaged_models
from wva.fleet.model import Model, Objectives
from wva.fleet.shape import ModelShape
from wva.fleet.variant import Role, Variant
from wva.kubernetes.accelerator import Resolution, resolve
from wva.kubernetes.arguments.server import ServerArguments
from wva.kubernetes.conditions import Aspect, Because, Condition
from wva.kubernetes.configuration.parse import SATURATION, SCALE_TO_ZERO, Accepted
from wva.kubernetes.configuration.settings import ConfigMaps, ModelSettings, model_settings
from wva.kubernetes.decidable import decidable, undecidable
from wva.kubernetes.declaration import Declaration, Source, is_managed, of_scaler, of_variant_autoscaling
from wva.kubernetes.objects.config_map import Namespace
from wva.kubernetes.objects.meta import Meta, Unreadable
from wva.kubernetes.objects.scaler import Scaler, Target
from wva.kubernetes.objects.variant_autoscaling import VariantAutoscaling
from wva.kubernetes.objects.workload import Template, Workload
from wva.kubernetes.scope import Scope
from wva.kubernetes.served_model import served_model
from wva.kubernetes.unchanged import Unchanged

ROLE_LABEL = "llm-d.ai/role"


@dataclass(frozen=True, slots=True)
class Cluster:
    """The objects that discovery reads, and the catalogue."""

    variant_autoscalings: Sequence[VariantAutoscaling] = ()
    scalers: Sequence[Scaler] = ()
    workloads: Mapping[tuple[str, str, str], Workload] = field(default_factory=dict)
    """By kind, namespace and name."""
    namespaces: Mapping[str, Namespace] = field(default_factory=dict)
    config_maps: ConfigMaps = field(default_factory=dict)
    shapes: Mapping[str, ModelShape] = field(default_factory=packaged_models)
    """Models that there are figures for."""
    unreadable: Sequence[Unreadable] = ()
    """``VariantAutoscaling`` objects too."""

    def workload(self, target: Target) -> Workload | None:
        """The object that a target means."""
        found = self.workloads.get((target.kind, target.namespace, target.name))
        return found if found is not None and found.api_version.rpartition("/")[0] == target.group else None


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where nobody says otherwise."""

    objectives: Objectives = field(default_factory=lambda: Objectives(ttft_s=2.0, tpot_s=0.1))
    priority: int = 1
    max_replicas: int = 100
    startup_s: float = 180.0
    """Seconds from order to ready, until starts were measured: the reference's 32B model took 105 to 130 s."""
    to_zero: bool = False


@dataclass(frozen=True, slots=True)
class Discovered:
    """One declared variant, as far as it is understood."""

    meta: Meta
    """Of the object that declares it."""
    source: Source
    declaration: Declaration | None
    """``None`` where it is not accepted."""
    workload: Workload | None
    """What it scales; ``None`` where that is missing."""
    accelerator: Resolution | None
    variant: Variant | None
    """``None`` where something is missing to decide on it: its count is then left as it is."""
    model: Model | None
    settings: ModelSettings
    conditions: tuple[Condition, ...]
    notices: tuple[str, ...] = ()
    """What is odd but does not stop anything, one line each."""


def discover(
    cluster: Cluster, scope: Scope, defaults: Defaults, unchanged: Unchanged | None = None
) -> tuple[Discovered, ...]:
    """All variants of the scope, by namespace and name; those of one model agree on its objectives and priority.

    ``unchanged`` spares the work on what is as it was the last time.
    """
    unchanged = unchanged or Unchanged()
    unchanged.look()
    found = _unique(_declared(cluster, scope, unchanged))
    resolved = []
    for meta, source, told in found:
        workload = None if isinstance(told, Condition) else cluster.workload(told.target)
        maps = [cluster.config_maps.get(place) for place in _places(scope, meta)]
        of = (meta, source, told, workload, scope, defaults, cluster.shapes, *maps)
        resolved.append(unchanged.once((source, meta.key), _resolved, *of))
    by_model = defaultdict[str, list[Discovered]](list)
    alone = []
    for each in resolved:
        if each.declaration is None:
            alone.append(each)
        else:
            by_model[each.declaration.model_key].append(each)
    agreed = [
        each for key, own in by_model.items() for each in unchanged.once(("agreed", key), _agreed, defaults, *own)
    ]
    return tuple(sorted([*alone, *agreed], key=lambda each: (each.meta.key, each.source)))


_Told = tuple[Meta, Source, Declaration | Condition]


def _declared(cluster: Cluster, scope: Scope, unchanged: Unchanged) -> Iterable[_Told]:
    for custom in cluster.variant_autoscalings:
        if scope.covers(custom.meta, cluster.namespaces):
            source = Source.VARIANT_AUTOSCALING
            yield custom.meta, source, unchanged.once((source, custom.meta.key, "told"), _of_custom, custom)
    for each in cluster.unreadable:
        if scope.covers(each.meta, cluster.namespaces):
            problem = f"it is not as this kind is to be, correct or delete it: {each.problem}"
            yield each.meta, Source.VARIANT_AUTOSCALING, _not_accepted(Because.UNREADABLE, problem)
    for scaler in cluster.scalers:
        if is_managed(scaler) and scope.covers(scaler.meta, cluster.namespaces):
            source = Source(scaler.kind.value)
            yield scaler.meta, source, unchanged.once((source, scaler.meta.key, "told"), _of_scaler, scaler)


def _of_custom(found: VariantAutoscaling) -> Declaration | Condition:
    return _or_refused(of_variant_autoscaling(found))


def _of_scaler(found: Scaler) -> Declaration | Condition:
    return _or_refused(of_scaler(found))


def _or_refused(told: Declaration | str) -> Declaration | Condition:
    return _not_accepted(Because.INVALID, told) if isinstance(told, str) else told


def _not_accepted(because: Because, message: str) -> Condition:
    return Condition(Aspect.ACCEPTED, False, because, message)


def _unique(told: Iterable[_Told]) -> list[_Told]:
    """One declaration a target and a name: by kind in the order of ``Source``, then the oldest, then by name."""
    order = list(Source)
    ranked = sorted(told, key=lambda each: (order.index(each[1]), each[0].created_at or 0.0, each[0].key))
    targets: dict[tuple[str, str, str, str], Meta] = {}
    names: dict[tuple[str, str], Source] = {}
    unique: list[_Told] = []
    for meta, source, declared in ranked:
        known: Declaration | Condition = declared
        if isinstance(declared, Declaration):
            target = declared.target
            place = (target.group, target.kind, target.namespace, target.name)
            if place in targets:
                message = f"{target} is the target of {targets[place].name} already; keep one of the two"
                known = _not_accepted(Because.DUPLICATE, message)
            elif meta.key in names:
                # Variants are told apart by namespace and name, here as in gauges.
                message = f"{names[meta.key]} {meta.name} is a variant of this name already; rename one of the two"
                known = _not_accepted(Because.NAME_TAKEN, message)
            else:
                targets[place], names[meta.key] = meta, source
        unique.append((meta, source, known))
    return unique


def _places(scope: Scope, meta: Meta) -> list[tuple[str, str]]:
    """The ConfigMaps that say something of what an object declares."""
    return [(namespace, name) for namespace in (scope.home, meta.namespace) for name in (SATURATION, SCALE_TO_ZERO)]


def _resolved(
    meta: Meta,
    source: Source,
    told: Declaration | Condition,
    workload: Workload | None,
    scope: Scope,
    defaults: Defaults,
    shapes: Mapping[str, ModelShape],
    *maps: Accepted | None,
) -> Discovered:
    """``workload`` is the target's, ``maps`` are those of ``_places``."""
    if isinstance(told, Condition):
        return Discovered(meta, source, None, None, None, None, None, ModelSettings(), (told,))
    known_maps = {place: found for place, found in zip(_places(scope, meta), maps, strict=True) if found is not None}
    settings = model_settings(
        known_maps, scope.home, meta.namespace, told.model_id, to_zero_by_default=defaults.to_zero
    )
    accepted = Condition(Aspect.ACCEPTED, True, Because.ACCEPTED)
    target = _target_condition(told.target, workload)
    notices = (settings.problem,) if settings.problem else ()
    bare = Discovered(meta, source, told, workload, None, None, None, settings, (accepted, target), notices)
    if workload is None or not target.holds:
        return replace(bare, workload=None)
    server = workload.template.server
    accelerator = resolve(workload.template.placement, dict(meta.labels))
    notices = (
        *notices,
        *(() if isinstance(server, str) else server.problems),
        *(() if accelerator.name is None or accelerator.reason is None else (accelerator.reason,)),
    )
    known = replace(bare, accelerator=accelerator, notices=notices)
    enough = decidable(workload.template, accelerator)
    if isinstance(enough, Condition):
        return replace(known, conditions=(accepted, target, enough))
    arguments, name = enough
    served = served_model(told.model_id, arguments, shapes)
    if isinstance(served, str):
        return replace(known, conditions=(accepted, target, undecidable(Because.UNKNOWN_MODEL, served)))
    priority = round(settings.priority) if settings.priority is not None else defaults.priority
    model = Model(
        name=told.model_key,
        namespace=meta.namespace,
        shape=served.shape,
        precision=served.precision,
        objectives=told.objectives or defaults.objectives,
        priority=priority if told.priority is None else told.priority,
        retention_s=settings.retention_s,
    )
    return replace(known, variant=_variant(told, workload.template, arguments, name, defaults), model=model)


def _target_condition(target: Target, workload: Workload | None) -> Condition:
    if workload is None:
        message = f"{target} is not there; create it, or correct the target"
        return Condition(Aspect.TARGET_RESOLVED, False, Because.TARGET_NOT_FOUND, message)
    if workload.meta.deleted_at is not None:
        return Condition(Aspect.TARGET_RESOLVED, False, Because.TARGET_DELETED, f"{target} is being deleted")
    return Condition(Aspect.TARGET_RESOLVED, True, Because.TARGET_FOUND, f"{target} is there")


def _variant(
    told: Declaration, template: Template, server: ServerArguments, accelerator: str, defaults: Defaults
) -> Variant:
    return Variant(
        name=told.key,
        model=told.model_key,
        role=told.role or _role(dict(template.labels).get(ROLE_LABEL)),
        accelerator=accelerator,
        tensor_parallel=server.tensor_parallel or 1,
        engine=server.engine,
        cost_per_hour=told.cost_per_hour,
        min_replicas=told.min_replicas or 0,
        max_replicas=defaults.max_replicas if told.max_replicas is None else told.max_replicas,
        startup_s=defaults.startup_s,
        scale_target=str(told.target),
    )


def _role(label: str | None) -> Role:
    return Role(label) if label in (Role.PREFILL, Role.DECODE) else Role.BOTH


def _agreed(defaults: Defaults, *own: Discovered) -> list[Discovered]:
    """One model's variants with what they have in common: the strictest objectives, the highest priority.

    Where the model may not go to zero, the cheapest of each role keeps one replica, unless another one must anyway.
    """
    stated = [each.declaration.objectives for each in own if each.declaration and each.declaration.objectives]
    objectives = defaults.objectives
    if stated:
        objectives = Objectives(min(each.ttft_s for each in stated), min(each.tpot_s for each in stated))
    priority = max((each.model.priority for each in own if each.model is not None), default=defaults.priority)
    shapes = {(each.model.shape, each.model.precision): each for each in own if each.model is not None}
    kept = _kept(own)
    agreed = []
    for each in own:
        if each.model is None or each.variant is None:
            agreed.append(each)
            continue
        model = replace(each.model, objectives=objectives, priority=priority)
        variant = replace(each.variant, min_replicas=1) if each.variant.name in kept else each.variant
        notices = each.notices
        if len(shapes) > 1:
            names = ", ".join(f"{shape} in {precision}" for shape, precision in sorted(shapes))
            notices = (*notices, f"variants of {model.name} serve different models: {names}")
        agreed.append(replace(each, model=model, variant=variant, notices=notices))
    return agreed


def _kept(own: Sequence[Discovered]) -> set[str]:
    """Names of the variants that keep a replica for a model that may not go to zero."""
    by_role = defaultdict[Role, list[Variant]](list)
    for each in own:
        if each.variant is not None and not each.settings.scale_to_zero:
            by_role[each.variant.role].append(each.variant)
    kept = set()
    for variants in by_role.values():
        if not any(variant.min_replicas for variant in variants):
            kept.add(min(variants, key=lambda variant: (variant.cost_per_hour, variant.name)).name)
    return kept
