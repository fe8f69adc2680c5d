"""What is measured of a fleet, and where."""

from collections.abc import Mapping
from dataclasses import dataclass

from wva.fleet.observation import Traffic
from wva.fleet.replica import InstanceMetrics


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one engine instance is reached."""

    instance: str
    """Id of the instance, as in the body's observation of it."""
    model: str
    variant: str
    url: str
    """Base of its addresses, such as ``http://127.0.0.1:8101``."""


@dataclass(frozen=True, slots=True)
class InstanceReading:
    """What one instance reports."""

    metrics: InstanceMetrics | None
    """``None`` when nothing that can be believed was read."""
    kv_capacity_tokens: int | None


@dataclass(frozen=True, slots=True)
class LoadReading:
    """What an instance says of its load now: what routing goes by. ``None`` is unknown.

    While requests queue at the gateway, room on a replica shows only in a reading or in a first token, so readings must
    come often: the simulated gateway has one every 100 ms.
    """

    age_s: float
    """Seconds since it was asked."""
    running: float | None = None
    waiting: float | None = None
    kv_usage: float | None = None
    """Share of the KV cache in use, 0 to 1."""
    kv_capacity_tokens: int | None = None
    waiting_for_capacity: float | None = None
    """How many of those that wait do so for KV cache or a slot; where it is unknown, all of them."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What was measured, up to one instant."""

    instances: Mapping[str, InstanceReading]
    """By the id of the instance; one that is absent is unknown."""
    traffic: Mapping[str, Traffic]
    """By model; one that is absent is unknown."""
