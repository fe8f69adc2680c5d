"""``wva load``: a trace or a scenario's traffic, sent to a real server."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wva.cli.options import Overrides, parsed_duration, read_scenario
from wva.fleet.errors import UserError
from wva.fleet.model import Objectives

if TYPE_CHECKING:
    from wva.report.traffic import Traffic
    from wva.workload.driver.drive import DriveSettings

INTERRUPTED = 130
"""Exit code where the driver was stopped before its end."""
_DEFAULT_TTFT, _DEFAULT_TPOT = "2s", "100ms"


def load(
    traffic: Annotated[
        Path, typer.Argument(metavar="TRACE|SCENARIO.yaml", help="A trace, or a scenario whose traffic is sent.")
    ],
    url: Annotated[str, typer.Option(help="Base of the server's addresses, such as http://127.0.0.1:8000.")],
    model: Annotated[
        str | None,
        typer.Option(help="The model to ask for with a trace. Default: the only one that the server lists."),
    ] = None,
    ttft: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help=f"Objective for the first token of a trace. Default: {_DEFAULT_TTFT}."),
    ] = None,
    tpot: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help=f"Objective for each further token. Default: {_DEFAULT_TPOT}."),
    ] = None,
    scale: Annotated[float | None, typer.Option(help="Copies of the trace laid over each other.")] = None,
    start: Annotated[str | None, typer.Option(metavar="DURATION", help="Leave so much of the trace out.")] = None,
    duration: Annotated[str | None, typer.Option(metavar="DURATION", help="Send only so much of it.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of what is drawn: arrivals, lengths, prompts.")] = 1,
    speed: Annotated[
        float, typer.Option(help="Play it so many times faster. Latencies are told, and judged, in the trace's time.")
    ] = 1.0,
    prompts: Annotated[
        str, typer.Option(metavar="ids|text", help="Prompts as token ids, exactly as long as asked, or as words.")
    ] = "ids",
    timeout: Annotated[str, typer.Option(metavar="DURATION", help="Give an answer up after so long.")] = "10m",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where results.json goes. Default: ./wva-results/load-NAME.")
    ] = None,
) -> None:
    """Send a trace to a server, each request at its time whatever became of others, and say who was served in time."""
    for option, number in (("--speed", speed), ("--scale", scale)):
        if number is not None and not 0 < number < float("inf"):
            raise UserError(f"{option} is {number:g}; give a number above 0")
    # What follows takes a while to load; mistakes in the options above are told before.
    from wva.report.traffic import scenario_traffic, trace_traffic  # noqa: PLC0415
    from wva.workload.driver.drive import DriveSettings  # noqa: PLC0415
    from wva.workload.driver.prompts import PromptKind  # noqa: PLC0415

    if prompts not in list(PromptKind):
        raise UserError(f"--prompts is {prompts!r}; give ids or text")
    settings = DriveSettings(
        url=url.rstrip("/").removesuffix("/v1"),
        speed=speed,
        prompts=PromptKind(prompts),
        seed=seed,
        timeout_s=parsed_duration("--timeout", timeout),
    )
    if traffic.suffix in (".yaml", ".yml"):
        if model is not None or ttft is not None or tpot is not None:
            raise UserError("--model, --ttft and --tpot go with a trace; a scenario says its own")
        scenario = read_scenario(traffic, Overrides(None, scale, None, None, start, duration))
        found = scenario_traffic(scenario, seed)
    else:
        objectives = Objectives(
            parsed_duration("--ttft", ttft or _DEFAULT_TTFT), parsed_duration("--tpot", tpot or _DEFAULT_TPOT)
        )
        start_s = 0.0 if start is None else parsed_duration("--start", start)
        duration_s = None if duration is None else parsed_duration("--duration", duration)
        asked = model or _only_model(settings)
        found = trace_traffic(traffic, asked, objectives, scale or 1.0, start_s, duration_s, seed)
    _drive_and_show(found, settings, out or Path("wva-results") / f"load-{found.name}")


def _only_model(settings: "DriveSettings") -> str:
    from wva.workload.driver.drive import list_models  # noqa: PLC0415

    models = asyncio.run(list_models(settings))
    if len(models) != 1:
        listed = ", ".join(models) or "none"
        raise UserError(f"--model is needed: {settings.url} lists {listed}; give the name of the one to ask for")
    return models[0]


def _drive_and_show(traffic: "Traffic", settings: "DriveSettings", directory: Path) -> None:
    import uvloop  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415

    from wva.cli.load_view import drive_shown, show_driven  # noqa: PLC0415
    from wva.report.comparison import write_results  # noqa: PLC0415
    from wva.report.driven import Driven, as_results  # noqa: PLC0415
    from wva.report.output import RESULTS, whole_directory  # noqa: PLC0415

    with whole_directory(directory) as partial:
        seen, stopped_s = uvloop.run(drive_shown(traffic.workload, settings))
        if not len(seen.due_s):
            raise UserError("nothing was sent, so there is nothing to report")
        driven = Driven(
            name=traffic.name,
            sources=traffic.sources,
            models=traffic.models,
            workload=traffic.workload,
            seen=seen,
            url=settings.url,
            speed=settings.speed,
            seed=settings.seed,
            window_s=_window_s(traffic.workload.window_s, stopped_s, settings.speed),
        )
        results = as_results(driven)
        write_results(results, partial / RESULTS)
    show_driven(results, traffic.models, Console(width=None if sys.stdout.isatty() else 120))
    print(f"\n{directory / RESULTS} has all numbers.")
    if stopped_s is not None:
        raise typer.Exit(INTERRUPTED)


def _window_s(whole_s: float, stopped_s: float | None, speed: float) -> float:
    """Length of the window that was played, in seconds of the workload."""
    return whole_s if stopped_s is None else min(whole_s, stopped_s * speed)
