import pytest

from wva.engine.build import build_server
from wva.engine.limits import Limits, engine_limits
from wva.fleet.catalogue import accelerator, model_shape
from wva.fleet.errors import UserError
from wva.fleet.variant import EngineArguments


@pytest.mark.parametrize(
    ("gpu", "seqs", "tokens"),
    [
        ("L4", 256, 2048),
        ("L40S", 256, 2048),
        ("A100-80GB", 256, 2048),
        ("H100-80GB", 1024, 8192),
        ("H200", 1024, 8192),
        ("B200", 1024, 16384),
    ],
)
def test_defaults_by_device(gpu: str, seqs: int, tokens: int) -> None:
    assert engine_limits(accelerator(gpu), EngineArguments()) == Limits(seqs, tokens)


def test_arguments_replace_defaults() -> None:
    assert engine_limits(accelerator("H100-80GB"), EngineArguments(max_num_seqs=64)) == Limits(64, 8192)
    assert engine_limits(accelerator("L4"), EngineArguments(None, 512)) == Limits(256, 512)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (EngineArguments(2049, 2048), "max_num_seqs 2049 is above max_num_batched_tokens 2048"),
        (EngineArguments(None, 128), "max_num_seqs 256 is above max_num_batched_tokens 128"),
        (EngineArguments(0, 128), "must be at least 1"),
    ],
)
def test_contradictions_are_refused(arguments: EngineArguments, message: str) -> None:
    with pytest.raises(UserError, match=message):
        engine_limits(accelerator("L4"), arguments)


def test_the_longest_request_is_what_the_cache_holds() -> None:
    shape = model_shape("Llama-3.1-8B-Instruct")
    small = build_server(shape, accelerator("L4"))
    assert small.max_model_len == 16 * small.kv_blocks < shape.max_model_len
    assert build_server(shape, accelerator("H100-80GB")).max_model_len == shape.max_model_len


def test_a_server_of_a_model_with_windows() -> None:
    server = build_server(model_shape("gpt-oss-120b"), accelerator("H100-80GB"), 2, "fp4")
    assert (server.window, server.window_blocks) == (128, 9)
    assert server.step.tokens_ps.shape == (server.max_num_batched_tokens + 1,)
