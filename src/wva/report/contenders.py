"""What a comparison puts side by side: policies with their options, each under a label of its own."""

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wva.fleet.errors import UserError
from wva.fleet.policy import Policy
from wva.policies.registry import POLICIES, check_variants, make
from wva.policies.schedule import SchedulePolicy
from wva.policies.static import StaticPolicy
from wva.record.run import encode_configuration
from wva.scenario.text import parse_yaml
from wva.scenario.validate import read_text
from wva.simulate.best_static import find_best_static
from wva.simulate.bound.frontier import Frontier, find_frontier
from wva.simulate.clairvoyant import find_clairvoyant
from wva.simulate.run import Setting, prepare
from wva.simulate.static_fleet import with_initial
from wva.workload.merge import Workload

STATIC_BEST = "static-best"
"""Not a policy but a search: the cheapest static fleet for a traffic known in full."""
CLAIRVOYANT = "clairvoyant"
"""Not a policy but a search: a cheap schedule for a traffic known in full, with a bound on what any policy costs."""
SEARCHES = (STATIC_BEST, CLAIRVOYANT)

DEFAULT = ("static", "hpa", "wva")
"""Compared when no policy is named, as far as they exist."""

Note = Callable[[str], None]
"""Told what is being done before the run begins."""


class SearchOptions(BaseModel):
    """Options of a search."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    attainment: Annotated[float, Field(gt=0, le=1)] = 0.99
    """Share of the attainable requests that what is found must meet."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One column of a comparison."""

    label: str
    """Unique in the comparison."""
    policy: str
    """Name in the registry, or one of ``SEARCHES``."""
    options: Mapping[str, Any]
    """What its options file says."""

    def configuration(self) -> dict[str, Any]:
        """Every option with its value, defaults included. Raises ``UserError`` where an option is wrong."""
        if self.policy in SEARCHES:
            return _search_options(self).model_dump(mode="json")
        configuration: dict[str, Any] = json.loads(encode_configuration(make(self.policy, self.options)))
        return configuration

    def check(self, variants: Collection[str]) -> None:
        """Raise ``UserError`` where an option is wrong or names a variant that is not among these."""
        if self.policy in SEARCHES:
            _search_options(self)
        else:
            check_variants(make(self.policy, self.options), variants)


@dataclass(frozen=True, slots=True)
class Entry:
    """A contender ready to run on one seed's traffic."""

    setting: Setting
    policy: Policy[Any]
    found: Mapping[str, Any] | None = None
    """What was searched for beforehand, as plain data."""
    frontier: Frontier | None = None
    """What any policy costs at least on this traffic, where it was worked out."""


def enter(contender: Contender, setting: Setting, workload: Workload, seed: int, note: Note) -> Entry:
    """Make a contender ready; what must be searched for is searched for here."""
    if contender.policy == STATIC_BEST:
        return _static_best(_search_options(contender), setting, workload, seed, note)
    if contender.policy == CLAIRVOYANT:
        return _clairvoyant(_search_options(contender), setting, workload, seed, note)
    return Entry(setting, make(contender.policy, contender.options))


def _static_best(options: SearchOptions, setting: Setting, workload: Workload, seed: int, note: Note) -> Entry:
    best = find_best_static(
        setting, workload, seed, options.attainment, lambda runs: note(f"searches, {runs} fleets tried")
    )
    found = {"replicas": dict(best.replicas), "target_reached": best.reached, "fleets_tried": best.runs}
    policy = StaticPolicy(name=options.name, replicas=best.replicas)
    return Entry(prepare(with_initial(setting.scenario, best.replicas)), policy, found)


def _clairvoyant(options: SearchOptions, setting: Setting, workload: Workload, seed: int, note: Note) -> Entry:
    frontier = find_frontier(setting, workload, lambda done: note(f"bounds the cost, {done} prices tried"))
    best = find_clairvoyant(
        setting, workload, seed, options.attainment, lambda runs: note(f"searches, {runs} schedules tried")
    )
    found = {
        "target_reached": best.reached,
        "margin": best.margin,
        "shortage_price": best.shortage_price,
        "schedules_tried": best.runs,
    }
    policy = SchedulePolicy(name=options.name, replicas=best.schedule)
    return Entry(setting, policy, found, frontier)


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
    if name not in SEARCHES and name not in POLICIES:
        raise UserError(f"no policy is called {name!r}: choose one of {', '.join([*POLICIES, *SEARCHES])}")
    if equals and not file:
        raise UserError(f"--policy {text}: name the options file after =, or leave = out")
    return name, Path(file) if equals else None


def _read_options(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    return parse_yaml(read_text(file, "policy options"), f"policy options {file}")


def _search_options(contender: Contender) -> SearchOptions:
    try:
        return SearchOptions.model_validate({"name": contender.policy, **contender.options})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"policy {contender.policy}, option {where or 'values'}: {first['msg']}") from None
