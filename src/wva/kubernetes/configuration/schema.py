"""The entries of the two ConfigMaps, each a YAML document under a key of its own."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, model_validator

from wva.fleet.duration import parse_duration

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Boundary = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Switch = Annotated[bool, Strict()]


def _retention(value: object) -> object:
    seconds = parse_duration(value)
    if seconds == 0:
        raise ValueError("must be longer than 0s")
    return seconds


_OF_THE_REFERENCE = {"enableRescale"}
"""Settings that say nothing here and are right all the same: hardware is shared between models without them."""


class Entry(BaseModel):
    """One document. What is absent is not said, so that another entry may say it; 0 and false are said."""

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True, protected_namespaces=())

    model_id: str | None = None
    """The model that it is about; ``default`` is about all."""
    namespace: str | None = None
    """The namespace that it is limited to."""

    @property
    def unknown(self) -> tuple[str, ...]:
        """Names in it that say nothing here, as misspelt ones."""
        return tuple(sorted((self.model_extra or {}).keys() - _OF_THE_REFERENCE))


class ToZero(BaseModel):
    """``scaleToZero`` of a saturation entry."""

    model_config = ConfigDict(extra="allow", frozen=True)

    enabled: Switch | None = None


class SaturationEntry(Entry):
    """An entry of ``wva-saturation-scaling-config``; analyzers and limiters are accepted, whatever they are."""

    kv_cache_threshold: Share | None = Field(default=None, alias="kvCacheThreshold")
    queue_length_threshold: Annotated[float, Field(ge=0)] | None = Field(default=None, alias="queueLengthThreshold")
    kv_spare_trigger: Share | None = Field(default=None, alias="kvSpareTrigger")
    queue_spare_trigger: Annotated[float, Field(ge=0)] | None = Field(default=None, alias="queueSpareTrigger")
    scale_up_threshold: Boundary | None = Field(default=None, alias="scaleUpThreshold")
    scale_down_boundary: Boundary | None = Field(default=None, alias="scaleDownBoundary")
    enable_limiter: Switch | None = Field(default=None, alias="enableLimiter")
    priority: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    analyzer_name: str | None = Field(default=None, alias="analyzerName")
    analyzers: tuple[dict[str, Any], ...] | None = None
    limiters: tuple[dict[str, Any], ...] | None = None
    scale_to_zero: ToZero | None = Field(default=None, alias="scaleToZero")

    @property
    def unknown(self) -> tuple[str, ...]:
        """Those of its parts included."""
        inner = () if self.scale_to_zero is None else sorted(self.scale_to_zero.model_extra or ())
        return (*super().unknown, *(f"scaleToZero.{name}" for name in inner))

    @model_validator(mode="after")
    def _pairs_agree(self) -> Self:
        if problem := disagreement(self):
            raise ValueError(problem)
        return self


class ScaleToZeroEntry(Entry):
    """An entry of ``wva-model-scale-to-zero-config``."""

    enable_scale_to_zero: Switch | None = None
    retention_period: Annotated[float, BeforeValidator(_retention)] | None = None
    """Seconds without arrivals."""


def disagreement(entry: SaturationEntry) -> str | None:
    """What contradicts itself in it, if anything."""
    up, down = entry.scale_up_threshold, entry.scale_down_boundary
    if up is not None and down is not None and up <= down:
        return f"scaleUpThreshold {up:g} must be above scaleDownBoundary {down:g}"
    trigger, threshold = entry.kv_spare_trigger, entry.kv_cache_threshold
    if trigger is not None and threshold is not None and trigger > threshold:
        return f"kvSpareTrigger {trigger:g} must not be above kvCacheThreshold {threshold:g}"
    return None
