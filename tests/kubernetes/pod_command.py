"""From the arguments that users write for vLLM to the command that emulates it."""

import shlex
import sys
from dataclasses import dataclass
from typing import Any

from wva.fleet.catalogue import models
from wva.kubernetes.accelerator import in_catalogue
from wva.kubernetes.arguments.server import ServerArguments, server_arguments
from wva.kubernetes.served_model import served_model

Body = dict[str, Any]

EMULATE = "test.wva/emulate"
"""Annotation of a pod: further options of ``wva emulate``, as in a shell."""


@dataclass(frozen=True, slots=True)
class Served:
    """The server of a pod."""

    container: str
    port: int
    command: tuple[str, ...]
    """Without the address to listen on; empty for a pod that has no model server."""


def served(pod: Body, product: str | None, speed: float, startup_s: float) -> Served:
    """What runs in a pod on a node with that GPU; ``startup_s`` real seconds pass until it listens.

    A pod that cannot be emulated has a command that fails and says why, as its image would.
    """
    first = pod["spec"]["containers"][0]
    arguments = server_arguments(pod["spec"])
    if isinstance(arguments, str):
        return Served(first["name"], _port(first), ())
    emulated = _emulated(arguments, product)
    if isinstance(emulated, str):
        command: tuple[str, ...] = ("sh", "-c", f"echo {shlex.quote(emulated)}; exit 1")
    else:
        more = shlex.split((pod["metadata"].get("annotations") or {}).get(EMULATE, ""))
        pace = ("--speed", f"{speed:g}", "--startup", f"{startup_s * speed:g}s")
        command = (sys.executable, "-m", "wva.cli.main", "emulate", *emulated, *pace, *more)
    return Served(arguments.container, arguments.port or 8000, command)


def _emulated(arguments: ServerArguments, product: str | None) -> tuple[str, ...] | str:
    model = served_model(arguments.model or "", arguments, models())
    accelerator = None if product is None else in_catalogue(product)
    if isinstance(model, str):
        return model
    if accelerator is None:
        return f"no figures for the GPU of this node, {product}"
    options = {
        "model": model.shape,
        "accelerator": accelerator.name,
        "precision": model.precision,
        "kv-precision": "fp8" if (arguments.kv_cache_dtype or "").startswith("fp8") else None,
        "tensor-parallel": arguments.tensor_parallel,
        "max-model-len": arguments.max_model_len,
        "max-num-seqs": arguments.max_num_seqs,
        "max-num-batched-tokens": arguments.max_num_batched_tokens,
        "gpu-memory-utilization": arguments.gpu_memory_utilization,
    }
    words = [word for name, value in options.items() if value is not None for word in (f"--{name}", str(value))]
    words += ["--no-enable-prefix-caching"] if arguments.prefix_caching is False else []
    words += [word for name in arguments.served_names for word in ("--served-model-name", name)]
    return tuple(words)


def _port(container: Body) -> int:
    ports = container.get("ports") or ()
    return int(ports[0]["containerPort"]) if ports else 8000
