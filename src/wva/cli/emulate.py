"""``wva emulate``: a model server without a GPU."""

import asyncio
import signal
from contextlib import nullcontext
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from wva.emulator.faults import Faults, Garbage, Hang
from wva.emulator.process import process_age_s
from wva.emulator.server import EmulatedServer
from wva.emulator.settings import Settings
from wva.fleet.catalogue import accelerator as find_accelerator
from wva.fleet.duration import parse_duration
from wva.fleet.variant import EngineArguments

_FAULTS = "Faults"


def _duration(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def emulate(
    model: Annotated[str, typer.Option(help="Model of the catalogue; the part after the slash will do.")],
    accelerator: Annotated[str, typer.Option(help="For example H100-80GB.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    served_model_name: Annotated[
        list[str] | None, typer.Option(help="What clients call the model; may be given several times.")
    ] = None,
    tensor_parallel: Annotated[int, typer.Option(help="GPUs of the server.")] = 1,
    precision: Annotated[str, typer.Option(help="Of the weights: bf16, fp8 or fp4.")] = "bf16",
    kv_precision: Annotated[str, typer.Option(help="Of the KV cache: bf16 or fp8.")] = "bf16",
    max_num_seqs: Annotated[int | None, typer.Option(help="Sequences in one batch. Default: vLLM's.")] = None,
    max_num_batched_tokens: Annotated[int | None, typer.Option(help="Tokens in one step. Default: vLLM's.")] = None,
    gpu_memory_utilization: Annotated[float | None, typer.Option(help="Part of the memory. Default: vLLM's.")] = None,
    max_model_len: Annotated[
        int | None, typer.Option(help="Tokens of prompt and answer. Default: what model and KV cache allow.")
    ] = None,
    enable_prefix_caching: Annotated[bool, typer.Option(help="Share the KV cache of equal prompts.")] = True,
    max_num_queued_reqs: Annotated[
        int | None, typer.Option(min=1, help="Refuse requests (503) above so many waiting or running.")
    ] = None,
    max_num_queued_tokens: Annotated[
        int | None, typer.Option(min=1, help="Refuse requests (503) at so many prompt tokens not yet computed.")
    ] = None,
    speed: Annotated[
        float, typer.Option(min=1e-3, max=1e4, help="Times as fast as real; divides every duration given here too.")
    ] = 1.0,
    startup: Annotated[
        float,
        typer.Option(parser=_duration, metavar="DURATION", help="Until the port listens, from the program's start."),
    ] = "0s",  # type: ignore[assignment]
    wake_up: Annotated[
        float, typer.Option(parser=_duration, metavar="DURATION", help="What waking from sleep takes.")
    ] = "1s",  # type: ignore[assignment]
    shutdown_timeout: Annotated[
        float,
        typer.Option(
            parser=_duration, metavar="DURATION", help="SIGTERM lets answers finish for so long; 0 cuts them."
        ),
    ] = "0s",  # type: ignore[assignment]
    seed: Annotated[int, typer.Option(help="The same seed gives the same answers.")] = 0,
    answer_tokens: Annotated[
        float, typer.Option(min=1.0, help="Mean length of answers that end by themselves (not with ignore_eos).")
    ] = 256.0,
    enable_server_load_tracking: Annotated[bool, typer.Option(help="Let /load count, as vLLM's flag does.")] = False,
    enable_prompt_tokens_details: Annotated[bool, typer.Option(help="Let usage tell cached tokens, likewise.")] = False,
    fault_slow_start: Annotated[
        float,
        typer.Option(parser=_duration, metavar="DURATION", help="Start so much later.", rich_help_panel=_FAULTS),
    ] = "0s",  # type: ignore[assignment]
    fault_slow_tokens: Annotated[
        float, typer.Option(min=1e-6, help="Factor on the duration of every step.", rich_help_panel=_FAULTS)
    ] = 1.0,
    fault_hang: Annotated[
        Hang | None, typer.Option(help="Hang the engine only, or the whole server.", rich_help_panel=_FAULTS)
    ] = None,
    fault_error_rate: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Part of requests that fail half-way.", rich_help_panel=_FAULTS)
    ] = 0.0,
    fault_error_after_tokens: Annotated[
        int, typer.Option(min=0, help="Tokens that those get before.", rich_help_panel=_FAULTS)
    ] = 1,
    fault_metrics: Annotated[
        Garbage | None, typer.Option(help="Garbage instead of /metrics.", rich_help_panel=_FAULTS)
    ] = None,
    fault_crash_after: Annotated[
        float | None,
        typer.Option(
            parser=_duration, metavar="DURATION", help="Crash so long after being up.", rich_help_panel=_FAULTS
        ),
    ] = None,
    fault_crash_after_requests: Annotated[
        int | None, typer.Option(min=1, help="Crash with the first token of that request.", rich_help_panel=_FAULTS)
    ] = None,
) -> None:
    """Serve a model as vLLM would on that hardware: its HTTP interface, timing and metrics, without a GPU.

    Prompts are about four bytes a token; answers are words without meaning, as long as max_tokens with ignore_eos.
    Faults can be changed while it runs: curl -X PATCH URL/emulator/faults -d '{"slow_tokens": 5}'.
    Latencies in /metrics are those of the modelled hardware at any --speed.
    """
    settings = Settings(
        model=model,
        accelerator=accelerator,
        tensor_parallel=tensor_parallel,
        precision=precision,
        kv_precision=kv_precision,
        engine=EngineArguments(max_num_seqs, max_num_batched_tokens, gpu_memory_utilization),
        max_model_len=max_model_len,
        prefix_caching=enable_prefix_caching,
        served_model_names=tuple(served_model_name or ()),
        host=host,
        port=port,
        speed=speed,
        # Loading the program is part of a start, at any speed.
        startup_s=max(0.0, startup + fault_slow_start - speed * process_age_s()),
        wake_up_s=wake_up,
        shutdown_timeout_s=shutdown_timeout,
        seed=seed,
        answer_tokens=answer_tokens,
        max_num_queued_reqs=max_num_queued_reqs,
        max_num_queued_tokens=max_num_queued_tokens,
        track_load=enable_server_load_tracking,
        prompt_tokens_details=enable_prompt_tokens_details,
        faults=Faults(
            slow_tokens=fault_slow_tokens,
            hang=fault_hang,
            error_rate=fault_error_rate,
            error_after_tokens=fault_error_after_tokens,
            metrics=fault_metrics,
            crash_after_s=fault_crash_after,
            crash_after_requests=fault_crash_after_requests,
        ),
    )
    uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C; a second one cuts what is still draining."""
    stop, hurry = asyncio.Event(), asyncio.Event()

    def end() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    server = EmulatedServer(settings)
    starting = asyncio.ensure_future(server.start())
    stopping = asyncio.ensure_future(stop.wait())
    console = Console(stderr=True)
    words = "starting; the first time compiles for half a minute"
    with console.status(words) if console.is_terminal else nullcontext():
        await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
    if starting.done():
        starting.result()
        gpus = f"{settings.tensor_parallel} x {find_accelerator(settings.accelerator).name}"
        typer.echo(f"{settings.names[0]} on {gpus} (emulated) serves at {server.url}")
        await stop.wait()
    else:
        starting.cancel()
    await server.stop(hurry)
