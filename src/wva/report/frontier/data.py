"""What a frontier holds, and with it the schema of ``frontier.json``: these fields, in this order, as JSON.

``null`` is unknown. Attainments are shares of the attainable requests, 0 to 1, unless they say otherwise; costs are
prices of replica-hours from start order to release, for the whole window; times are seconds.
"""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OWN = "wva"
"""The policy that is held against the others: one configuration, of which only the headroom is swept."""
STATIC = "static-best"
"""Fleets that never change, each the cheapest for an attainment on the first seed."""


@dataclass(frozen=True, slots=True)
class Run:
    """One contender on one seed."""

    seed: int
    attainment: float
    attainment_of_offered: float
    attainable: float
    """Share of the offered that an empty replica would meet."""
    cost: float
    offered: int
    failed: int
    """Requests without their whole answer."""
    ttft_p99_s: float | None
    """Of requests that got a first token."""
    misses: Mapping[str, int]
    """Requests that were not met, by cause; ``wva.report.causes.CAUSES`` says what each means."""
    replica_hours: Mapping[str, float]
    """By variant."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One configuration on every seed."""

    label: str
    """What sets it apart from the others of its curve: ``defaults``, ``trial 17``, ``headroom 0.15``."""
    policy: str
    options: Mapping[str, Any]
    """As ``--policy NAME=FILE`` takes them."""
    attainment: float
    """Median over the runs."""
    cost: float
    """Median over the runs."""
    runs: tuple[Run, ...]


def spot(label: str, policy: str, options: Mapping[str, Any], runs: tuple[Run, ...]) -> Spot:
    """A configuration with the medians of its runs."""
    attainment = statistics.median(run.attainment for run in runs)
    return Spot(label, policy, options, attainment, statistics.median(run.cost for run in runs), runs)


@dataclass(frozen=True, slots=True)
class Curve:
    """Attainment against cost of one policy."""

    name: str
    kind: str
    """``own``, ``rival`` or ``static``."""
    spots: tuple[Spot, ...]
    chosen: int
    """Which spot stands for the policy: the cheapest that reaches ``CHOSEN_AT``, else the one that attains most."""

    @property
    def chosen_spot(self) -> Spot:
        """The spot that stands for the policy."""
        return self.spots[self.chosen]


@dataclass(frozen=True, slots=True)
class CostPoint:
    """What reaching an attainment costs."""

    attainment: float
    cost: float


@dataclass(frozen=True, slots=True)
class Level:
    """What one attainment costs; a cost is ``None`` where nothing that was run reaches it."""

    attainment: float
    own: float | None
    """On the line through the own policy's spots."""
    rivals: float | None
    """On the lower envelope of the spots of all rivals, between which it is interpolated too: in their favour."""
    static: float | None
    schedule: float | None
    """On the line through the schedules that were found with the whole traffic known."""
    bound: float | None
    ratio: float | None
    """Own over rivals."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The own policy against the best-tuned rival, at that rival's attainment."""

    rival: str
    """Among the tuned rivals the cheapest at ``CHOSEN_AT``, or where none reaches it, the one that attains most."""
    spot: str
    attainment: float
    cost: float
    own_cost: float | None
    ratio: float | None
    """Own cost over the rival's."""
    schedule_cost: float | None
    """What a schedule costs that was found with the whole traffic known."""
    bound_cost: float | None
    gap_closed: float | None
    """Share of the way from the rival's cost down to the bound's that the own policy has gone; below 0 it costs
    more."""
    notes: tuple[str, ...]
    """Why something is unknown, in words."""


@dataclass(frozen=True, slots=True)
class Startup:
    """The chosen spots again, with every variant's start-up replaced."""

    startup_s: float
    spots: Mapping[str, Spot]
    """By name of the curve."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """How the rivals were tuned."""

    trials: int
    """Of each rival, the defaults being one of them."""
    seed: int
    start_s: float | None
    """Where the part of the window that tuning saw begins; ``None`` where it saw all of it."""
    duration_s: float | None


@dataclass(frozen=True, slots=True)
class Panel:
    """One scenario with its requests queued at one place."""

    scenario: str
    queue: str
    seeds: tuple[int, ...]
    window_s: float
    offered: int
    """Requests, on the first seed."""
    attainable: float
    """Share of the offered that an empty replica would meet, on the first seed."""
    tuned: Tuned
    curves: tuple[Curve, ...]
    schedules: tuple[CostPoint, ...]
    """What schedules reach that were found with the whole traffic known, on the first seed; the cheapest first."""
    bound: tuple[CostPoint, ...]
    """The least cost of each attainment for anybody, on the first seed; empty where it was not computed."""
    verdict: Verdict | None
    """``None`` where no rival was run."""
    levels: tuple[Level, ...]
    startups: tuple[Startup, ...]

    def of_kind(self, kind: str) -> tuple[Curve, ...]:
        """The curves of that kind."""
        return tuple(curve for curve in self.curves if curve.kind == kind)


@dataclass(frozen=True, slots=True)
class Frontier:
    """Everything that ``wva frontier`` found."""

    wva: str
    """Version."""
    panels: tuple[Panel, ...]


CHOSEN_AT = 0.99
"""The attainment at which policies are held against each other."""
LEVELS = (0.9, 0.95, 0.99)
"""Attainments at which costs are compared beside that of the best rival."""
RATIO_WANTED = 0.9
"""The own cost over the best rival's at most."""
GAP_WANTED = 0.5
"""Share of the gap to the bound to be closed at least."""
