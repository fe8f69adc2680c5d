"""Which container of a pod template is the model server, and the words it is started with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wva.kubernetes.arguments.shell import name_of, programs
from wva.kubernetes.resources import container_gpus

_API_SERVERS = frozenset({"vllm.entrypoints.openai.api_server", "vllm.entrypoints.api_server"})
_COMMAND_MODULES = frozenset({"vllm", "vllm.entrypoints.cli.main", "wva"})
_COMMANDS = frozenset({"vllm", "wva"})
_SUBCOMMANDS = frozenset({"serve", "emulate"})
_SIMULATORS = frozenset({"llm-d-inference-sim"})
_PRINTERS = frozenset({"echo", "printf"})


@dataclass(frozen=True, slots=True)
class Program:
    """A server's start."""

    container: str
    words: tuple[str, ...]
    """What follows ``vllm serve``."""
    variables: Mapping[str, str]
    """The environment that is known of it."""


def server_program(pod_spec: Mapping[str, Any]) -> Program | str:
    """The server's start, or why none was found.

    The container that starts vLLM by name is it; else the one whose image bears the name; else the only one that asks
    for GPUs. Of several, the first with GPUs.
    """
    containers = sorted(pod_spec.get("containers") or (), key=lambda container: not container_gpus(container).asked)
    named = [program for container in containers if (program := _by_command(container)) is not None]
    if named:
        return named[0]
    if any(_is_sglang(container) for container in containers):
        return "the model server is SGLang, whose arguments are not read"
    by_image = [container for container in containers if _is_server_image(container)]
    with_gpus = [container for container in containers if container_gpus(container).asked]
    if by_image:
        return _by_image(by_image[0])
    if len(with_gpus) == 1:
        return _by_image(with_gpus[0])
    return "no container starts vLLM, bears its name in its image, or is the only one with GPUs"


def _by_command(container: Mapping[str, Any]) -> Program | None:
    for words, variables in programs(container):
        behind = _behind_server(words)
        if behind is not None:
            return Program(container["name"], behind, variables)
    return None


def _behind_server(words: Sequence[str]) -> tuple[str, ...] | None:
    """What follows the server's name, or ``None`` where the program is no server.

    The name may stand behind another program that starts it, as ``nice -n 10 vllm serve``.
    """
    first = name_of(words[0])
    if first in _SIMULATORS:
        return tuple(words[1:])
    for place, word in enumerate(words if first not in _PRINTERS else ()):
        if word in _API_SERVERS:
            return tuple(words[place + 1 :])
        called = name_of(word) in _COMMANDS or (place > 0 and words[place - 1] == "-m" and word in _COMMAND_MODULES)
        if called and place + 1 < len(words) and words[place + 1] in _SUBCOMMANDS:
            return tuple(words[place + 2 :])
    return None


def _by_image(container: Mapping[str, Any]) -> Program:
    """The image's own start: its arguments alone, with or without the subcommand."""
    words, variables = next(iter(programs(container)), ((), {}))
    if container.get("command"):
        words = words[1:]
    return Program(container["name"], tuple(words[1:] if words[:1] == ("serve",) else words), variables)


def _is_server_image(container: Mapping[str, Any]) -> bool:
    repository = container.get("image", "").split("@")[0].rsplit(":", 1)[0]
    return any("vllm" in part or part in _SIMULATORS for part in repository.split("/"))


def _is_sglang(container: Mapping[str, Any]) -> bool:
    starts = (word for words, _ in programs(container) for word in words)
    return "sglang" in container.get("image", "") or any("sglang" in word for word in starts)
