"""Whether a live fleet does what its simulation says: the same requests, the same policy, the same engine model.

``./dev python -m bench.live_against_simulated`` runs one load live, through gateway, emulated servers, scraping and the
loop, and in virtual time, for some seeds. Beside each other: requests within the objectives, p90 TTFT, replica-seconds
and when each count was changed. It fails where the medians differ by more than 5 points of attainment or 10 % of the
replica-seconds, or where a run has fewer than two changes or an attainment outside 60 to 95 %.

Before its first request the live loop sees silence, while replicas start and the driver loads, and policies learn from
silence how sudden a load is. So the live run comes first, and the simulated one has a silence of the same length. Times
and replica-seconds count from the first request on.

A machine must keep up: the driver's lateness is shown, and a run in which p99 of it is above 100 ms on the wall tells
nothing. Processes take some seconds of the wall to load at any speed; the emulator counts that as part of a start.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from wva.engine.batch.state import PICOSECONDS
from wva.fleet.errors import UserError
from wva.fleet.replica import Phase
from wva.live.demonstration import Demonstration
from wva.live.fleet import LiveRun, running_fleet
from wva.live.hardware import compile_engine, modelled_servers
from wva.local.load import parse_fleet
from wva.local.schema import FleetSpec
from wva.local.simulated import as_scenario
from wva.policies.registry import make
from wva.record.reader import Journal
from wva.report.score import score
from wva.scenario.traffic import draw_workload, read_sources
from wva.simulate.run import prepare, simulate

ATTAINMENT_POINTS = 0.05
REPLICA_SECONDS = 0.10
LATENESS_S = 0.1
SILENCE_S = 15.0
"""Of the load itself."""
MIDDLE, HIGH = 1.0, 2.2
"""Requests per second after each step."""
FLEET = """
name: live-against-simulated
speed: {speed}
seed: {seed}
models:
  qwen3-32b: {{shape: Qwen/Qwen3-32B, precision: bf16, objectives: {{ttft: 2s, tpot: 100ms}}}}
variants:
  - {{name: a100, model: qwen3-32b, accelerator: A100-80GB, tensor_parallel: 2, cost: 3.6, min: 2, max: 7,
     startup: 120s}}
nodes:
  - {{accelerator: A100-80GB, gpus: 16, count: 1}}
replicas:
  command: >-
    {{python}} -m wva.cli.main emulate --model {{shape}} --precision {{precision}} --accelerator {{accelerator}}
    --tensor-parallel {{tensor_parallel}} --served-model-name {{model}} --host {{host}} --port {{port}}
    --startup {{startup}} --speed {{speed}} --shutdown-timeout 30s
gateway: {{port: 0, queue: {queue}, hold_above: 5, first_token_timeout: 5m}}
control: {{interval: 15s, scrape: 15s}}
policy: wva
workload:
  - model: qwen3-32b
    synthetic:
      arrivals: poisson
      input_tokens: {{lognormal: {{mean: 5000, cv: 0.7}}}}
      output_tokens: {{lognormal: {{mean: 120, cv: 0.7}}}}
      rate: [[0s, 0], [{silence}s, 0], [{silence}s, 0.25], [{more}s, 0.25], [{more}s, {middle}], [{most}s, {middle}],
             [{most}s, {high}], [{less}s, {high}], [{less}s, 0.25], [{end}s, 0.25]]
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One run, in the fleet's time from the first request on."""

    attainment: float
    ttft_p90_s: float
    replica_s: float
    changes: tuple[tuple[float, int, int], ...]
    """When, from how many, to how many."""
    silence_s: float
    """From the first look of the loop to the first request."""
    lateness_p99_s: float = 0.0
    """Of the driver, on the wall."""


def described(
    speed: float, seed: int, queue: str = "gateway", minutes: float = 10.0, silence_s: float = SILENCE_S
) -> FleetSpec:
    """The fleet of one run: silence, little load, two steps up a quarter of the time later each, and little again."""
    whole = 60.0 * minutes
    shares = {"silence": 0.0, "more": 0.25, "most": 0.5, "less": 0.8, "end": 1.0}
    times = {name: f"{silence_s + share * whole:.3f}" for name, share in shares.items()}
    text = FLEET.format(speed=f"{speed:g}", seed=seed, queue=queue, middle=MIDDLE, high=HIGH, **times)
    return parse_fleet(text, "bench", Path())


def first_arrival_s(fleet: FleetSpec) -> float:
    """When the first request of a fleet's load is due."""
    scenario = as_scenario(fleet)
    return float(draw_workload(scenario, read_sources(scenario), fleet.seed).arrival_ps[0]) / PICOSECONDS


def simulated(fleet: FleetSpec, directory: Path) -> Run:
    """The run in virtual time."""
    scenario = as_scenario(fleet)
    workload = draw_workload(scenario, read_sources(scenario), fleet.seed)
    path = directory / "simulated.journal"
    result = simulate(prepare(scenario), workload, make(fleet.policy.name), fleet.seed, path)
    scored = score(result)
    with Journal(path) as journal:
        changes = [
            (decision.observation.now, part.expected, part.target)
            for decision in journal
            for part in decision.plan.variants
            if part.target != part.expected
        ]
    assert scored.attainment is not None
    assert scored.ttft_s.p90 is not None
    first = float(workload.arrival_ps[0]) / PICOSECONDS
    before = first * sum(variant.initial for variant in fleet.variants)
    return Run(
        attainment=scored.attainment,
        ttft_p90_s=scored.ttft_s.p90,
        replica_s=3600.0 * sum(scored.replica_hours.values()) - before,
        changes=tuple((time - first, old, new) for time, old, new in changes if time >= first),
        silence_s=first,
    )


async def live(fleet: FleetSpec, directory: Path) -> Run:
    """The run on this machine."""
    async with running_fleet(fleet, directory, modelled_servers(fleet), load=False) as run:
        await _until_ready(run)
        load = await Demonstration.start(fleet, run.gateway_url, directory.resolve(), directory / "logs")
        try:
            began, used_before = await _first_request(run)
            if (failed := await load.wait()) is not None:
                raise UserError(f"the load failed: {failed}")
        finally:
            await load.stop()
        run.meter.look()
        used = sum(use.on_hardware_s for use in run.meter.use.values()) - used_before
        silence_s = began - run.watch.history[0].time
        changes = [
            (tick.time - began, point.before, point.target)
            for tick in run.watch.history
            for point in tick.variants
            if tick.time >= began and point.target is not None and point.before is not None
            if point.target != point.before
        ]
    results: dict[str, Any] = json.loads((directory / "load" / "results.json").read_text())
    seen = results["policies"]["live"]["median"]
    return Run(seen["attainment"], seen["ttft_s"]["p90"], used, tuple(changes), silence_s, results["lateness_s"]["p99"])


async def _until_ready(run: LiveRun) -> None:
    async with asyncio.timeout(120):
        while not run.body.replicas or any(one.phase is not Phase.READY for one in run.body.replicas):
            await asyncio.sleep(0.02)


async def _first_request(run: LiveRun) -> tuple[float, float]:
    """When it came, and the replica-seconds until then."""
    async with asyncio.timeout(120):
        while not sum(model.offered for model in run.watch.now().models):
            await asyncio.sleep(0.01)
    state = run.watch.now()
    return state.now, sum(use.on_hardware_s for use in run.meter.use.values())


def compare(pairs: list[tuple[Run, Run]]) -> list[str]:
    """What is wrong, if anything; pairs are (live, simulated)."""
    wrong = []
    for number, (lived, foretold) in enumerate(pairs, 1):
        for name, run in (("live", lived), ("simulated", foretold)):
            if not 0.60 <= run.attainment <= 0.95:
                wrong.append(f"run {number} {name}: attainment {run.attainment:.1%} is outside 60 to 95 %")
            if len(run.changes) < 2:
                wrong.append(f"run {number} {name}: {len(run.changes)} scale events, not two")
        if lived.lateness_p99_s > LATENESS_S:
            wrong.append(f"run {number}: the driver was {lived.lateness_p99_s:.2f} s late; lower --speed")
    apart = statistics.median(one.attainment - two.attainment for one, two in pairs)
    if abs(apart) > ATTAINMENT_POINTS:
        wrong.append(f"attainment differs by {100 * apart:+.1f} points, more than 5")
    ratio = statistics.median(one.replica_s / two.replica_s for one, two in pairs)
    if abs(ratio - 1) > REPLICA_SECONDS:
        wrong.append(f"replica-seconds differ by {ratio - 1:+.1%}, more than 10 %")
    return wrong


def show(pairs: list[tuple[Run, Run]], console: Console) -> None:
    """The runs beside each other."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for heading in ("run", "", "met", "TTFT p90", "replica-seconds", "late p99", "decisions"):
        table.add_column(heading, overflow="fold")
    for number, pair in enumerate(pairs, 1):
        for name, run in zip(("live", "simulated"), pair, strict=True):
            late = f"{1000 * run.lateness_p99_s:.0f} ms" if name == "live" else ""
            when = ", ".join(f"{time:.0f}s {before}->{after}" for time, before, after in run.changes)
            table.add_row(
                *(str(number), name, f"{run.attainment:.1%}", f"{run.ttft_p90_s:.2f} s", f"{run.replica_s:.0f}"),
                *(late, when),
            )
    medians = [
        ("met", "attainment", "{:.1%}"),
        ("TTFT p90", "ttft_p90_s", "{:.2f} s"),
        ("replica-seconds", "replica_s", "{:.0f}"),
    ]
    console.print(table)
    for told, field, form in medians:
        lived, foretold = (statistics.median(getattr(pair[side], field) for pair in pairs) for side in (0, 1))
        console.print(f"median {told}: {form.format(lived)} live, {form.format(foretold)} simulated")


def run_pairs(
    runs: int, speed: float, queue: str, minutes: float, out: Path, first_seed: int = 1
) -> list[tuple[Run, Run]]:
    """Run each seed live and in virtual time; the journals of both are left in ``out``."""
    pairs = []
    compile_engine(fleet := described(speed, first_seed, queue, minutes), modelled_servers(fleet))
    for seed in range(first_seed, first_seed + runs):
        fleet = described(speed, seed, queue, minutes)
        directory = out / f"seed-{seed}"
        directory.mkdir(parents=True)
        lived = asyncio.run(live(fleet, directory / "live"))
        longer = lived.silence_s - first_arrival_s(fleet)
        foretold = simulated(described(speed, seed, queue, minutes, SILENCE_S + longer), directory)
        pairs.append((lived, foretold))
        print(f"seed {seed}: {pairs[-1]}", file=sys.stderr)
    return pairs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--speed", type=float, default=8.0)
    parser.add_argument("--queue", choices=["gateway", "engine"], default="gateway")
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the load, in its own time")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the journals are left; a new directory")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wva-bench-") as directory:
        out = options.out or Path(directory)
        pairs = run_pairs(options.runs, options.speed, options.queue, options.minutes, out)
    show(pairs, Console(width=150))
    wrong = compare(pairs)
    print("\n".join(wrong) if wrong else "within 5 points of attainment and 10 % of replica-seconds")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
