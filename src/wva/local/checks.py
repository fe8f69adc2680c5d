"""What must hold between the parts of a live fleet's file, and between it and this machine."""

from collections.abc import Iterable, Iterator, Mapping

from wva.fleet.catalogue import accelerators, models
from wva.fleet.errors import UserError
from wva.local.command import OF_A_REPLICA, fill, find_program, launch, of_a_variant, placeholders
from wva.local.schema import FleetSpec, LocalVariantSpec, PolicySpec, Server, Source
from wva.policies.registry import check_variants, make
from wva.scenario.checks import fleet_problems, unknown_names
from wva.scenario.validate import Problem


def problems(fleet: FleetSpec) -> Iterator[Problem]:
    """Everything that makes the fleet impossible, causes before what follows from them."""
    yield from fleet_problems(fleet)
    yield from unknown_names(fleet, models(), accelerators())
    yield from _policy("policy", fleet.policy, fleet)
    if fleet.shadow is not None:
        yield from _policy("shadow", fleet.shadow, fleet)
    yield from _ports(fleet)
    yield from _devices(fleet)
    if fleet.speed != 1 and fleet.metrics.source is Source.PROMETHEUS:
        yield "speed", f"is {fleet.speed:g}, but a Prometheus server keeps to the clock on the wall; leave speed out"


def command_problems(fleet: FleetSpec) -> Iterator[Problem]:
    """What keeps the commands of a fleet without other problems from running here."""
    for index, variant in enumerate(fleet.variants):
        server = fleet.servers()[variant.name]
        where = f"variants[{index}]" if variant.command else "replicas"
        if not server.command:
            yield f"variants[{index}].command", "is missing; add it here or as replicas.command"
        else:
            yield from ((f"{where}.{key}", what) for key, what in _command(fleet, variant, server))


def _command(fleet: FleetSpec, variant: LocalVariantSpec, server: Server) -> Iterator[Problem]:
    counted = fleet.nodes is not None
    values = {**of_a_variant(fleet, variant), **dict.fromkeys(OF_A_REPLICA if counted else OF_A_REPLICA[:-1], "0")}
    wrong = [
        (key, what)
        for key, templates in (("command", server.command), ("environment", server.environment.values()))
        for what in _wrong_templates(templates, values)
    ]
    if wrong:
        yield from wrong
        return
    started = launch(server, values, ("0",) if counted else None)
    names = placeholders(server)
    if "port" not in names:
        yield "command", "has no {port}; every replica needs a port of its own"
    if fleet.speed != 1 and "speed" not in names:
        yield "command", f"has no {{speed}}, so its replicas would not keep up with speed {fleet.speed:g}"
    if server.directory is not None and not server.directory.is_dir():
        yield "directory", f"there is no directory {server.directory}; make it or correct the path"
    elif find_program(started) is None:
        yield "command", f"no program {started.arguments[0]!r} can be run here; install it or correct its path"


def _wrong_templates(templates: Iterable[str], values: Mapping[str, str]) -> Iterator[str]:
    for template in templates:
        try:
            fill(template, values)
        except ValueError as error:
            yield str(error)


def _policy(where: str, policy: PolicySpec, fleet: FleetSpec) -> Iterator[Problem]:
    try:
        check_variants(make(policy.name, policy.options), [variant.name for variant in fleet.variants])
    except UserError as error:
        yield where, str(error)


def _ports(fleet: FleetSpec) -> Iterator[Problem]:
    taken = {"gateway.port": fleet.gateway.port}
    if fleet.dashboard is not None:
        taken["dashboard.port"] = fleet.dashboard.port
    given = [port for port in taken.values() if port]
    if len(set(given)) < len(given):
        yield "dashboard.port", f"is {given[0]}, and so is gateway.port; choose another"
    if fleet.replicas.ports is not None:
        first, last = fleet.replicas.ports
        for where, port in taken.items():
            if first <= port <= last:
                yield where, f"is {port}, within replicas.ports {first} to {last}; choose another"


def _devices(fleet: FleetSpec) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, nodes in enumerate(fleet.nodes or ()):
        for device in map(str, nodes.devices or ()):
            if device in seen:
                yield f"nodes[{index}].devices", f"{device} is there already; each must differ"
            seen.add(device)
