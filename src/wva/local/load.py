"""Reading live fleets; whatever comes out is valid and can be started here."""

from importlib import resources
from pathlib import Path
from typing import Any

from wva.local.checks import command_problems, problems
from wva.local.schema import FleetSpec
from wva.scenario.text import parse_yaml
from wva.scenario.validate import fail, read_text, validate


def load_fleet(path: Path) -> FleetSpec:
    """Read a fleet's file; the paths in it are relative to it.

    Raises:
        UserError: The file is missing or wrong, in one line that names the key, or line and column.

    """
    return parse_fleet(read_text(path, "fleet"), str(path), path.parent)


def builtin_fleet() -> FleetSpec:
    """The fleet that comes with the package: emulated, with a load that tells a story in three minutes."""
    text = resources.files("wva.local").joinpath("builtin.yaml").read_text(encoding="utf-8")
    return parse_fleet(text, "builtin", Path())


def parse_fleet(text: str, source: str, directory: Path) -> FleetSpec:
    """Validate the text of a fleet; ``source`` names it in messages, paths are relative to ``directory``.

    Raises:
        UserError: The text is wrong, or a command in it cannot run here.

    """
    return _checked(parse_yaml(text, f"fleet {source}"), source, directory)


def with_changes(fleet: FleetSpec, *, port: int | None = None, speed: float | None = None) -> FleetSpec:
    """A fleet with another gateway port or speed; ``None`` keeps what it has.

    Raises:
        UserError: The new values are impossible.

    """
    data = fleet.model_dump()
    if port is not None:
        data["gateway"]["port"] = port
    if speed is not None:
        data["speed"] = speed
    return _checked(data, fleet.source, Path())


def _checked(data: dict[str, Any], source: str, directory: Path) -> FleetSpec:
    name = f"fleet {source}"
    fleet = validate(FleetSpec, data, name, directory)
    fail(name, list(problems(fleet)))
    fail(name, list(command_problems(fleet)))
    fleet._source = source
    return fleet
