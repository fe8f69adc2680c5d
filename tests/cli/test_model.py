import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wva.cli.model import app
from wva.fleet.errors import UserError

CONFIG = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 128,
    "max_position_embeddings": 512,
    "num_attention_heads": 2,
    "num_hidden_layers": 2,
    "vocab_size": 512,
}
runner = CliRunner()


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG))
    return path


def test_a_model_is_added_and_listed(config: Path) -> None:
    added = runner.invoke(app, ["add", "me/tiny", str(config)])
    assert added.exit_code == 0, added.output
    assert "added me/tiny" in added.output
    lines = runner.invoke(app, ["list"]).output.splitlines()
    assert [line.split()[-1] for line in lines if "me/tiny" in line] == ["you"]
    assert [line.split()[-1] for line in lines if "openai/gpt-oss-120b" in line] == ["wva"]


def test_a_name_is_added_once(config: Path) -> None:
    runner.invoke(app, ["add", "me/tiny", str(config)])
    again = runner.invoke(app, ["add", "me/tiny", str(config)])
    assert isinstance(again.exception, UserError)
