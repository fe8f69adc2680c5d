"""Reading and changing scenarios; whatever comes out is valid."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from wva.fleet.errors import UserError
from wva.scenario.checks import fail, problems
from wva.scenario.duration import format_duration
from wva.scenario.schema import Queue, Scenario
from wva.scenario.text import parse_yaml


def load_scenario(path: Path) -> Scenario:
    """Read a scenario file; its traces are named relative to it.

    Raises:
        UserError: The file is missing or wrong, in one line that names the key, or line and column.

    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"scenario {path}: no such file; correct the path") from None
    except OSError as error:
        raise UserError(f"scenario {path}: cannot be read ({error.strerror}); give a readable file") from None
    except UnicodeDecodeError as error:
        raise UserError(f"scenario {path}: byte {error.start} is not UTF-8; save the file as UTF-8") from None
    return parse_scenario(text, str(path), path.parent)


def builtin_scenario() -> Scenario:
    """The scenario that comes with the package: synthetic, half an hour, needs no file."""
    text = resources.files("wva.scenario").joinpath("builtin.yaml").read_text(encoding="utf-8")
    return parse_scenario(text, "builtin", Path())


def parse_scenario(text: str, source: str, directory: Path) -> Scenario:
    """Validate the text of a scenario; ``source`` names it in messages, traces are relative to ``directory``.

    Raises:
        UserError: The text is wrong.

    """
    return validated(parse_yaml(text, source), source, directory)


def override(
    scenario: Scenario,
    *,
    trace: Path | None = None,
    scale: float | None = None,
    seeds: Sequence[int] | None = None,
    queue: Queue | None = None,
    start_s: float | None = None,
    duration_s: float | None = None,
) -> Scenario:
    """A scenario with some values replaced; ``None`` keeps what it has.

    ``trace`` is the file of the first workload entry, relative to the working directory; ``scale``, ``start_s`` and
    ``duration_s`` hold for every entry.

    Raises:
        UserError: The new values are impossible.

    """
    data = scenario.model_dump()
    if trace is not None:
        data["workload"][0].update(trace=trace, synthetic=None)
    for entry in data["workload"]:
        if scale is not None:
            entry["scale"] = scale
        if start_s is not None:
            entry["start"] = format_duration(start_s)
        if duration_s is not None:
            entry["duration"] = format_duration(duration_s)
    if seeds is not None:
        data["seeds"] = tuple(seeds)
    if queue is not None:
        data["gateway"]["queue"] = queue
    return validated(data, scenario.source, Path())


def validated(data: dict[str, Any], source: str, directory: Path) -> Scenario:
    """The scenario that plain data describe; ``source`` names it in messages, traces are relative to ``directory``.

    Raises:
        UserError: The data are wrong.

    """
    try:
        scenario = Scenario.model_validate(data, context={"directory": directory})
    except ValidationError as error:
        fail(source, [(_where(found["loc"]), _what(found)) for found in _causes(error.errors())])
        raise
    fail(source, list(problems(scenario)))
    scenario._source = source
    return scenario


def _causes(found: list[ErrorDetails]) -> list[ErrorDetails]:
    # A list of which an entry is wrong counts as too short as well.
    places = {error["loc"][:depth] for error in found for depth in range(len(error["loc"]))}
    return [error for error in found if error["type"] != "too_short" or error["loc"] not in places]


def _where(location: tuple[int | str, ...]) -> str:
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in location if part != "[key]"]
    return "".join(parts).removeprefix(".") or "file"


def _what(found: ErrorDetails) -> str:
    match found["type"]:
        case "missing":
            return "is missing; add it"
        case "extra_forbidden":
            return "unknown key; remove it or correct its spelling"
        case "too_short":
            return f"must have {found['ctx']['min_length']} or more entries"
        case "tuple_type":
            return "must be a list"
        case "value_error":
            return found["msg"].removeprefix("Value error, ")
    value = found["input"]
    shown = f", not {value!r}" if value is None or isinstance(value, str | int | float) else ""
    return found["msg"].replace("Input should be", "must be").replace("Input should", "must") + shown
