"""What a gateway shows of a model, for tables: only the figures that matter."""

from dataclasses import fields
from typing import Any

from wva.fleet.model import Model, Objectives
from wva.fleet.observation import ModelObservation, Traffic

_UNKNOWN: dict[str, Any] = {field.name: None for field in fields(Traffic)}


def traffic(age_s: float = 1.0, **known: float | None) -> Traffic:
    """Traffic of which only this is known."""
    return Traffic(**{**_UNKNOWN, "age_s": age_s, **known})


def gateway(seen: Traffic | None, name: str = "m", ttft_s: float = 2.0, tpot_s: float = 0.1) -> ModelObservation:
    """A model with those objectives and that traffic."""
    return ModelObservation(
        Model(name, "default", "meta-llama/Llama-3.1-8B-Instruct", "bf16", Objectives(ttft_s, tpot_s), 0), seen
    )
