"""``wva engine``: what one model server can do, and how far the engine model is from measured hardware."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from wva.cli.options import parsed_duration
from wva.engine.build import build_server
from wva.engine.capacity import Capacity, sustainable
from wva.engine.check import LEAST_OUTPUT_TOKENS, Check, Errors, check
from wva.engine.engine_time import decode_step_s, prefill_s
from wva.engine.load_power import mean_power_w
from wva.engine.memory import longest_sequence
from wva.engine.mix import RequestMix
from wva.engine.server import BLOCK_TOKENS, Server
from wva.fleet.catalogue import accelerator, model_shape
from wva.fleet.errors import UserError
from wva.fleet.model import Objectives
from wva.fleet.variant import EngineArguments

_BATCHES = (1, 8, 32, 128, 512)


def engine(
    model: Annotated[
        str | None, typer.Argument(help="Model of the catalogue; the part after the slash will do.")
    ] = None,
    gpu: Annotated[str | None, typer.Argument(metavar="ACCELERATOR", help="For example H100-80GB.")] = None,
    tensor_parallel: Annotated[int, typer.Option(help="GPUs of one replica.")] = 1,
    precision: Annotated[str, typer.Option(help="Of the weights: bf16, fp8 or fp4.")] = "bf16",
    kv_precision: Annotated[str, typer.Option(help="Of the KV cache: bf16 or fp8.")] = "bf16",
    max_num_seqs: Annotated[
        int | None, typer.Option(help="Sequences in one batch; vLLM's default if not given.")
    ] = None,
    max_num_batched_tokens: Annotated[int | None, typer.Option(help="Tokens in one step; likewise.")] = None,
    input_tokens: Annotated[float, typer.Option("--input", help="Mean tokens of a prompt.", min=1.0)] = 1000.0,
    output_tokens: Annotated[float, typer.Option("--output", help="Mean tokens of an answer.", min=1.0)] = 200.0,
    prefix_hit_rate: Annotated[float, typer.Option(help="Part of prompts found in the cache.", min=0.0, max=1.0)] = 0.0,
    ttft: Annotated[str, typer.Option(help="Objective for the time to first token.")] = "2s",
    tpot: Annotated[str, typer.Option(help="Objective for the time per output token.")] = "100ms",
    headroom: Annotated[float, typer.Option(help="Part of the rate to keep free.", min=0.0, max=0.99)] = 0.0,
    check_file: Annotated[
        Path | None, typer.Option("--check", metavar="FILE.csv", help="Compare with latencies measured on hardware.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show limits, step times and the sustainable rate of one model server, or check them against measurements."""
    if check_file is not None:
        _print_check(check(check_file), as_json)
        return
    if model is None or gpu is None:
        raise UserError(
            "give a model and an accelerator (wva engine Llama-3.1-8B-Instruct H100-80GB), or --check FILE.csv"
        )
    server = build_server(
        model_shape(model),
        accelerator(gpu),
        tensor_parallel,
        precision,
        EngineArguments(max_num_seqs, max_num_batched_tokens),
        kv_precision=kv_precision,
    )
    mix = RequestMix(input_tokens, output_tokens, prefix_hit_rate)
    objectives = Objectives(ttft_s=parsed_duration("--ttft", ttft), tpot_s=parsed_duration("--tpot", tpot))
    capacity = sustainable(server, mix, objectives, headroom)
    name = f"{model_shape(model).name} in {precision} on {tensor_parallel} x {accelerator(gpu).name}"
    if as_json:
        report = {"server": name, "limits": _limits(server), "sustainable": asdict(capacity)}
        typer.echo(json.dumps({**report, "power": _power(server, mix, capacity)}, indent=2))
        return
    console = Console()
    console.print(name, highlight=False)
    console.print(_limits_table(server), _steps_table(server, mix), _rate_table(mix, objectives, capacity))
    console.print(_power_table(_power(server, mix, capacity)))


def _limits(server: Server) -> dict[str, int]:
    return {
        "kv_tokens": longest_sequence(server.kv_blocks, server.window_blocks),
        "kv_blocks": server.kv_blocks,
        "max_num_seqs": server.max_num_seqs,
        "max_num_batched_tokens": server.max_num_batched_tokens,
        "max_model_len": server.max_model_len,
    }


def _limits_table(server: Server) -> Table:
    limits = _limits(server)
    table = Table(title="limits", title_justify="left", box=None, show_header=False)
    table.add_column(justify="left")
    table.add_column(justify="right")
    table.add_row("KV cache", f"{limits['kv_tokens']:,} tokens", f"{server.kv_blocks:,} blocks of {BLOCK_TOKENS}")
    table.add_row("sequences in a batch", f"{server.max_num_seqs:,}")
    table.add_row("tokens in a step", f"{server.max_num_batched_tokens:,}")
    table.add_row("longest request", f"{server.max_model_len:,} tokens")
    return table


def _steps_table(server: Server, mix: RequestMix) -> Table:
    table = Table(title=f"\nsteps at {mix.mean_context:,.0f} tokens of context", title_justify="left", box=None)
    table.add_column("sequences", justify="right")
    table.add_column("step", justify="right")
    table.add_column("tokens/s", justify="right")
    for batch in (size for size in _BATCHES if size <= server.max_num_seqs):
        step_s = decode_step_s(server, batch, mix.mean_context)
        table.add_row(str(batch), f"{1e3 * step_s:.1f} ms", f"{batch / step_s:,.0f}")
    prompt_s = prefill_s(server, mix.computed_tokens, mix.cached_tokens)
    table.add_row("prompt alone", f"{1e3 * prompt_s:.1f} ms", f"{mix.computed_tokens / prompt_s:,.0f}")
    return table


def _rate_table(mix: RequestMix, objectives: Objectives, capacity: Capacity) -> Table:
    request = f"{mix.input_tokens:g} tokens in, {mix.output_tokens:g} out"
    promise = f"first token in {objectives.ttft_s:g} s, then {1e3 * objectives.tpot_s:g} ms a token"
    table = Table(title=f"\nsustains, {request}, {promise}", title_justify="left", box=None, show_header=False)
    table.add_column(justify="left")
    table.add_column(justify="right")
    table.add_row("rate", f"{capacity.requests_per_s:.2f} requests/s")
    table.add_row("bound by", str(capacity.binding))
    table.add_row("sequences decoding", f"{capacity.batch:.1f}")
    table.add_row("time per output token", f"{1e3 * capacity.tpot_s:.1f} ms")
    table.add_row("time to first token, no queue", f"{1e3 * capacity.ttft_s:.0f} ms")
    table.add_row("KV cache in use", f"{capacity.kv_tokens:,.0f} tokens")
    return table


def _power(server: Server, mix: RequestMix, capacity: Capacity) -> dict[str, float | None]:
    """``None`` is unknown, or no rate is sustained."""
    rate = capacity.requests_per_s
    mean_w = mean_power_w(server, mix, rate, capacity.batch) if rate else None
    return {
        "idle_w": None if server.power is None else server.power.standing_w,
        "mean_w": mean_w,
        "j_per_output_token": None if mean_w is None else mean_w / (rate * mix.output_tokens),
    }


def _power_table(power: dict[str, float | None]) -> Table:
    table = Table(title="\npower of all its GPUs (modelled)", title_justify="left", box=None, show_header=False)
    table.add_column(justify="left")
    table.add_column(justify="right")
    for heading, key, form in (
        ("idle, context loaded", "idle_w", "{:,.0f} W"),
        ("at that rate", "mean_w", "{:,.0f} W"),
        ("energy for an output token", "j_per_output_token", "{:.3g} J"),
    ):
        value = power[key]
        table.add_row(heading, "unknown" if value is None else form.format(value))
    return table


def _print_check(result: Check, as_json: bool) -> None:
    overall = result.overall()
    by_accelerator = result.by(lambda row: row.accelerator)
    by_model = result.by(lambda row: f"{row.measurement.model} ({row.measurement.precision})")
    if as_json:
        report = {
            "rows": overall.rows,
            "tpot_rows": overall.tpot_rows,
            "median_abs_pct_error_tpot": overall.median_abs_tpot,
            "median_abs_pct_error_ttft": overall.median_abs_ttft,
            "by_accelerator": {name: asdict(errors) for name, errors in by_accelerator.items()},
            "by_model": {name: asdict(errors) for name, errors in by_model.items()},
            "left_out": result.left_out,
        }
        typer.echo(json.dumps(report, indent=2))
        return
    table = Table(box=None)
    table.add_column("", overflow="fold")
    for heading in ("rows", "judged", "TPOT median", "mean", "bias", "TTFT median"):
        table.add_column(heading, justify="right")
    for name, errors in {"all": overall, **by_accelerator, **by_model}.items():
        table.add_row(name, *_error_cells(errors))
    console = Console()
    console.print("absolute error against measured hardware, in percent (bias: median with its sign)", highlight=False)
    console.print(table)
    console.print(
        f"TPOT is judged where answers have {LEAST_OUTPUT_TOKENS} tokens or more. The measured TTFT holds the first "
        "burst of all clients, which the model leaves out.",
        highlight=False,
    )
    for reason, rows in result.left_out.items():
        console.print(f"left out: {rows} rows, {reason}", highlight=False)


def _error_cells(errors: Errors) -> list[str]:
    tpot = (errors.median_abs_tpot, errors.mean_abs_tpot, errors.bias_tpot)
    formats = ("{:.1f}", "{:.1f}", "{:+.1f}")
    cells = ["-" if value is None else form.format(value) for value, form in zip(tpot, formats, strict=True)]
    return [str(errors.rows), str(errors.tpot_rows), *cells, f"{errors.median_abs_ttft:.1f}"]
