"""A live fleet's file as the settings of the parts that carry it out."""

from wva.control.settings import LoopSettings
from wva.engine.routing_cost import full_load_s
from wva.gateway.settings import GatewaySettings, ServedModel
from wva.local.schema import FleetSpec
from wva.prometheus.scraper import ScraperSettings
from wva.scenario.nouns import fleet_models

LOOK_S = 0.25
"""Seconds on the wall between two readings of a replica for routing. A page costs a server some milliseconds."""


def gateway_settings(fleet: FleetSpec) -> GatewaySettings:
    """How the gateway routes and holds."""
    spec = fleet.gateway
    return GatewaySettings(
        queue=spec.queue,
        hold_above=spec.hold_above,
        hold_above_kv=spec.hold_above_kv,
        first_token_timeout=spec.first_token_timeout,
        total_timeout=spec.total_timeout,
        queue_timeout=spec.queue_timeout,
        routing=spec.routing,
        stall_timeout=spec.stall_timeout,
        # Ten readings that did not come, however fast the clock is.
        reading_max_age=max(30.0, 10 * LOOK_S * fleet.speed),
        max_queued_requests=spec.max_queued_requests,
        max_queued_bytes=spec.max_queued_bytes,
        max_body_bytes=spec.max_body_bytes,
        clock_speed=fleet.speed,
    )


def served_models(fleet: FleetSpec) -> tuple[ServedModel, ...]:
    """The models that clients may ask for."""
    return tuple(
        ServedModel(
            name=model.name,
            priority=model.priority,
            full_load_s=full_load_s(model.objectives),
            objectives=model.objectives,
        )
        for model in fleet_models(fleet)
    )


def scraper_settings(fleet: FleetSpec) -> ScraperSettings:
    """How often replicas are asked: on the wall for routing, and in the fleet's time for the windows of policies."""
    look_s = LOOK_S * fleet.speed
    return ScraperSettings(interval_s=min(look_s, fleet.control.scrape), sample_s=fleet.control.scrape)


def loop_settings(fleet: FleetSpec) -> LoopSettings:
    """How often the loop turns."""
    return LoopSettings.paced(fleet.control.interval, fleet.speed)
