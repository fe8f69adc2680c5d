"""One request of a run on the terminal: what it got, where its time went, and the fleet that it met."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from wva.cli.decision_view import decision_view
from wva.cli.latency import latency
from wva.cli.remedy_view import remedy_view
from wva.fleet.duration import format_duration
from wva.report.request.facts import Explanation, RequestFacts, StageTime
from wva.report.summary import count
from wva.simulate.follow import Stage

_BAR = 24
"""Columns of the longest bar."""

STAGE_WORDS = {
    Stage.GATEWAY: "held at the gateway",
    Stage.QUEUE: "in the replica's queue",
    Stage.PREFILL: "prompt: its own compute",
    Stage.PREFILL_SHARED: "prompt: the rest of the batch in its steps",
    Stage.DECODE: "decoding, steps without others' prompts",
    Stage.DECODE_SHARED: "decoding, steps with others' prompts",
    Stage.PREEMPTED: "preempted, back in the queue",
    Stage.RECOMPUTED: "computed again after that",
}


def request_view(told: Explanation, journal: str) -> RenderableType:
    """All of it, in four parts."""
    parts: list[RenderableType] = [*_got(told), Text()]
    parts += [_heading("Where its time went"), _indented(_stages(told)), Text()]
    parts += [_heading("The fleet when it arrived"), *map(_indented, _fleet(told)), Text()]
    parts += [_heading("Which decision would have saved it"), *map(_indented, remedy_view(told, journal))]
    return Group(*parts)


def _got(told: Explanation) -> Iterator[RenderableType]:
    request = told.request
    went = "went to no replica" if request.replica is None else f"went to {request.replica}"
    yield Text(
        f"Request {request.id} of {told.scenario} under {told.policy}, seed {told.seed}: {request.model}, "
        f"{count(request.input_tokens)} tokens in, {count(request.output_tokens)} asked for",
        style="bold",
    )
    yield _indented(f"Arrived at {format_duration(request.arrival_s)}, {went}, {request.status}.")
    yield Text()
    yield _indented(_objectives(request))
    yield Text()
    yield _indented(Text(_verdict(request), style="green" if request.met else "bold red"))
    if told.episode is not None and told.episode.misses > 1:
        episode = told.episode
        yield _indented(
            f"It is one of {count(episode.misses)} misses that arrived from {format_duration(episode.first_s)} to "
            f"{format_duration(episode.last_s)}, among {count(episode.arrivals)} requests."
        )


def _objectives(request: RequestFacts) -> Table:
    table = _table()
    for heading in ("", "got", "allowed", ""):
        table.add_column(heading, justify="left" if not heading else "right", no_wrap=True)
    ended = request.tpot_s is not None or request.produced == request.output_tokens
    rows = [
        ("first token", request.ttft_s, request.ttft_objective_s),
        ("last token", request.total_s if ended else None, request.total_allowed_s),
    ]
    for name, got, allowed in rows:
        late = "never came" if got is None else "" if got <= allowed else f"{latency(got - allowed)} late"
        table.add_row(name, "-" if got is None else latency(got), latency(allowed), Text(late, style="red"))
    if request.tpot_s is not None:
        table.add_row("each further token", latency(request.tpot_s), latency(request.tpot_objective_s), "on average")
    return table


def _verdict(request: RequestFacts) -> str:
    if request.met:
        return "It met its objectives."
    if request.ttft_s is None:
        return f"It missed its objectives: {request.status} after {latency(request.total_s)}."
    if request.ttft_s > request.ttft_objective_s:
        return "It missed the objective of its first token."
    return "It missed the objective of its last token; the first was in time."


def _stages(told: Explanation) -> Table:
    table = _table()
    table.add_column("", no_wrap=True)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True, width=_BAR)
    name = told.request.variant
    table.add_column("" if name is None else f"on an empty {name}", justify="right", no_wrap=True)
    longest = max((stage.seconds for stage in told.stages), default=0.0)
    for stage in told.stages:
        if stage.seconds > 0 or stage.alone_s:
            alone = "" if stage.alone_s is None else latency(stage.alone_s) if stage.alone_s else "-"
            table.add_row(STAGE_WORDS[Stage(stage.stage)], latency(stage.seconds), _bar(stage, longest), alone)
    total = sum(stage.seconds for stage in told.stages)
    alone_s = [stage.alone_s for stage in told.stages if stage.alone_s is not None]
    table.add_row("in all", latency(total), "", latency(sum(alone_s)) if alone_s else "", style="bold")
    return table


def _bar(stage: StageTime, longest: float) -> Text:
    cells = 8 * _BAR * stage.seconds / longest if longest > 0 else 0.0
    whole, part = divmod(round(cells), 8)
    return Text("█" * whole + " ▏▎▍▌▋▊▉"[part].strip(), style="cyan")


def _fleet(told: Explanation) -> Iterator[RenderableType]:
    table = _table()
    table.add_column("", no_wrap=True)
    phases = [name for name in told.fleet[0].phases if any(state.phases[name] for state in told.fleet)]
    for heading in (*phases, "running", "waiting", "KV used (mean, most)"):
        table.add_column(heading, justify="right", no_wrap=True)
    for state in told.fleet:
        used = "-" if state.kv_mean is None or state.kv_max is None else f"{state.kv_mean:.0%}, {state.kv_max:.0%}"
        counts = [str(state.phases[name]) for name in phases]
        table.add_row(state.variant, *counts, count(state.running), count(state.waiting), used)
    yield table
    request = told.request
    if told.gateway_queue:
        yield Text(f"{count(told.gateway_queue)} requests were held at the gateway.")
    if request.replica is not None:
        yield Text(
            f"{request.replica}, where it went, had {count(request.running_before)} requests in its batch and "
            f"{count(request.waiting_before)} waiting."
        )
    yield Text(" ")
    if told.decision is None:
        yield Text("No decision had been made yet.")
        return
    yield Text(f"In force was decision {told.decision.number}, of {format_duration(told.decision.time_s)}:")
    yield from map(_indented, decision_view(told.decision))
    if told.changes:
        yield Text("The last changes before it:")
        yield _indented(_changes(told))


def _changes(told: Explanation) -> Table:
    table = _table(header=False)
    for _ in range(3):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for change in told.changes:
        table.add_row(
            format_duration(change.time_s),
            change.variant,
            f"{change.before} -> {change.after}",
            change.reason or "no reason given",
        )
    return table


def _table(*, header: bool = True) -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim", show_header=header)


def _heading(text: str) -> Text:
    return Text(text, style="bold")


def _indented(part: RenderableType | str) -> Padding:
    return Padding(Text(part) if isinstance(part, str) else part, (0, 0, 0, 2), expand=False)
