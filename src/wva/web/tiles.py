"""The row of figures: how the fleet does, in eight numbers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from wva.live.state import LiveState, ModelState, TickState
from wva.web import curves, words


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure with what it is and a remark."""

    title: str
    value: str
    remark: str
    alarm: bool = False
    """Whether it is worse than it was promised to be."""


def tiles(state: LiveState, ticks: Sequence[TickState]) -> list[Tile]:
    """All figures, in the page's order."""
    return [
        _attainment(state),
        _latency("TTFT p90", state, lambda model: (model.ttft_p90_s, model.ttft_objective_s)),
        _latency("TPOT p90", state, lambda model: (model.tpot_p90_s, model.tpot_objective_s)),
        _load(state),
        _engines(state),
        Tile("Cost rate", _per_hour(words.dollars(state.cost_per_hour)), f"{words.dollars(state.cost)} so far"),
        _power(state),
        *(_shadow(state, ticks, name) for name in state.shadows[:1]),
    ]


def tiles_html(shown: Sequence[Tile]) -> str:
    """The figures as HTML."""
    return "".join(
        f'<div class="tile{" alarm" if tile.alarm else ""}"><dt>{escape(tile.title)}</dt>'
        f'<dd class="value">{tile.value}</dd><dd class="remark">{escape(tile.remark)}</dd></div>'
        for tile in shown
    )


def _attainment(state: LiveState) -> Tile:
    met, ended = (sum(getattr(model, name) for model in state.models) for name in ("met", "ended"))
    failed = sum(model.failed for model in state.models)
    remark = f"{met:,} of {ended:,} met" + (f", {failed:,} failed" if failed else "") if ended else "no request yet"
    return Tile("Attainment", words.percent(met / ended if ended else None), remark)


def _latency(title: str, state: LiveState, of: Callable[[ModelState], tuple[float | None, float]]) -> Tile:
    """The model that is worst against its objective."""
    known = [(*of(model), model) for model in state.models]
    seen = [(value, objective, model) for value, objective, model in known if value is not None]
    if not seen:
        objectives = sorted({objective for _, objective, _ in known})
        return Tile(title, words.UNKNOWN, f"objective {words.limit(objectives[0])}" if len(objectives) == 1 else "")
    value, objective, model = max(seen, key=lambda entry: entry[0] / entry[1])
    whose = f" of {model.name}" if len(state.models) > 1 else ""
    word = "over" if value > objective else "within"
    return Tile(title, words.seconds(value), f"{word} {words.limit(objective)}{whose}", alarm=value > objective)


def _load(state: LiveState) -> Tile:
    rates = [model.arrival_rate for model in state.models if model.arrival_rate is not None]
    flying = [model.in_flight for model in state.models if model.in_flight is not None]
    held = sum(model.queued for model in state.models)
    value = f"{words.number(sum(rates) if rates else None)}<small>/s</small>"
    return Tile("Arrivals", value, f"{words.number(sum(flying) if flying else None)} in flight, {held:,} held")


def _engines(state: LiveState) -> Tile:
    replicas = [replica for variant in state.variants for replica in variant.replicas if replica.phase == "ready"]
    usages = [replica.kv_usage for replica in replicas if replica.kv_usage is not None]
    waiting = [replica.waiting for replica in replicas if replica.waiting is not None]
    value = words.percent(sum(usages) / len(usages) if usages else None)
    return Tile("KV cache used", value, f"{words.number(sum(waiting) if waiting else None)} wait in engines")


def _power(state: LiveState) -> Tile:
    gpus = sum(
        variant.gpus_per_replica * sum(replica.phase != "pending" for replica in variant.replicas)
        for variant in state.variants
    )
    return Tile("Power", words.watts(state.power_w), f"{gpus} GPUs, modelled")


def _shadow(state: LiveState, ticks: Sequence[TickState], name: str) -> Tile:
    rate = state.shadow_cost_per_hour.get(name)
    more = None if rate is None else rate - state.cost_per_hour
    counts = [variant.shadows[name] for variant in state.variants if name in variant.shadows]
    spared = curves.spared(ticks, name)
    remark = f"{words.replicas(sum(counts))}; {words.difference(spared)} so far" if counts else "not known yet"
    return Tile(f"{name} would cost", _per_hour(words.difference(more)), remark)


def _per_hour(amount: str) -> str:
    return f"{amount}<small>/h</small>"
