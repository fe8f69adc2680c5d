"""The page's charts: which there are, and what each shows."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wva.live.state import LiveState, ModelPoint, TickState, VariantPoint
from wva.report.colours import ALARM, model_colours, policy_colours, variant_colours
from wva.web import curves, words
from wva.web.chart_option import OPACITY, Key, Series, area, line, option
from wva.web.curves import PHASES, Curve

_SHORTEST_S = 300.0
"""The time axis spans at least so much, so that the first points do not jump."""
_ROOM = {":max": "value => Math.max(2, value.max + 0.5)"}
"""Above the highest step, so that its line is seen whole."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, as it stands now."""

    name: str
    title: str
    unit: str
    keys: tuple[Key, ...]
    option: Mapping[str, Any]
    said: str
    """What it shows now, in one sentence for those who do not see it."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What all charts are made from."""

    state: LiveState
    ticks: Sequence[TickState]
    first_s: float
    last_s: float

    @property
    def variants(self) -> Mapping[str, str]:
        return variant_colours([variant.name for variant in self.state.variants])

    @property
    def policies(self) -> Mapping[str, str]:
        names = (self.state.policy, *self.state.shadows)
        return policy_colours([(name, name) for name in names])

    def of_variants(self, value: Callable[[VariantPoint], float | None]) -> list[tuple[Key, Curve]]:
        start = self.state.started_at
        return [
            (Key(name, colour, mark="line"), curves.of_variant(self.ticks, start, name, value))
            for name, colour in self.variants.items()
        ]

    def of_models(self, text: str, value: Callable[[ModelPoint], float | None]) -> list[tuple[Key, Curve]]:
        """A curve a model, in the model's colour; in the policy's blue where there is one model only."""
        names = [model.name for model in self.state.models]
        colours = model_colours(names) if len(names) > 1 else dict.fromkeys(names, "var(--accent)")
        start = self.state.started_at
        return [
            (
                Key(name if len(names) > 1 else text, colours[name], mark="line"),
                curves.of_model(self.ticks, start, name, value),
            )
            for name in names
        ]

    def whole(self, value: Callable[[TickState], float | None]) -> Curve:
        return curves.overall(self.ticks, self.state.started_at, value)


def charts(state: LiveState, ticks: Sequence[TickState]) -> list[Chart]:
    """All charts, in the page's order."""
    shown = curves.thinned(ticks)
    elapsed = max(0.0, (shown[-1].time if shown else state.now) - state.started_at)
    first = max(0.0, shown[0].time - state.started_at) if shown else 0.0
    first = 0.0 if first < _SHORTEST_S else first
    seen = _Seen(state, shown, first, max(elapsed, first + _SHORTEST_S))
    parts = (_replicas, _arrivals, _held, _ttft, _tpot, _kv, _queues, _cost, _power)
    return [part(seen) for part in parts]


def _replicas(seen: _Seen) -> Chart:
    series: list[Series] = []
    for phase in PHASES:
        for name, colour in seen.variants.items():
            curve = curves.of_variant(seen.ticks, seen.state.started_at, name, _in_phase(phase))
            series.append(area(f"{name} {phase}", colour, phase, curve))
    keys = [Key(name, colour) for name, colour in seen.variants.items()]
    keys += [
        Key("waiting for hardware" if phase == "pending" else phase, "var(--muted)", OPACITY[phase], _mark(phase))
        for phase in PHASES
    ]
    lines = [(Key(f"wanted by {seen.state.policy}", "var(--ink)", mark="line"), seen.whole(curves.target))]
    lines += [
        (Key(f"{name} would want", seen.policies[name], mark="dashed"), seen.whole(curves.shadow_target(name)))
        for name in seen.state.shadows
    ]
    series += [line(key, curve, step=True) for key, curve in lines]
    now = ", ".join(f"{len(variant.replicas)} {variant.name}" for variant in seen.state.variants)
    drawn = option((seen.first_s, seen.last_s), series, "", empty=not seen.ticks, minInterval=1, **_ROOM)
    keys += [key for key, _ in lines]
    return Chart("replicas", "Replicas", "by variant and state", tuple(keys), drawn, f"Replicas now: {now}.")


def _in_phase(phase: str) -> Callable[[VariantPoint], float | None]:
    return lambda point: point.phases[phase]


def _mark(phase: str) -> str:
    return "outline" if phase == "pending" else "area"


def _arrivals(seen: _Seen) -> Chart:
    lines = seen.of_models("arrivals", lambda point: point.arrival_rate)
    return _lines(seen, "arrivals", "Arrivals", "requests/s, mean of 1 min", lines)


def _held(seen: _Seen) -> Chart:
    def held(tick: TickState) -> float | None:
        return _total([point.queued for point in tick.models])

    def flying(tick: TickState) -> float | None:
        return _total([point.in_flight for point in tick.models])

    lines = [
        (Key("sent to replicas", "var(--accent)", mark="line"), seen.whole(flying)),
        (Key("held at the gateway", ALARM, mark="line"), seen.whole(held)),
    ]
    return _lines(seen, "held", "Requests under way", "requests", lines)


def _ttft(seen: _Seen) -> Chart:
    lines = seen.of_models("p90", lambda point: point.ttft_p90_s)
    objectives = {model.name: model.ttft_objective_s for model in seen.state.models}
    lines += _objectives(seen, lines, objectives, 1.0)
    known = [y for _, curve in lines for _, y in curve if y]
    low = 10.0 ** math.floor(math.log10(min([*known, 0.5])))
    high = 10.0 ** math.ceil(math.log10(max([*known, 5.0])))
    return _lines(seen, "ttft", "Time to first token", "p90 of 1 min, s, log", lines, type="log", min=low, max=high)


def _tpot(seen: _Seen) -> Chart:
    lines = seen.of_models("p90", lambda point: None if point.tpot_p90_s is None else 1000.0 * point.tpot_p90_s)
    objectives = {model.name: model.tpot_objective_s for model in seen.state.models}
    lines += _objectives(seen, lines, objectives, 1000.0)
    return _lines(seen, "tpot", "Time per output token", "p90 of 1 min, ms", lines)


def _kv(seen: _Seen) -> Chart:
    lines = seen.of_variants(lambda point: None if point.kv_usage is None else 100.0 * point.kv_usage)
    return _lines(seen, "kv", "KV cache in use", "%, mean of replicas", lines, max=100, interval=50)


def _queues(seen: _Seen) -> Chart:
    lines = seen.of_variants(lambda point: point.waiting)
    return _lines(seen, "queues", "Waiting in engines", "requests", lines)


def _cost(seen: _Seen) -> Chart:
    policy = seen.state.policy
    lines = [(Key(policy, seen.policies[policy], mark="line"), seen.whole(lambda tick: tick.cost_per_hour))]
    lines += [
        (
            Key(f"{name} would", seen.policies[name], mark="dashed"),
            seen.whole(_shadow_cost(name)),
        )
        for name in seen.state.shadows
    ]
    return _lines(seen, "cost", "Cost rate", "$/h", lines, step=True)


def _shadow_cost(policy: str) -> Callable[[TickState], float | None]:
    return lambda tick: tick.shadow_cost_per_hour.get(policy)


def _power(seen: _Seen) -> Chart:
    def kilowatts(tick: TickState) -> float | None:
        return None if tick.power_w is None else tick.power_w / 1000.0

    lines = [(Key("drawn", "var(--accent)", mark="line"), seen.whole(kilowatts))]
    return _lines(seen, "power", "Power of the GPUs", "kW, modelled", lines)


def _objectives(
    seen: _Seen, lines: Sequence[tuple[Key, Curve]], objectives: Mapping[str, float], unit: float
) -> list[tuple[Key, Curve]]:
    """A dashed line across for each objective."""
    made = []
    for (key, _), value in zip(lines, objectives.values(), strict=True):
        alone = len(lines) == 1
        text = f"objective {words.limit(value)}" if alone else f"{key.text}: objective {words.limit(value)}"
        across: Curve = [(seen.first_s, value * unit), (seen.last_s, value * unit)]
        made.append((Key(text, ALARM if alone else key.colour, mark="dashed"), across))
    return made


def _lines(
    seen: _Seen,
    name: str,
    title: str,
    unit: str,
    lines: Sequence[tuple[Key, Curve]],
    step: bool = False,
    **axis: object,
) -> Chart:
    series = [line(key, curve, step) for key, curve in lines]
    newest = ", ".join(f"{key.text} {words.number(curve[-1][1]) if curve else words.UNKNOWN}" for key, curve in lines)
    short = unit.split(",", maxsplit=1)[0] if unit[0] == "%" else ""
    unknown = all(y is None for key, curve in lines for _, y in curve if not key.text.startswith("objective"))
    drawn = option((seen.first_s, seen.last_s), series, short, empty=unknown, **axis)
    return Chart(name, title, unit, tuple(key for key, _ in lines), drawn, f"{title} now ({unit}): {newest}.")


def _total(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
