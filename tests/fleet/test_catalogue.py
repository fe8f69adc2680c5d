from pathlib import Path

import pytest

from wva.fleet.catalogue import accelerator, accelerators, model_shape, models, packaged_models, user_models_path
from wva.fleet.errors import UserError


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "wva").mkdir()
    return tmp_path / "wva" / "models.toml"


ENTRY = """
[[model]]
name = "me/mine"
layers = 2
hidden_size = 64
attention_heads = 2
kv_heads = 2
head_size = 32
intermediate_size = 128
vocabulary = 512
tied_embeddings = true
max_model_len = 512
source = "made up"
"""


def test_every_entry_has_its_source_and_is_whole() -> None:
    assert set(accelerators()) == {"A100-80GB", "H100-80GB", "H200", "B200", "L4", "L40S"}
    assert all(entry.source and entry.flops["bf16"] > 0 for entry in accelerators().values())
    for shape in packaged_models().values():
        assert shape.source
        assert shape.attention_heads % shape.kv_heads == 0
        assert (shape.experts > 0) == (shape.experts_per_token > 0)
        assert (shape.window > 0) == (shape.window_layers > 0)


@pytest.mark.parametrize(
    ("model", "kv_bytes"),
    [
        ("Llama-3.1-8B-Instruct", 131072),
        ("Llama-3.1-70B-Instruct", 327680),
        ("Qwen3-32B", 262144),
        ("Mixtral-8x7B-Instruct-v0.1", 131072),
        ("gpt-oss-120b", 73728),
        ("Qwen3-235B-A22B", 192512),
    ],
)
def test_keys_and_values_of_a_token_are_as_published(model: str, kv_bytes: int) -> None:
    shape = model_shape(model)
    assert 2 * shape.layers * shape.kv_heads * shape.head_size * 2 == kv_bytes


@pytest.mark.parametrize("name", ["Qwen/Qwen3-32B", "qwen/qwen3-32b", "Qwen3-32B", "qwen3-32b"])
def test_names_in_full_and_short_in_any_case(name: str) -> None:
    assert model_shape(name).name == "Qwen/Qwen3-32B"


def test_accelerators_in_any_case() -> None:
    assert accelerator("h100-80gb") is accelerator("H100-80GB")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("llama-3.1-8b", "meta-llama/Llama-3.1-8B-Instruct"),
        ("Qwen3-23B", "Qwen/Qwen3-32B"),
        ("gpt-oss", "openai/gpt-oss-120b"),
        ("mixtral", "mistralai/Mixtral-8x7B-Instruct-v0.1"),
    ],
)
def test_unknown_models_list_near_names(name: str, near: str) -> None:
    with pytest.raises(UserError, match=f"unknown model '{name}'; did you mean .*{near}"):
        model_shape(name)


def test_unknown_accelerators_list_near_names_or_all() -> None:
    with pytest.raises(UserError, match=r"unknown accelerator 'H100'; did you mean H100-80GB"):
        accelerator("H100")
    with pytest.raises(UserError, match="known: A100-80GB, H100-80GB, H200, B200, L4, L40S"):
        accelerator("xyz")


def test_models_of_the_user(config: Path) -> None:
    assert user_models_path() == config
    config.write_text(ENTRY)
    assert model_shape("mine").experts == 0
    assert len(models()) == len(packaged_models()) + 1


def test_a_short_name_of_several(config: Path) -> None:
    config.write_text(ENTRY.replace("me/mine", "me/Qwen3-32B"))
    with pytest.raises(UserError, match=r"stands for several: Qwen/Qwen3-32B, me/Qwen3-32B; give the full name"):
        model_shape("qwen3-32b")
    assert model_shape("Qwen/Qwen3-32B").layers == 64


def test_home_is_where_the_catalogue_is_without_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_models_path() == tmp_path / ".config" / "wva" / "models.toml"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[model]\n", "models.toml: not TOML"),
        ("model = 3\n", r"'model' must be an array of tables, each starting with \[\[model\]\]"),
        ("[[model]]\nlayers = 2\n", r"a \[\[model\]\] entry has no name"),
        (ENTRY.replace("layers = 2\n", ""), "model 'me/mine': key 'layers' is missing"),
        (ENTRY.replace("layers = 2\n", 'layers = "two"\n'), "model 'me/mine': 'layers' must be int"),
        (ENTRY + "depth = 3\n", "model 'me/mine': unknown key 'depth'"),
        (ENTRY.replace("layers = 2", "layers = 0"), "model 'me/mine': 'layers' must be at least 1"),
    ],
)
def test_a_catalogue_with_a_mistake(config: Path, text: str, message: str) -> None:
    config.write_text(text)
    with pytest.raises(UserError, match=message):
        models()
