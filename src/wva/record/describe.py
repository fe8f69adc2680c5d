"""What a decision had before its eyes, in plain words: traffic, replicas, load, memory. Unknown is called unknown."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from wva.fleet.duration import format_duration
from wva.fleet.observation import ModelObservation, VariantObservation
from wva.fleet.replica import InstanceMetrics, Phase, Replica
from wva.record.decision import PlainMemory

UNKNOWN = "unknown"
_WIDTH_OF_A_VALUE = 100


def describe_traffic(seen: ModelObservation) -> str:
    """One sentence on a model's traffic at the gateway."""
    traffic = seen.traffic
    if traffic is None:
        return f"model {seen.model.name}: traffic {UNKNOWN}"
    return (
        f"model {seen.model.name}: {_number(traffic.arrival_rate_1m)} requests/s over 1 min and "
        f"{_number(traffic.arrival_rate_5m)} over 5 min, {_number(traffic.in_flight)} in flight, "
        f"{_number(traffic.queue_requests)} queued at the gateway, {_number(traffic.failed_total)} failed in all, "
        f"P90 {_milliseconds(traffic.ttft_p90_1m_s)} to the first token and {_milliseconds(traffic.tpot_p90_1m_s)} for "
        f"each further one ({format_duration(traffic.age_s)} old)"
    )


def describe_variant(seen: VariantObservation, now: float) -> Iterator[str | Table]:
    """A sentence on a variant's replicas by phase, and a table of what each of its engines reported."""
    phases = [f"{count} {phase.value}" for phase in Phase if (count := len(seen.in_phase(phase)))]
    ready = UNKNOWN if seen.ready is None else seen.ready
    counts = ", ".join(phases) or "no replica"
    yield f"{seen.variant.name}: {counts}; desired {seen.desired}, ready by its status {ready}"
    if not seen.replicas:
        return
    rows = [row for replica in seen.replicas for row in _engines(replica, now)]
    known = [load for load in LOADS if any(load.of(row.metrics) != UNKNOWN for row in rows)]
    yield _load_table(rows, known)
    if missing := [load.name for load in LOADS if load not in known]:
        yield f"  {UNKNOWN} of all of them: {', '.join(missing)}"


def describe_memory(memory: PlainMemory) -> Iterator[str]:
    """A line for each field, long values summarised."""
    for name, value in memory.items():
        yield f"{name}: {_short(value)}"


@dataclass(frozen=True, slots=True)
class _Engine:
    name: str
    phase: str
    metrics: InstanceMetrics | None


@dataclass(frozen=True, slots=True)
class _Load:
    """One figure of an engine's load."""

    name: str
    text: Callable[[InstanceMetrics], str]

    def of(self, metrics: InstanceMetrics | None) -> str:
        return UNKNOWN if metrics is None else self.text(metrics)


def _number(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _percent(share: float | None) -> str:
    return UNKNOWN if share is None else f"{share:.0%}"


def _milliseconds(seconds: float | None) -> str:
    return UNKNOWN if seconds is None else f"{_number(seconds * 1000)} ms"


LOADS = (
    _Load("running", lambda metrics: _number(metrics.running)),
    _Load("waiting", lambda metrics: _number(metrics.waiting)),
    _Load("KV used", lambda metrics: _percent(metrics.kv_usage)),
    _Load("input tokens/s", lambda metrics: _number(metrics.prompt_tokens_rate_5m)),
    _Load("output tokens/s", lambda metrics: _number(metrics.generation_tokens_rate_5m)),
    _Load("TTFT", lambda metrics: _milliseconds(metrics.ttft_mean_5m_s)),
    _Load("between tokens", lambda metrics: _milliseconds(metrics.inter_token_mean_5m_s)),
)


def _engines(replica: Replica, now: float) -> Iterator[_Engine]:
    """Each engine of a replica, under the replica's name where it is alone; a replica without any counts as one."""
    phase = f"{replica.phase.value} for {format_duration(now - replica.since)}"
    phase += f" ({replica.reason})" if replica.reason else ""
    alone = len(replica.instances) == 1
    for instance in replica.instances:
        yield _Engine(replica.id if alone else instance.id, phase, instance.metrics)
    if not replica.instances:
        yield _Engine(replica.id, phase, None)


def _load_table(rows: list[_Engine], loads: list[_Load]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("replica", overflow="fold")
    table.add_column("phase", overflow="fold")
    for heading in ("age", *(load.name for load in loads)):
        table.add_column(heading.replace(" ", "\n"), justify="right", no_wrap=True)
    for row in rows:
        age = "never seen" if row.metrics is None else format_duration(row.metrics.age_s)
        table.add_row(*(Text(cell) for cell in (row.name, row.phase, age, *(load.of(row.metrics) for load in loads))))
    return table


def _short(value: object) -> str:
    """The value as JSON where that is short, else how many entries it has and the first of them."""
    text = json.dumps(value, ensure_ascii=False)
    if len(text) <= _WIDTH_OF_A_VALUE:
        return text
    if isinstance(value, dict | list):
        entries = "1 entry" if len(value) == 1 else f"{len(value)} entries"
        return f"{entries}: {text[: _WIDTH_OF_A_VALUE - 1]}…"
    return f"{text[: _WIDTH_OF_A_VALUE - 1]}…"
