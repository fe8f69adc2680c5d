"""``wva controller``: the controller of a Kubernetes cluster."""

import asyncio
import logging
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wva.kubernetes.settings import Settings

CONTEXT_SETTINGS = {"ignore_unknown_options": True}
"""Settings are flags of the controller's own."""


def controller(
    settings: Annotated[
        list[str] | None,
        typer.Argument(metavar="[--SETTING=VALUE ...]", help="Settings, which go before those of the environment."),
    ] = None,
    kubeconfig: Annotated[
        Path | None, typer.Option(metavar="FILE", help="How the API server is reached. In a pod, its own account.")
    ] = None,
    context: Annotated[str | None, typer.Option(help="Context of the kubeconfig. Default: the current one.")] = None,
) -> None:
    """Decide the replicas of the model servers in a Kubernetes cluster, until it is told to end.

    Settings are flags, environment variables or keys of /etc/wva/config.yaml, by the same names: --log-level=debug,
    LOG_LEVEL=debug. Install it with wva manifests.
    """
    import uvloop  # noqa: PLC0415

    from wva.kubernetes.logs import log_as_json  # noqa: PLC0415
    from wva.kubernetes.settings_source import load_settings  # noqa: PLC0415

    found = load_settings(settings or [], os.environ)
    log_as_json(found.settings.log_level)
    for notice in found.notices:
        logging.getLogger("wva").warning("%s", notice)
    uvloop.run(_run(found.settings, kubeconfig, context))


async def _run(settings: "Settings", kubeconfig: Path | None, context: str | None) -> None:
    from wva.kubernetes.controller import run_controller  # noqa: PLC0415

    stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    await run_controller(settings, stop, kubeconfig=kubeconfig, context=context)
