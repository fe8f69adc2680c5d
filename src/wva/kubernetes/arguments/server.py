"""The model server of a pod template: which container it is, and what it was told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from wva.fleet.variant import EngineArguments
from wva.kubernetes.arguments.container import Program, server_program
from wva.kubernetes.arguments.environment import UNKNOWN
from wva.kubernetes.arguments.options import Options, parse_options
from wva.kubernetes.arguments.values import parse_port, parse_positive, parse_share

T = TypeVar("T")

DEFAULT_PORT = 8000
"""Where vLLM listens unless it is told otherwise."""


@dataclass(frozen=True, slots=True)
class ServerArguments:
    """What a vLLM server was started with. ``None`` was not given, or is given and cannot be known here.

    ``problems`` tells the two apart: it names everything given that could not be read.
    """

    container: str
    """Name of the container that the server runs in."""
    model: str | None = None
    served_names: tuple[str, ...] = ()
    """What clients may call it, its model id where nothing else is said; empty is unknown."""
    port: int | None = None
    tensor_parallel: int | None = None
    pipeline_parallel: int | None = None
    data_parallel: int | None = None
    data_parallel_local: int | None = None
    """Data-parallel ranks in this pod, where they are spread over several."""
    max_model_len: int | None = None
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    gpu_memory_utilization: float | None = None
    dtype: str | None = None
    quantization: str | None = None
    kv_cache_dtype: str | None = None
    prefix_caching: bool | None = None
    chunked_prefill: bool | None = None
    enforce_eager: bool | None = None
    problems: tuple[str, ...] = ()
    """What was given but is not known, one line each."""

    @property
    def engine(self) -> EngineArguments:
        """The part that the engine model takes."""
        return EngineArguments(self.max_num_seqs, self.max_num_batched_tokens, self.gpu_memory_utilization)


def server_arguments(pod_spec: Mapping[str, Any]) -> ServerArguments | str:
    """What the template's model server was told, or why none was found, in one line.

    ``pod_spec`` is ``spec.template.spec`` of a workload. Init containers serve nothing, so they are not looked at.
    """
    program = server_program(pod_spec)
    return program if isinstance(program, str) else _read(program)


def _read(program: Program) -> ServerArguments:
    options = parse_options(program.words)
    problems: list[str] = []
    if "config" in options.values:
        problems.append(f"--config {_shown(options.values['config'])}: what the file says cannot be seen")

    def value(name: str, parse: Callable[[str], T]) -> T | None:
        return _value(options, name, parse, problems)

    model = value("model", str)
    if "model" not in options.values and options.positional:
        model = _known(options.positional[0], "MODEL", problems)
    names = options.values.get("served-model-name")
    known = [model] if names is None else [_known(name, "--served-model-name", problems) for name in names]
    data_parallel = value("data-parallel-size", parse_positive)
    if "data-parallel-size" not in options.values:
        data_parallel = _from_environment(program, "VLLM_DP_SIZE", problems)
    return ServerArguments(
        container=program.container,
        model=model,
        served_names=tuple(name for name in known if name),
        port=value("port", parse_port) if "port" in options.values else DEFAULT_PORT,
        tensor_parallel=value("tensor-parallel-size", parse_positive),
        pipeline_parallel=value("pipeline-parallel-size", parse_positive),
        data_parallel=data_parallel,
        data_parallel_local=value("data-parallel-size-local", parse_positive),
        max_model_len=_max_model_len(options, problems),
        max_num_seqs=value("max-num-seqs", parse_positive),
        max_num_batched_tokens=value("max-num-batched-tokens", parse_positive),
        gpu_memory_utilization=value("gpu-memory-utilization", parse_share),
        dtype=value("dtype", str),
        quantization=value("quantization", str),
        kv_cache_dtype=value("kv-cache-dtype", str),
        prefix_caching=options.flags.get("enable-prefix-caching"),
        chunked_prefill=options.flags.get("enable-chunked-prefill"),
        enforce_eager=options.flags.get("enforce-eager"),
        problems=tuple(problems),
    )


def _value(options: Options, name: str, parse: Callable[[str], T], problems: list[str]) -> T | None:
    given = options.values.get(name)
    if given is None:
        return None
    text = _known(given[0], f"--{name}", problems) if given else None
    if not given:
        problems.append(f"--{name}: has no value")
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError as error:
        problems.append(f"--{name} {text}: cannot be read ({error})")
        return None


def _max_model_len(options: Options, problems: list[str]) -> int | None:
    """``auto`` and -1 let the engine take what fits: nothing is given then."""
    if options.values.get("max-model-len") in (("auto",), ("-1",)):
        return None
    return _value(options, "max-model-len", parse_positive, problems)


def _from_environment(program: Program, name: str, problems: list[str]) -> int | None:
    given = program.variables.get(name)
    if given is None or _known(given, name, problems) is None:
        return None
    try:
        return parse_positive(given)
    except ValueError as error:
        problems.append(f"{name}={given}: cannot be read ({error})")
        return None


def _known(text: str, what: str, problems: list[str]) -> str | None:
    if UNKNOWN not in text:
        return text
    problems.append(f"{what} {_shown((text,))}: depends on what only the running container knows")
    return None


def _shown(values: tuple[str, ...]) -> str:
    return " ".join(values).replace(UNKNOWN, "…")
