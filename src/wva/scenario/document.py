"""A scenario as one text with every change that the command line made to it, so that its runs can be made again."""

from pathlib import Path

from pydantic_core import from_json

from wva.fleet.errors import UserError
from wva.scenario.load import validated
from wva.scenario.schema import Scenario


def encode_scenario(scenario: Scenario) -> str:
    """The scenario as JSON; traces are named by absolute paths."""
    workload = tuple(
        entry if entry.trace is None else entry.model_copy(update={"trace": entry.trace.resolve()})
        for entry in scenario.workload
    )
    return scenario.model_copy(update={"workload": workload}).model_dump_json()


def decode_scenario(document: str, source: str) -> Scenario:
    """The scenario that ``encode_scenario`` wrote; ``source`` names it in messages.

    Raises:
        UserError: It is none that this version understands.

    """
    try:
        data = from_json(document)
    except ValueError as error:
        raise UserError(f"{source} holds a scenario that is no JSON ({error}); make the run anew") from None
    return validated(data, source, Path())
