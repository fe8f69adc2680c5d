"""What must hold between the parts of a scenario."""

from collections import Counter
from collections.abc import Container, Iterator

from wva.fleet.variant import Role
from wva.scenario.described import Described
from wva.scenario.schema import Scenario
from wva.scenario.validate import Problem


def problems(scenario: Scenario) -> Iterator[Problem]:
    """Everything that makes the scenario impossible, causes before what follows from them."""
    yield from fleet_problems(scenario)
    yield from _crashes(scenario)
    yield from duplicates("seeds", [str(seed) for seed in scenario.seeds], "")


def fleet_problems(described: Described) -> Iterator[Problem]:
    """What does not fit together in models, variants, nodes and traffic."""
    yield from _workload(described)
    yield from _variants(described)
    yield from _models(described)


def unknown_names(described: Described, shapes: Container[str], accelerators: Container[str]) -> Iterator[Problem]:
    """The shapes and accelerators that are in no catalogue."""
    for name, model in described.models.items():
        if model.shape not in shapes:
            yield f"models.{name}.shape", f"no shape {model.shape!r} in the catalogue"
    for index, variant in enumerate(described.variants):
        if variant.accelerator not in accelerators:
            yield f"variants[{index}].accelerator", f"no accelerator {variant.accelerator!r} in the catalogue"


def _workload(scenario: Described) -> Iterator[Problem]:
    for index, entry in enumerate(scenario.workload):
        if entry.model not in scenario.models:
            yield f"workload[{index}].model", _unknown_model(entry.model, scenario)
        if entry.synthetic is not None and entry.start >= entry.synthetic.rate[-1][0]:
            yield f"workload[{index}].start", f"is {entry.start:g}s, at or after the end of rate; choose an earlier one"


def _variants(scenario: Described) -> Iterator[Problem]:
    largest: dict[str, int] = {}
    for nodes in scenario.nodes or ():
        largest[nodes.accelerator] = max(nodes.gpus, largest.get(nodes.accelerator, 0))
    for index, variant in enumerate(scenario.variants):
        where = f"variants[{index}]"
        if variant.model not in scenario.models:
            yield f"{where}.model", _unknown_model(variant.model, scenario)
        if variant.role is not Role.BOTH:
            yield f"{where}.role", f"is {variant.role}; only both is served so far"
        if scenario.nodes is not None and variant.tensor_parallel > largest.get(variant.accelerator, 0):
            gpus = f"{variant.tensor_parallel} x {variant.accelerator}"
            yield where, f"no node has {gpus}; add such nodes, or leave nodes out for no limit"
    yield from duplicates("variants", [variant.name for variant in scenario.variants], ".name")


def _models(scenario: Described) -> Iterator[Problem]:
    served = {variant.model for variant in scenario.variants}
    for name in scenario.models:
        if name not in served:
            yield f"models.{name}", "no variant serves it; add one or remove the model"


def _crashes(scenario: Scenario) -> Iterator[Problem]:
    names = [variant.name for variant in scenario.variants]
    for index, crash in enumerate(scenario.crashes):
        if crash.variant not in names:
            yield f"crashes[{index}].variant", f"no variant {crash.variant!r}; there are {', '.join(names)}"


def duplicates(key: str, values: list[str], suffix: str) -> Iterator[Problem]:
    """The values of a list that are there already; ``suffix`` is the key in each entry, as ``.name``."""
    for value, times in Counter(values).items():
        if times > 1:
            index = values.index(value, values.index(value) + 1)
            yield f"{key}[{index}]{suffix}", f"{value} is there already; each must differ"


def _unknown_model(name: str, scenario: Described) -> str:
    return f"no model {name!r}; there are {', '.join(scenario.models)}"
