"""What an emulated server is started with."""

from dataclasses import dataclass, field, replace

from wva.emulator.faults import Faults
from wva.engine.build import build_server
from wva.engine.server import Server
from wva.fleet.catalogue import accelerator, model_shape
from wva.fleet.errors import UserError
from wva.fleet.variant import EngineArguments


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of ``wva emulate``; times are seconds of the modelled server."""

    model: str
    """Name in the catalogue of model shapes."""
    accelerator: str
    """Name in the catalogue of accelerators."""
    tensor_parallel: int = 1
    precision: str = "bf16"
    kv_precision: str = "bf16"
    engine: EngineArguments = field(default_factory=EngineArguments)
    max_model_len: int | None = None
    """``None`` is the model's, or as much of it as the KV cache can hold of one sequence."""
    prefix_caching: bool = True
    served_model_names: tuple[str, ...] = ()
    """What clients call the model; the catalogue's name when empty. The first is the one in answers and metrics."""
    host: str = "127.0.0.1"
    port: int = 8000
    """0 takes any free port."""
    speed: float = 1.0
    """How many times as fast as real time everything happens."""
    startup_s: float = 0.0
    """From the start to when the port listens."""
    wake_up_s: float = 1.0
    """What waking up takes: vLLM was seen to need 0.1 to 6 s from sleep level 1, by the size of the model."""
    shutdown_timeout_s: float = 0.0
    """How long SIGTERM waits for answers under way; with 0 they are cut at once."""
    seed: int = 0
    """Answers of the same seed are the same."""
    answer_tokens: float = 256.0
    """Mean length of answers that end by themselves."""
    max_num_queued_reqs: int | None = None
    """Sequences waiting or running above which a request is refused; ``None`` is no limit."""
    max_num_queued_tokens: int | None = None
    """Prompt tokens of sequences without a first token from which on a request is refused; ``None`` is no limit."""
    track_load: bool = False
    """Whether /load counts requests under way; vLLM answers 0 unless told to."""
    prompt_tokens_details: bool = False
    """Whether usage says how many tokens of the prompt came from the prefix cache."""
    faults: Faults = field(default_factory=Faults)

    @property
    def names(self) -> tuple[str, ...]:
        """What clients may call the model."""
        return self.served_model_names or (model_shape(self.model).name,)


def modelled_server(settings: Settings) -> Server:
    """The engine that these settings describe.

    Raises ``UserError`` when the model or the accelerator is unknown, the model does not fit, or an option contradicts
    another.
    """
    _check(settings)
    server = build_server(
        model_shape(settings.model),
        accelerator(settings.accelerator),
        settings.tensor_parallel,
        settings.precision,
        settings.engine,
        kv_precision=settings.kv_precision,
    )
    longest = settings.max_model_len
    if longest is None:
        return server
    if not 1 < longest <= server.max_model_len:
        raise UserError(
            f"max_model_len {longest} must be above 1 and at most {server.max_model_len}: "
            "what the model is made for and its KV cache can hold"
        )
    return replace(server, max_model_len=longest)


def _check(settings: Settings) -> None:
    if settings.speed <= 0:
        raise UserError(f"speed {settings.speed:g} must be above 0")
    if settings.answer_tokens < 1:
        raise UserError(f"answer tokens {settings.answer_tokens:g} must be at least 1")
    utilization = settings.engine.gpu_memory_utilization
    if utilization is not None and not 0 < utilization <= 1:
        raise UserError(f"gpu_memory_utilization {utilization:g} must be above 0 and at most 1")
