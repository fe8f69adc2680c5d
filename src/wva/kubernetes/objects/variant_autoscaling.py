"""``VariantAutoscaling`` objects."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from wva.fleet.variant import Role
from wva.kubernetes.crd.model import VariantAutoscalingBody
from wva.kubernetes.objects.meta import Meta, meta
from wva.kubernetes.objects.scaler import Target


@dataclass(frozen=True, slots=True)
class VariantAutoscaling:
    """A variant as its object declares it; ``None`` was not given."""

    meta: Meta
    target: Target
    model_id: str
    cost: str
    role: Role | None
    min_replicas: int | None
    max_replicas: int | None
    ttft: str | None
    """Objectives as they are written: ``500ms``."""
    tpot: str | None
    priority: int | None
    desired: int | None
    """The count that was decided last, by the object's status."""


def variant_autoscaling(body: Mapping[str, Any]) -> VariantAutoscaling | str:
    """The object, or why it is none, in one line: an API server without the schema lets anything in."""
    try:
        found = _validated(body)
    except ValidationError as error:
        first = error.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    spec, about = found.spec, meta(body)
    reference = spec.scale_target_ref
    allocation = None if found.status is None else found.status.desired_optimized_alloc
    return VariantAutoscaling(
        meta=about,
        target=Target(reference.api_version or "apps/v1", reference.kind, about.namespace, reference.name),
        model_id=spec.model_id,
        cost=spec.variant_cost,
        role=spec.role,
        min_replicas=spec.min_replicas,
        max_replicas=spec.max_replicas,
        ttft=None if spec.objectives is None else spec.objectives.ttft,
        tpot=None if spec.objectives is None else spec.objectives.tpot,
        priority=spec.priority,
        desired=None if allocation is None else allocation.num_replicas,
    )


def _validated(body: Mapping[str, Any]) -> VariantAutoscalingBody:
    """The object, without a status that is not as it is to be: nobody but controllers could mend that."""
    try:
        return VariantAutoscalingBody.model_validate(body)
    except ValidationError as error:
        if any(each["loc"][:1] != ("status",) for each in error.errors()):
            raise
        return VariantAutoscalingBody.model_validate({**body, "status": None})
