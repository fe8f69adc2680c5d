"""A live fleet as the scenario that simulates it."""

from pathlib import Path

from wva.fleet.errors import UserError
from wva.local.schema import FleetSpec
from wva.scenario.load import validated
from wva.scenario.schema import GatewaySpec, NodesSpec, Scenario, VariantSpec


def as_scenario(fleet: FleetSpec) -> Scenario:
    """The same models, variants, nodes, gateway, intervals and load, in virtual time.

    Raises:
        UserError: The fleet has no load to simulate.

    """
    if not fleet.workload:
        raise UserError(f"fleet {fleet.source}: workload: is missing, so there is nothing to simulate; add it")
    data = fleet.model_dump(include={"name", "models", "variants", "nodes", "gateway", "control", "workload"})
    data["variants"] = [_only(entry, VariantSpec) for entry in data["variants"]]
    data["nodes"] = None if data["nodes"] is None else [_only(entry, NodesSpec) for entry in data["nodes"]]
    data["gateway"] = _only(data["gateway"], GatewaySpec)
    return validated({**data, "seeds": (fleet.seed,)}, fleet.source, Path())


def _only(entry: dict[str, object], schema: type[VariantSpec | NodesSpec | GatewaySpec]) -> dict[str, object]:
    return {key: value for key, value in entry.items() if key in schema.model_fields}
