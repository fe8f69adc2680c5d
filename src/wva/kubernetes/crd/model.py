"""A ``VariantAutoscaling`` object: the reference's fields, and what WVA adds to them.

The models accept what the API server accepts by ``schema``: unknown fields are dropped and nulls count as absent.
Whether fields agree with each other (minimum and maximum) is for the controller to say, in a condition.
"""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, Strict, model_validator

from wva.fleet.variant import Role
from wva.kubernetes.crd.schema import COST_PATTERN, DURATION_PATTERN, LARGEST


def _text(value: object) -> object:
    if not isinstance(value, str) or value.isdecimal():
        raise ValueError("must be a time such as 2026-02-19T10:00:00Z")
    return value


Text = Annotated[str, Strict()]
Count = Annotated[int, Strict(), Field(ge=0, le=LARGEST)]
Duration = Annotated[str, Strict(), Field(pattern=DURATION_PATTERN)]
Instant = Annotated[AwareDatetime, BeforeValidator(_text)]


class _Part(BaseModel):
    """Base of every part of the object."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if value is not None}


class ScaleTargetRef(_Part):
    """The object whose count is decided."""

    api_version: Text | None = Field(default=None, alias="apiVersion")
    kind: Text
    name: Text


class ObjectivesSpec(_Part):
    """What users of the model are promised."""

    ttft: Duration
    """Time to first token."""
    tpot: Duration
    """Time per output token after the first."""


class Spec(_Part):
    """What is wanted."""

    scale_target_ref: ScaleTargetRef = Field(alias="scaleTargetRef")
    model_id: Annotated[str, Strict(), Field(min_length=1, alias="modelID")]
    variant_cost: Annotated[str, Strict(), Field(pattern=COST_PATTERN, alias="variantCost")] = "10.0"
    role: Role | None = None
    min_replicas: Count | None = Field(default=None, alias="minReplicas")
    max_replicas: Annotated[int, Strict(), Field(ge=1, le=LARGEST)] | None = Field(default=None, alias="maxReplicas")
    objectives: ObjectivesSpec | None = None
    priority: Annotated[int, Strict(), Field(ge=-LARGEST, le=LARGEST)] | None = None


class Allocation(_Part):
    """What was decided last."""

    last_run_time: Instant | None = Field(default=None, alias="lastRunTime")
    accelerator: Text | None = None
    num_replicas: Count | None = Field(default=None, alias="numReplicas")


class Actuation(_Part):
    """Whether it was carried out."""

    applied: Annotated[bool, Strict()] | None = None


class ConditionSpec(_Part):
    """``metav1.Condition``."""

    type: Annotated[str, Strict(), Field(min_length=1, max_length=316)]
    status: Literal["True", "False", "Unknown"]
    reason: Annotated[str, Strict(), Field(min_length=1, max_length=1024)]
    message: Annotated[str, Strict(), Field(max_length=32768)]
    last_transition_time: Instant = Field(alias="lastTransitionTime")
    observed_generation: Annotated[int, Strict(), Field(ge=0)] | None = Field(default=None, alias="observedGeneration")


class DecisionStatus(_Part):
    """The decision that the allocation comes from."""

    id: Text
    reasons: tuple[Text, ...] = ()
    """In short; the journal has the rest."""


class Status(_Part):
    """What was seen and decided."""

    desired_optimized_alloc: Allocation | None = Field(default=None, alias="desiredOptimizedAlloc")
    actuation: Actuation | None = None
    conditions: tuple[ConditionSpec, ...] = ()
    current_replicas: Count | None = Field(default=None, alias="currentReplicas")
    decision: DecisionStatus | None = None


class VariantAutoscalingBody(_Part):
    """The whole object, but for what every object has."""

    spec: Spec
    status: Status | None = None
