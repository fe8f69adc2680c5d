"""A running fleet on the terminal: replicas, load, and the last decisions in words."""

from collections.abc import Iterator, Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from wva.fleet.duration import format_duration
from wva.live.state import LiveState, ModelState, ReplicaState, TickState, VariantState

PHASES = ("ready", "starting", "pending", "draining")
_STYLES = {"ready": "green", "starting": "yellow", "pending": "magenta", "draining": "blue"}
_MARKS = {"ready": "●", "starting": "◐", "pending": "○", "draining": "◌"}
SHOWN = 6
"""Decisions that are shown at most."""


def fleet_view(state: LiveState, decisions: int = SHOWN) -> RenderableType:
    """All of it, as wide as the terminal."""
    parts: list[RenderableType] = [_headline(state), _models(state), _variants(state)]
    if state.decisions:
        parts += [Text("decisions", style="dim"), *_decisions(state, decisions)]
    parts += [Text(f"! {part}: {problem}", style="red") for part, problem in state.problems.items()]
    return Group(*parts)


def plain_line(tick: TickState, state: LiveState) -> str:
    """One turn in one line, for pipes and logs."""
    counts = ", ".join(f"{point.name} {_phases(point.phases)}" for point in tick.variants)
    rates = ", ".join(f"{point.name} {_rate(point.arrival_rate)}" for point in tick.models)
    attained = ", ".join(_attained(model) for model in state.models)
    said = f" | {tick.words}" if tick.changes else ""
    return f"{format_duration(tick.time - state.started_at):>7} | {rates} | {attained} met | {counts}{said}"


def replicas_table(state: LiveState) -> Table:
    """Every replica with its load."""
    table = _table("replica", "phase", "for", "in flight", "running", "waiting", "KV", "")
    for variant in state.variants:
        for replica in variant.replicas:
            table.add_row(*_replica(replica, state.now))
    return table


def clock(seconds: float) -> str:
    """A time since the start, in whole seconds."""
    return format_duration(float(round(seconds)))


def _headline(state: LiveState) -> Text:
    faster = "" if state.speed == 1 else f" at {state.speed:g} times real time"
    text = Text.assemble((state.fleet, "bold"), f"  {clock(state.now - state.started_at)}{faster}, ")
    shadow = "".join(f" ({name}: {cost:.2f})" for name, cost in state.shadow_cost_per_hour.items())
    power = "" if state.power_w is None else f", {state.power_w / 1000:.1f} kW"
    text.append(f"{state.cost_per_hour:.2f} an hour{shadow}, {state.cost:.2f} so far{power}")
    if state.paused:
        text.append("  PAUSED", style="bold yellow")
    return text


def _models(state: LiveState) -> Table:
    table = _table("model", "requests/s", "in flight", "held", "TTFT p90", "TPOT p90", "met", "failed")
    for model in state.models:
        ttft = _against(model.ttft_p90_s, model.ttft_objective_s)
        tpot = _against(model.tpot_p90_s, model.tpot_objective_s)
        in_flight = "?" if model.in_flight is None else f"{model.in_flight:.0f}"
        table.add_row(
            *(Text(model.name), _rate(model.arrival_rate), in_flight, str(model.queued)),
            *(ttft, tpot, _attained(model), str(model.failed)),
        )
    return table


def _variants(state: LiveState) -> Table:
    shadows = state.shadows
    table = _table("variant", "replicas", "", "wants", *shadows, "running", "waiting", "KV", "an hour")
    for variant in state.variants:
        table.add_row(*_variant(variant, shadows))
    return table


def _variant(variant: VariantState, shadows: tuple[str, ...]) -> Iterator[str | Text]:
    yield Text(variant.name)
    marks = Text()
    for phase in PHASES:
        count = sum(replica.phase == phase for replica in variant.replicas)
        marks.append(_MARKS[phase] * count, style=_STYLES[phase])
    yield marks
    yield Text(_phases({phase: sum(r.phase == phase for r in variant.replicas) for phase in PHASES}), style="dim")
    wants = "?" if variant.target is None else str(variant.target)
    yield wants if variant.pinned is None else f"{wants} (pinned)"
    for shadow in shadows:
        yield str(variant.shadows.get(shadow, "?"))
    serving = [replica for replica in variant.replicas if replica.phase in ("ready", "draining")]
    yield _sum([replica.running for replica in serving])
    yield _sum([replica.waiting for replica in serving])
    usages = [replica.kv_usage for replica in serving if replica.kv_usage is not None]
    yield f"{sum(usages) / len(usages):.0%}" if usages else "-"
    on_hardware = sum(replica.phase != "pending" for replica in variant.replicas)
    yield f"{on_hardware * variant.cost_per_hour:.2f}"


def _decisions(state: LiveState, count: int) -> Iterator[Text]:
    for tick in state.decisions[-count:]:
        yield Text.assemble((f"{clock(tick.time - state.started_at):>7}  ", "dim"), tick.words)


def _replica(replica: ReplicaState, now: float) -> Iterator[str | Text]:
    yield Text(replica.id)
    yield Text(replica.phase, style=_STYLES[replica.phase])
    yield clock(now - replica.since)
    yield "-" if replica.in_flight is None else str(replica.in_flight)
    for value in (replica.running, replica.waiting):
        yield "-" if value is None else f"{value:.0f}"
    yield "-" if replica.kv_usage is None else f"{replica.kv_usage:.0%}"
    yield Text(replica.reason or "", style="dim")


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for heading in headings:
        left = heading in ("", "model", "variant", "replicas", "replica", "phase")
        table.add_column(heading, justify="left" if left else "right", overflow="fold")
    return table


def _phases(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{counts[phase]} {phase}" for phase in PHASES if counts.get(phase)) or "none"


def _rate(value: float | None) -> str:
    return "?" if value is None else f"{value:.2f}"


def _sum(values: list[float | None]) -> str:
    return f"{sum(value for value in values if value is not None):.0f}" if values and None not in values else "-"


def _attained(model: ModelState) -> str:
    return "-" if model.attainment is None else f"{model.attainment:.1%}"


def _against(value: float | None, objective: float) -> Text:
    if value is None:
        return Text(f"- of {_time(objective)}", style="dim")
    return Text(f"{_time(value)} of {_time(objective)}", style="red" if value > objective else "green")


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"
