"""How fast a scenario is simulated: requests per second from reading the trace to the results, and where time goes.

On one core, in an idle machine::

    taskset -c 0 .venv/bin/python bench/simulate.py ../shared/scenarios/chat-day.yaml --policy static --repeat 5
    taskset -c 0 .venv/bin/python bench/simulate.py --linear

Every run reads the trace, draws the traffic, journals every decision to a file and counts the attainable requests. A
small run before compiles what the cache lacks. Compare figures of one invocation with each other: other work on the
machine slows all of them. ``--linear`` scales the traffic under the scenario's fixed fleet: the event loop should take
the same time for each request, while decisions cost the same for each interval.
"""

import argparse
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar
from unittest.mock import patch

import wva.simulate.run
from wva.policies.registry import POLICIES, make
from wva.record.writer import JournalWriter
from wva.scenario.load import load_scenario, override
from wva.scenario.schema import Scenario
from wva.scenario.traffic import draw_workload, read_sources
from wva.simulate.body import SimulatedFleet
from wva.simulate.observe import Observer
from wva.simulate.run import Simulation, prepare, simulate

P = ParamSpec("P")
T = TypeVar("T")

SCENARIO = Path(__file__).resolve().parents[2] / "shared" / "scenarios" / "chat-day.yaml"

STAGES: dict[str, tuple[tuple[object, str], ...]] = {
    "set up the run": ((Simulation, "__init__"),),
    "event loop": ((SimulatedFleet, "serve_until"),),
    "scrape": ((Observer, "scrape"),),
    "observe": ((Observer, "observe"),),
    "carry out the plan": ((SimulatedFleet, "apply"),),
    "journal": ((JournalWriter, "append"), (JournalWriter, "close")),
    "attainable requests": ((wva.simulate.run, "find_attainable"),),
}
"""What to measure inside a run: functions by the object that holds them."""


@dataclass(frozen=True, slots=True)
class Timing:
    """One run."""

    requests: int
    decisions: int
    elapsed_s: float
    processor_s: float
    stages: dict[str, float]
    """Seconds by stage, the longest first."""


def timed(function: Callable[P, T], stage: str, seconds: dict[str, float]) -> Callable[P, T]:
    def measured(*args: P.args, **kwargs: P.kwargs) -> T:
        began = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            seconds[stage] += time.perf_counter() - began

    return measured


def run(scenario: Scenario, policy: str, folder: Path) -> Timing:
    setting = prepare(scenario)
    seconds: dict[str, float] = defaultdict(float)
    with ExitStack() as patches:
        for stage, functions in STAGES.items():
            for holder, name in functions:
                measured = timed(getattr(holder, name), stage, seconds)
                patches.enter_context(patch.object(holder, name, measured))
        processor, began = time.process_time(), time.perf_counter()
        sources = timed(read_sources, "read the trace", seconds)(scenario)
        workload = timed(draw_workload, "draw the traffic", seconds)(scenario, sources, scenario.seeds[0])
        result = simulate(setting, workload, make(policy), scenario.seeds[0], folder / "run.journal")
        elapsed, processor = time.perf_counter() - began, time.process_time() - processor
    seconds["decide"] = float(result.decision_s.sum())
    seconds["everything else"] = elapsed - sum(seconds.values())
    stages = dict(sorted(seconds.items(), key=lambda item: -item[1]))
    return Timing(len(workload), len(result.decision_s), elapsed, processor, stages)


def fastest(scenario: Scenario, policy: str, repeat: int, folder: Path) -> Timing:
    return min((run(scenario, policy, folder) for _ in range(repeat)), key=lambda timing: timing.elapsed_s)


def show(timing: Timing) -> None:
    rate = timing.requests / timing.elapsed_s
    print(f"{timing.requests:,} requests and {timing.decisions:,} decisions: {rate:,.0f} requests/s all in")
    print(f"  {timing.elapsed_s:.2f} s elapsed, {timing.processor_s:.2f} s on the processor")
    print(f"  {'stage':20} {'seconds':>8} {'share':>6} {'us/request':>11} {'ms/decision':>12}")
    for stage, seconds in timing.stages.items():
        share, each = seconds / timing.elapsed_s, 1e6 * seconds / timing.requests
        print(f"  {stage:20} {seconds:8.3f} {share:6.1%} {each:11.4f} {1000 * seconds / timing.decisions:12.4f}")
    print(f"  peak memory of the process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


def show_linear(scenario: Scenario, scales: Sequence[float], policy: str, repeat: int, folder: Path) -> None:
    print(f"{'scale':>6} {'requests':>11} {'seconds':>8} {'us/request':>11} {'of that, event loop':>20}")
    for scale in scales:
        timing = fastest(override(scenario, scale=scale), policy, repeat, folder)
        each, loop = (1e6 * seconds / timing.requests for seconds in (timing.elapsed_s, timing.stages["event loop"]))
        print(f"{scale:6g} {timing.requests:11,} {timing.elapsed_s:8.2f} {each:11.3f} {loop:20.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", type=Path, nargs="?", default=SCENARIO)
    parser.add_argument("--policy", choices=sorted(POLICIES), default="static")
    parser.add_argument("--repeat", type=int, default=3, help="the fastest of so many runs counts")
    parser.add_argument("--linear", action="store_true", help="scale the traffic under the static policy instead")
    parser.add_argument("--scales", type=float, nargs="+", default=[1, 2, 5, 10], help="scales of --linear")
    chosen = parser.parse_args()
    scenario = load_scenario(chosen.scenario)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(override(scenario, scale=0.01), chosen.policy, folder)
        if chosen.linear:
            show_linear(scenario, chosen.scales, "static", chosen.repeat, folder)
        else:
            show(fastest(scenario, chosen.policy, chosen.repeat, folder))


if __name__ == "__main__":
    main()
