"""A variant as somebody declares it: by a ``VariantAutoscaling``, or by annotations on an HPA or a ScaledObject."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from wva.fleet.duration import parse_duration
from wva.fleet.model import Objectives
from wva.fleet.variant import Role
from wva.kubernetes.objects.meta import Meta
from wva.kubernetes.objects.scaler import Scaler, ScalerKind, Target
from wva.kubernetes.objects.variant_autoscaling import VariantAutoscaling

MANAGED = "llm-d.ai/managed"
MODEL_ID = "llm-d.ai/model-id"
COST = "llm-d.ai/variant-cost"
TTFT = "wva.llmd.ai/objective-ttft"
TPOT = "wva.llmd.ai/objective-tpot"
PRIORITY = "wva.llmd.ai/priority"
DEFAULT_COST = "10.0"

T = TypeVar("T")


class Source(StrEnum):
    """Kind of the object that declares; the first goes before the others where several mean one target."""

    VARIANT_AUTOSCALING = "VariantAutoscaling"
    SCALED_OBJECT = "ScaledObject"
    HPA = "HorizontalPodAutoscaler"


@dataclass(frozen=True, slots=True)
class Declaration:
    """What is declared; ``None`` was not given."""

    source: Source
    meta: Meta
    target: Target
    model_id: str
    cost_per_hour: float
    role: Role | None
    min_replicas: int | None
    max_replicas: int | None
    objectives: Objectives | None
    priority: int | None
    desired: int | None
    """The count that was decided last, where the object remembers it."""

    @property
    def key(self) -> str:
        """Name in the fleet: two namespaces may have variants of one name."""
        return f"{self.meta.namespace}/{self.meta.name}"

    @property
    def model_key(self) -> str:
        """Name of its model in the fleet: the same model in two namespaces is two."""
        return f"{self.meta.namespace}/{self.model_id}"


def is_managed(scaler: Scaler) -> bool:
    """Whether a scaler declares a variant."""
    return scaler.meta.annotation(MANAGED) == "true"


def of_scaler(scaler: Scaler) -> Declaration | str:
    """What an annotated scaler declares, or what is wrong with its annotations, in one line."""
    about = scaler.meta
    model_id = about.annotation(MODEL_ID)
    if not model_id:
        return f"annotation {MODEL_ID} is missing; add the name that clients ask for"
    try:
        return Declaration(
            source=Source.HPA if scaler.kind is ScalerKind.HPA else Source.SCALED_OBJECT,
            meta=about,
            target=scaler.target,
            model_id=model_id,
            cost_per_hour=_cost(about.annotation(COST) or DEFAULT_COST, f"annotation {COST}"),
            role=None,
            min_replicas=scaler.min_replicas,
            max_replicas=scaler.max_replicas,
            objectives=_objectives(about.annotation(TTFT), about.annotation(TPOT)),
            priority=_priority(about.annotation(PRIORITY)),
            desired=scaler.desired,
        )
    except ValueError as error:
        return str(error)


def of_variant_autoscaling(found: VariantAutoscaling) -> Declaration | str:
    """What a ``VariantAutoscaling`` declares, or what is wrong with it, in one line."""
    least, most = found.min_replicas, found.max_replicas
    if least is not None and most is not None and least > most:
        return f"minReplicas {least} is above maxReplicas {most}"
    try:
        return Declaration(
            source=Source.VARIANT_AUTOSCALING,
            meta=found.meta,
            target=found.target,
            model_id=found.model_id,
            cost_per_hour=_cost(found.cost, "variantCost"),
            role=found.role,
            min_replicas=least,
            max_replicas=most,
            objectives=_objectives(found.ttft, found.tpot),
            priority=found.priority,
            desired=found.desired,
        )
    except ValueError as error:
        return str(error)


def _cost(text: str, where: str) -> float:
    try:
        cost = float(text)
    except ValueError:
        cost = -1.0
    if not 0 <= cost < float("inf"):
        raise ValueError(f"{where} must be a number of at least 0, not {text!r}")
    return cost


def _objectives(ttft: str | None, tpot: str | None) -> Objectives | None:
    if ttft is None and tpot is None:
        return None
    if ttft is None or tpot is None:
        raise ValueError("objectives need both, time to first token and time per output token")
    first, each = parse_duration(ttft), parse_duration(tpot)
    if not (first > 0 and each > 0):
        raise ValueError("objectives must be longer than 0s")
    return Objectives(ttft_s=first, tpot_s=each)


def _priority(text: str | None) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        raise ValueError(f"annotation {PRIORITY} must be a whole number, not {text!r}") from None
