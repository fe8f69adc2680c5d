"""What must hold between the parts of a scenario."""

from collections import Counter
from collections.abc import Container, Iterator

from wva.fleet.errors import UserError
from wva.fleet.variant import Role
from wva.scenario.schema import Scenario

Problem = tuple[str, str]
"""Where it is, as ``variants[1].model``, and what is wrong and to do."""


def problems(scenario: Scenario) -> Iterator[Problem]:
    """Everything that makes the scenario impossible, causes before what follows from them."""
    yield from _workload(scenario)
    yield from _variants(scenario)
    yield from _models(scenario)
    yield from _crashes(scenario)
    yield from _duplicates("seeds", [str(seed) for seed in scenario.seeds], "")


def require_known(scenario: Scenario, shapes: Container[str], accelerators: Container[str]) -> None:
    """Check every catalogue name.

    Raises:
        UserError: A model's shape or a variant's accelerator is in no catalogue.

    """
    for name, model in scenario.models.items():
        if model.shape not in shapes:
            fail(scenario.source, [(f"models.{name}.shape", f"no shape {model.shape!r} in the catalogue")])
    for index, variant in enumerate(scenario.variants):
        if variant.accelerator not in accelerators:
            what = f"no accelerator {variant.accelerator!r} in the catalogue"
            fail(scenario.source, [(f"variants[{index}].accelerator", what)])


def fail(source: str, found: list[Problem]) -> None:
    """Raise the first problem, if there is any, and say how many more there are.

    Raises:
        UserError: There is a problem.

    """
    if found:
        where, what = found[0]
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise UserError(" ".join(f"scenario {source}: {where}: {what}{more}".split()))


def _workload(scenario: Scenario) -> Iterator[Problem]:
    for index, entry in enumerate(scenario.workload):
        if entry.model not in scenario.models:
            yield f"workload[{index}].model", _unknown_model(entry.model, scenario)
        if entry.synthetic is not None and entry.start >= entry.synthetic.rate[-1][0]:
            yield f"workload[{index}].start", f"is {entry.start:g}s, at or after the end of rate; choose an earlier one"


def _variants(scenario: Scenario) -> Iterator[Problem]:
    largest: dict[str, int] = {}
    for nodes in scenario.nodes or ():
        largest[nodes.accelerator] = max(nodes.gpus, largest.get(nodes.accelerator, 0))
    for index, variant in enumerate(scenario.variants):
        where = f"variants[{index}]"
        if variant.model not in scenario.models:
            yield f"{where}.model", _unknown_model(variant.model, scenario)
        if variant.role is not Role.BOTH:
            yield f"{where}.role", f"is {variant.role}; the simulator serves only both so far"
        if scenario.nodes is not None and variant.tensor_parallel > largest.get(variant.accelerator, 0):
            gpus = f"{variant.tensor_parallel} x {variant.accelerator}"
            yield where, f"no node has {gpus}; add such nodes, or leave nodes out for no limit"
    yield from _duplicates("variants", [variant.name for variant in scenario.variants], ".name")


def _models(scenario: Scenario) -> Iterator[Problem]:
    served = {variant.model for variant in scenario.variants}
    for name in scenario.models:
        if name not in served:
            yield f"models.{name}", "no variant serves it; add one or remove the model"


def _crashes(scenario: Scenario) -> Iterator[Problem]:
    names = [variant.name for variant in scenario.variants]
    for index, crash in enumerate(scenario.crashes):
        if crash.variant not in names:
            yield f"crashes[{index}].variant", f"no variant {crash.variant!r}; there are {', '.join(names)}"


def _duplicates(key: str, values: list[str], suffix: str) -> Iterator[Problem]:
    for value, times in Counter(values).items():
        if times > 1:
            index = values.index(value, values.index(value) + 1)
            yield f"{key}[{index}]{suffix}", f"{value} is there already; each must differ"


def _unknown_model(name: str, scenario: Scenario) -> str:
    return f"no model {name!r}; there are {', '.join(scenario.models)}"
