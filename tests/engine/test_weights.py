import pytest

from tests.engine.small import EXPERTS, SHAPE
from wva.engine.weights import model_bytes, parameters, weight_bytes
from wva.fleet.catalogue import model_shape
from wva.fleet.errors import UserError


@pytest.mark.parametrize(
    ("name", "billions"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", 8.03),
        ("meta-llama/Llama-3.1-70B-Instruct", 70.55),
        ("Qwen/Qwen3-32B", 32.76),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", 46.70),
        ("openai/gpt-oss-120b", 116.8),
        ("Qwen/Qwen3-235B-A22B", 235.1),
        ("MiniMaxAI/MiniMax-M2.5", 228.7),
    ],
)
def test_parameters_are_those_the_models_are_published_with(name: str, billions: float) -> None:
    assert parameters(model_shape(name)) / 1e9 == pytest.approx(billions, rel=1e-3)


def test_embeddings_stay_in_bf16() -> None:
    assert model_bytes(SHAPE, "bf16") == 2 * 7e6 + 2 * 2e6
    assert model_bytes(SHAPE, "fp8") == 7e6 + 2 * 2e6
    assert model_bytes(SHAPE, "fp4") == 7e6 * 4.25 / 8 + 2 * 2e6


def test_every_expert_is_kept() -> None:
    assert parameters(EXPERTS) == 4e6 + 8 * 3e6 + 8 * 1000 + 2e6


def test_gpt_oss_quantises_its_experts_only() -> None:
    shape = model_shape("gpt-oss-120b")
    attention = 36 * 2880 * (2 * 64 * 64 + 2 * 8 * 64)
    experts = 36 * 128 * 3 * 2880 * 2880
    router_and_tables = 36 * 2880 * 128 + 2 * 201088 * 2880
    assert model_bytes(shape, "fp4") == pytest.approx(experts * 0.53125 + 2 * (attention + router_and_tables))


def test_unknown_precision() -> None:
    with pytest.raises(UserError, match="unknown precision 'int3'; known: bf16, fp8, fp4"):
        weight_bytes("int3")
