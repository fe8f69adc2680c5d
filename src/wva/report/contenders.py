"""What a comparison puts side by side: policies with their options, each under a label of its own."""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wva.fleet.errors import UserError
from wva.fleet.policy import Policy
from wva.policies.registry import POLICIES, make
from wva.policies.static import StaticPolicy
from wva.record.run import encode_configuration
from wva.scenario.text import parse_yaml
from wva.simulate.best_static import find_best_static
from wva.simulate.run import Setting, prepare
from wva.simulate.static_fleet import with_initial
from wva.workload.merge import Workload

STATIC_BEST = "static-best"
"""Not a policy but a search: the cheapest static fleet for a traffic known in full."""

DEFAULT = ("static", "hpa", "wva")
"""Compared when no policy is named, as far as they exist."""

Note = Callable[[str], None]
"""Told what is being done before the run begins."""


class StaticBestOptions(BaseModel):
    """Options of ``static-best``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = STATIC_BEST
    attainment: Annotated[float, Field(gt=0, le=1)] = 0.99
    """Share of the attainable requests that the fleet must meet."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One column of a comparison."""

    label: str
    """Unique in the comparison."""
    policy: str
    """Name in the registry, or ``static-best``."""
    options: Mapping[str, Any]
    """What its options file says."""

    def configuration(self) -> dict[str, Any]:
        """Every option with its value, defaults included. Raises ``UserError`` where an option is wrong."""
        if self.policy == STATIC_BEST:
            return _static_best(self.options).model_dump(mode="json")
        configuration: dict[str, Any] = json.loads(encode_configuration(make(self.policy, self.options)))
        return configuration


@dataclass(frozen=True, slots=True)
class Entry:
    """A contender ready to run on one seed's traffic."""

    setting: Setting
    policy: Policy[Any]
    found: Mapping[str, Any] | None = None
    """What was searched for beforehand, as plain data."""


def enter(contender: Contender, setting: Setting, workload: Workload, seed: int, note: Note) -> Entry:
    """Make a contender ready; ``static-best`` searches for its fleet here."""
    if contender.policy != STATIC_BEST:
        return Entry(setting, make(contender.policy, contender.options))
    options = _static_best(contender.options)
    best = find_best_static(
        setting, workload, seed, options.attainment, lambda runs: note(f"searches, {runs} fleets tried")
    )
    found = {"replicas": dict(best.replicas), "target_reached": best.reached, "fleets_tried": best.runs}
    policy = StaticPolicy(name=options.name, replicas=best.replicas)
    return Entry(prepare(with_initial(setting.scenario, best.replicas)), policy, found)


def parse_contenders(texts: Sequence[str]) -> tuple[Contender, ...]:
    """Read ``NAME`` or ``NAME=options.yaml`` each; without any, the default policies.

    The label is the options' ``name``, else the policy's name; where several would share one, the name of the options
    file is added.

    Raises:
        UserError: A policy is unknown or given twice, or an options file is missing or wrong.

    """
    parts = [_split(text) for text in texts] or [(name, None) for name in DEFAULT if name in POLICIES]
    plain = [Contender(name, name, _read_options(file)) for name, file in parts]
    plain = [replace(contender, label=contender.configuration()["name"]) for contender in plain]
    shared = {label for label, times in Counter(contender.label for contender in plain).items() if times > 1}
    labelled = [
        replace(contender, label=f"{contender.label}-{file.stem}") if contender.label in shared and file else contender
        for contender, (_, file) in zip(plain, parts, strict=True)
    ]
    for label, times in Counter(contender.label for contender in labelled).items():
        if times > 1:
            raise UserError(f"--policy: {label} is there {times} times; give each its own name in its options file")
    return tuple(labelled)


def file_name(label: str) -> str:
    """The label with only characters that every file system takes."""
    return re.sub(r"[^\w.-]+", "-", label).strip(".-") or "policy"


def _split(text: str) -> tuple[str, Path | None]:
    name, equals, file = text.partition("=")
    if name != STATIC_BEST and name not in POLICIES:
        raise UserError(f"no policy is called {name!r}: choose one of {', '.join([*POLICIES, STATIC_BEST])}")
    if equals and not file:
        raise UserError(f"--policy {text}: name the options file after =, or leave = out")
    return name, Path(file) if equals else None


def _read_options(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"policy options {file}: no such file; correct the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"policy options {file}: cannot be read ({error}); give a readable UTF-8 file") from None
    try:
        return parse_yaml(text, str(file))
    except UserError as error:
        what = str(error).replace("scenario ", "policy options ", 1)
        raise UserError(re.sub("mapping of keys.*", "mapping of options to values", what)) from None


def _static_best(options: Mapping[str, Any]) -> StaticBestOptions:
    try:
        return StaticBestOptions.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"policy {STATIC_BEST}, option {where or 'values'}: {first['msg']}") from None
