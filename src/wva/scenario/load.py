"""Reading and changing scenarios; whatever comes out is valid."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from wva.fleet.duration import exact_duration
from wva.gateway.settings import Queue
from wva.scenario.checks import problems
from wva.scenario.schema import Scenario
from wva.scenario.text import parse_yaml
from wva.scenario.validate import fail, read_text, validate


def load_scenario(path: Path) -> Scenario:
    """Read a scenario file; its traces are named relative to it.

    Raises:
        UserError: The file is missing or wrong, in one line that names the key, or line and column.

    """
    return parse_scenario(read_text(path, "scenario"), str(path), path.parent)


def builtin_scenario() -> Scenario:
    """The scenario that comes with the package: synthetic, half an hour, needs no file."""
    text = resources.files("wva.scenario").joinpath("builtin.yaml").read_text(encoding="utf-8")
    return parse_scenario(text, "builtin", Path())


def parse_scenario(text: str, source: str, directory: Path) -> Scenario:
    """Validate the text of a scenario; ``source`` names it in messages, traces are relative to ``directory``.

    Raises:
        UserError: The text is wrong.

    """
    return validated(parse_yaml(text, f"scenario {source}"), source, directory)


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
            entry["start"] = exact_duration(start_s)
        if duration_s is not None:
            entry["duration"] = exact_duration(duration_s)
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
    scenario = validate(Scenario, data, f"scenario {source}", directory)
    fail(f"scenario {source}", list(problems(scenario)))
    scenario._source = source
    return scenario
