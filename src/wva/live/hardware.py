"""What each variant's servers are, by the engine model: how fast, and how much power they draw."""

from collections.abc import Mapping, Sequence

from wva.emulator.engine import LiveEngine
from wva.engine.build import build_server
from wva.engine.load_power import mean_power_w
from wva.engine.mix import RequestMix
from wva.engine.server import Server
from wva.fleet.catalogue import accelerator, model_shape
from wva.fleet.observation import VariantObservation
from wva.fleet.replica import InstanceMetrics, Phase, Replica
from wva.local.schema import FleetSpec
from wva.scenario.nouns import fleet_models, fleet_variants

_SERVING = (Phase.READY, Phase.DRAINING)


def modelled_servers(fleet: FleetSpec) -> dict[str, Server]:
    """The server of every variant, by its name. Raises ``UserError`` for a model that does not fit its hardware."""
    models = {model.name: model for model in fleet_models(fleet)}
    return {
        variant.name: build_server(
            model_shape(models[variant.model].shape),
            accelerator(variant.accelerator),
            variant.tensor_parallel,
            models[variant.model].precision,
            variant.engine,
        )
        for variant in fleet_variants(fleet)
    }


def compile_engine(fleet: FleetSpec, servers: Mapping[str, Server]) -> None:
    """Compile the engine model where replicas are emulated, so that they find it and do not each do it at once."""
    emulated = [name for name, server in fleet.servers().items() if "emulate" in server.command]
    if emulated:
        LiveEngine(servers[emulated[0]])


def variant_power_w(seen: VariantObservation, server: Server) -> float | None:
    """What the GPUs of a variant's replicas draw, in watts; ``None`` where it is unknown of one."""
    on_hardware = [replica for replica in seen.replicas if replica.phase is not Phase.PENDING]
    return added_up([_replica_power_w(replica, server) for replica in on_hardware])


def added_up(values: Sequence[float | None]) -> float | None:
    """The sum; ``None`` where one is unknown."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _replica_power_w(replica: Replica, server: Server) -> float | None:
    if server.power is None:
        return None
    if replica.phase not in _SERVING:
        return server.power.standing_w
    return added_up([_instance_power_w(instance.metrics, server) for instance in replica.instances])


def _instance_power_w(metrics: InstanceMetrics | None, server: Server) -> float | None:
    if metrics is None or metrics.running is None:
        return None
    if metrics.running == 0:
        return mean_power_w(server, RequestMix(1.0, 1.0), 0.0, 0.0)
    prompt, answer = metrics.input_tokens_mean_5m, metrics.output_tokens_mean_5m
    rate = metrics.requests_finished_rate_5m
    if prompt is None or answer is None or rate is None:
        return None
    mix = RequestMix(max(1.0, prompt), max(1.0, answer), min(1.0, metrics.prefix_hit_rate_5m or 0.0))
    return mean_power_w(server, mix, rate, metrics.running)
