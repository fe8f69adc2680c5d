import json
from pathlib import Path
from typing import Any

import pytest

from wva.fleet.catalogue import packaged_models
from wva.fleet.errors import UserError
from wva.fleet.huggingface import read_config

LLAMA: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "max_position_embeddings": 131072,
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "num_key_value_heads": 8,
    "tie_word_embeddings": False,
    "vocab_size": 128256,
}
MIXTRAL = LLAMA | {
    "model_type": "mixtral",
    "max_position_embeddings": 32768,
    "num_experts_per_tok": 2,
    "num_local_experts": 8,
    "sliding_window": None,
    "vocab_size": 32000,
}
QWEN3 = {
    "model_type": "qwen3",
    "head_dim": 128,
    "hidden_size": 5120,
    "intermediate_size": 25600,
    "max_position_embeddings": 40960,
    "max_window_layers": 64,
    "num_attention_heads": 64,
    "num_hidden_layers": 64,
    "num_key_value_heads": 8,
    "sliding_window": None,
    "tie_word_embeddings": False,
    "use_sliding_window": False,
    "vocab_size": 151936,
}
QWEN3_MOE = QWEN3 | {
    "model_type": "qwen3_moe",
    "hidden_size": 4096,
    "intermediate_size": 12288,
    "moe_intermediate_size": 1536,
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "num_hidden_layers": 94,
    "num_key_value_heads": 4,
}
GPT_OSS = {
    "model_type": "gpt_oss",
    "experts_per_token": 4,
    "head_dim": 64,
    "hidden_size": 2880,
    "intermediate_size": 2880,
    "layer_types": ["sliding_attention", "full_attention"] * 18,
    "max_position_embeddings": 131072,
    "num_attention_heads": 64,
    "num_experts_per_tok": 4,
    "num_hidden_layers": 36,
    "num_key_value_heads": 8,
    "num_local_experts": 128,
    "sliding_window": 128,
    "tie_word_embeddings": False,
    "vocab_size": 201088,
}


def written(tmp_path: Path, config: object) -> Path:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    return path


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", LLAMA),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", MIXTRAL),
        ("Qwen/Qwen3-32B", QWEN3),
        ("Qwen/Qwen3-235B-A22B", QWEN3_MOE),
        ("openai/gpt-oss-120b", GPT_OSS),
        ("Qwen/Qwen3-32B", {"model_type": "some_vision_model", "text_config": QWEN3, "vision_config": {}}),
    ],
)
def test_configurations_give_the_shapes_of_the_catalogue(tmp_path: Path, name: str, config: dict[str, Any]) -> None:
    shape = read_config(name, written(tmp_path, config))
    expected = packaged_models()[name]
    for field in shape.__slots__:
        if field != "source":
            assert getattr(shape, field) == getattr(expected, field), field


def test_what_older_configurations_leave_out(tmp_path: Path) -> None:
    config = {key: value for key, value in LLAMA.items() if key not in ("num_key_value_heads", "tie_word_embeddings")}
    shape = read_config("old", written(tmp_path, config))
    assert (shape.kv_heads, shape.head_size, shape.tied_embeddings) == (32, 128, False)


def test_tied_embeddings_beside_a_nested_configuration(tmp_path: Path) -> None:
    text = {key: value for key, value in QWEN3.items() if key != "tie_word_embeddings"}
    config = {"model_type": "qwen3_vl", "tie_word_embeddings": True, "text_config": text}
    assert read_config("tied", written(tmp_path, config)).tied_embeddings


def test_a_window_in_every_layer(tmp_path: Path) -> None:
    shape = read_config("mistral", written(tmp_path, LLAMA | {"model_type": "mistral", "sliding_window": 4096}))
    assert (shape.window, shape.window_layers) == (4096, 32)


def test_a_window_switched_off(tmp_path: Path) -> None:
    shape = read_config("qwen2", written(tmp_path, QWEN3 | {"model_type": "qwen2", "sliding_window": 131072}))
    assert (shape.window, shape.window_layers) == (0, 0)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({key: value for key, value in LLAMA.items() if key != "hidden_size"}, "key 'hidden_size' is missing"),
        ({key: value for key, value in LLAMA.items() if key != "model_type"}, "key 'model_type' is missing"),
        (LLAMA | {"vocab_size": "many"}, "key 'vocab_size' must be a positive integer, not 'many'"),
        (LLAMA | {"vocab_size": 0}, "key 'vocab_size' must be a positive integer, not 0"),
        (LLAMA | {"tie_word_embeddings": 1}, "key 'tie_word_embeddings' must be true or false, not 1"),
        (GPT_OSS | {"layer_types": 3}, "key 'layer_types' must be a list, not 3"),
        (LLAMA | {"model_type": "mamba"}, "model_type 'mamba' is not covered; covered: llama, "),
        (LLAMA | {"model_type": "deepseek_v3", "kv_lora_rank": 512}, "tells of multi-head latent attention"),
        (QWEN3_MOE | {"shared_expert_intermediate_size": 512}, "tells of shared experts"),
        (QWEN3_MOE | {"mlp_only_layers": [0, 1]}, "tells of dense layers among layers of experts"),
        (QWEN3_MOE | {"decoder_sparse_step": 2}, "tells of dense layers among layers of experts"),
        ([1], "not a JSON object"),
    ],
)
def test_configurations_that_cannot_be_read(tmp_path: Path, config: object, message: str) -> None:
    path = written(tmp_path, config)
    with pytest.raises(UserError) as error:
        read_config("x", path)
    assert message in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_config("x", tmp_path / "none.json")
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match="not JSON"):
        read_config("x", tmp_path / "config.json")
