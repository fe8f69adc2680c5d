from dataclasses import replace
from pathlib import Path

import pytest

from wva.fleet.catalogue import model_shape, packaged_models
from wva.fleet.errors import UserError
from wva.fleet.user_catalogue import add_model

GPT_OSS = packaged_models()["openai/gpt-oss-120b"]


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "wva" / "models.toml"


@pytest.mark.parametrize("name", ["me/small", 'od"d \\ n\u00e4me', "tab\there"])
def test_what_is_added_is_read_back(config: Path, name: str) -> None:
    shape = replace(GPT_OSS, name=name)
    assert add_model(shape) == config
    assert model_shape(name) == shape


def test_entries_are_appended_and_others_kept(config: Path) -> None:
    add_model(replace(GPT_OSS, name="me/one"))
    config.write_text("# mine\n" + config.read_text().rstrip("\n"))
    add_model(replace(GPT_OSS, name="me/two"))
    assert config.read_text().startswith("# mine\n")
    assert model_shape("one").layers == model_shape("two").layers == 36
    assert [path.name for path in config.parent.iterdir()] == ["models.toml"]


@pytest.mark.parametrize("name", ["openai/gpt-oss-120b", "OpenAI/GPT-OSS-120B"])
def test_a_name_that_is_taken(name: str) -> None:
    with pytest.raises(UserError, match="model 'openai/gpt-oss-120b' is in the catalogue already"):
        add_model(replace(GPT_OSS, name=name))


def test_a_failed_write_leaves_the_old_file(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_model(replace(GPT_OSS, name="me/one"))
    before = config.read_text()

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(UserError, match="cannot be written: disk full"):
        add_model(replace(GPT_OSS, name="me/two"))
    assert config.read_text() == before
    assert [path.name for path in config.parent.iterdir()] == ["models.toml"]
