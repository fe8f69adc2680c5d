"""``wva simulate``: one policy on a scenario's traffic."""

from typing import Annotated

import typer

from wva.cli.compare import run_and_show
from wva.cli.options import (
    Duration,
    FitReplicas,
    Jobs,
    Out,
    Overrides,
    QueueAt,
    Scale,
    ScenarioFile,
    Seeds,
    Start,
    Trace,
    read_scenario,
)


def simulate(
    scenario: ScenarioFile = None,
    policy: Annotated[
        str, typer.Option(metavar="NAME[=OPTIONS.yaml]", help="The policy to run, with its options from a file.")
    ] = "wva",
    out: Out = None,
    trace: Trace = None,
    scale: Scale = None,
    fit_replicas: FitReplicas = None,
    seeds: Seeds = None,
    queue: QueueAt = None,
    start: Start = None,
    duration: Duration = None,
    jobs: Jobs = None,
) -> None:
    """Run one policy on a scenario's traffic, in virtual time, and say who was served, by what and at which cost."""
    changed = read_scenario(scenario, Overrides(trace, scale, seeds, queue, start, duration))
    run_and_show(changed, [policy], out, jobs, fit_replicas)
