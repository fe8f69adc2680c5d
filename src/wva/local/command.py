"""The command that starts a replica, from a template with placeholders such as ``{port}``."""

import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from wva.fleet.duration import exact_duration
from wva.local.schema import FleetSpec, LocalVariantSpec, Server

OF_A_REPLICA = ("replica", "port", "gpus")
"""Placeholders that differ between the replicas of a variant; the last is there only where GPUs are counted."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What starts one replica."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    """Added to the environment of ``wva``."""
    directory: Path | None


def of_a_variant(fleet: FleetSpec, variant: LocalVariantSpec) -> dict[str, str]:
    """The placeholders that are the same for all replicas of a variant; arguments that it leaves out are not there."""
    model = fleet.models[variant.model]
    values: dict[str, object] = {
        "python": sys.executable,
        "host": fleet.replicas.host,
        "model": variant.model,
        "shape": model.shape,
        "precision": model.precision,
        "variant": variant.name,
        "accelerator": variant.accelerator,
        "tensor_parallel": variant.tensor_parallel,
        "startup": exact_duration(variant.startup),
        "speed": f"{fleet.speed:g}",
        "max_num_seqs": variant.max_num_seqs,
        "max_num_batched_tokens": variant.max_num_batched_tokens,
        "gpu_memory_utilization": variant.gpu_memory_utilization,
    }
    return {name: str(value) for name, value in values.items() if value is not None}


def launch(server: Server, values: Mapping[str, str], gpus: tuple[str, ...] | None) -> Launch:
    """Fill the template in; ``gpus`` are what CUDA_VISIBLE_DEVICES names, ``None`` where GPUs are not counted.

    Raises:
        ValueError: The template is wrong, or has a placeholder that is not among ``values``.

    """
    visible = {} if gpus is None else {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": ",".join(gpus)}
    environment = {name: fill(value, values) for name, value in server.environment.items()}
    arguments = tuple(fill(word, values) for word in server.command)
    return Launch(arguments, {**visible, **environment}, server.directory)


def fill(template: str, values: Mapping[str, str]) -> str:
    """The text with every placeholder replaced; ``{{`` and ``}}`` are braces.

    Raises:
        ValueError: A placeholder is unknown, or a brace stands alone.

    """
    parts = []
    for literal, name in _pieces(template):
        parts.append(literal)
        if name is not None:
            if name not in values:
                known = ", ".join(f"{{{known}}}" for known in values)
                raise ValueError(f"there is no {{{name}}} here; there are {known}; write {{{{ and }}}} for braces")
            parts.append(values[name])
    return "".join(parts)


def placeholders(server: Server) -> set[str]:
    """The placeholders in the command and the environment, of templates that ``fill`` takes."""
    templates = (*server.command, *server.environment.values())
    return {name for template in templates for _, name in _pieces(template) if name is not None}


def find_program(started: Launch) -> str | None:
    """The file that would run; ``None`` where there is none that can."""
    program, directory = started.arguments[0], started.directory or Path()
    if "/" in program:
        return shutil.which(directory / program)
    return shutil.which(program, path=started.environment.get("PATH"))


def _pieces(template: str) -> Iterator[tuple[str, str | None]]:
    try:
        for literal, name, form, conversion in Formatter().parse(template):
            plain = name if name is None or (name.isidentifier() and not form and not conversion) else None
            if plain is None and name is not None:
                raise ValueError(f"{{{name}}} is no plain name")
            yield literal, plain
    except ValueError as error:
        raise ValueError(f"{str(error).rstrip('.')}; write {{{{ and }}}} for braces") from None
