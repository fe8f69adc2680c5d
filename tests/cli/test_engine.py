import json
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from wva.cli.engine import engine
from wva.fleet.errors import UserError

app = typer.Typer()
app.command()(engine)
runner = CliRunner()


def test_a_server_in_words() -> None:
    result = runner.invoke(app, ["qwen3-32b", "h100-80gb", "--tensor-parallel", "2", "--output", "1000"])
    assert result.exit_code == 0
    for text in ("Qwen/Qwen3-32B in bf16 on 2 x H100-80GB", "tokens in a step", "prompt alone", "bound by", "kv cache"):
        assert text in result.output
    # Two GPUs of 70 W idle and 38 W for a context.
    assert re.search(r"idle, context loaded +216 W", result.output)


def test_a_server_in_json() -> None:
    result = runner.invoke(app, ["llama-3.1-8b-instruct", "L4", "--tpot", "90ms", "--json"])
    report = json.loads(result.output)
    assert report["limits"]["max_num_batched_tokens"] == 2048
    assert report["sustainable"]["binding"] == "tpot"
    assert report["sustainable"]["tpot_s"] == pytest.approx(0.09)
    power, tokens_per_s = report["power"], 200 * report["sustainable"]["requests_per_s"]
    assert (power["idle_w"], power["mean_w"] < 72) == (28, True)
    assert power["j_per_output_token"] == pytest.approx(power["mean_w"] / tokens_per_s)


def test_a_server_that_sustains_nothing_has_no_power_at_that_rate() -> None:
    result = runner.invoke(app, ["llama-3.1-8b-instruct", "L4", "--tpot", "1ms", "--json"])
    assert json.loads(result.output)["power"] == {"idle_w": 28, "mean_w": None, "j_per_output_token": None}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give a model and an accelerator"),
        (["qwen3-32b"], "give a model and an accelerator"),
        (["qwen3-32b", "h100-80gb", "--ttft", "soon"], "--ttft: must be a duration such as 15s"),
        (["qwen3-32b", "h300"], "unknown accelerator 'h300'; did you mean"),
        (["qwen3-32b", "L4"], "does not fit 1 x L4"),
        (["qwen3-32b", "h200", "--max-num-batched-tokens", "512"], "max_num_seqs 1024 is above"),
        (["--check", "none.csv"], "none.csv: cannot be read"),
    ],
)
def test_mistakes(arguments: list[str], message: str) -> None:
    result = runner.invoke(app, arguments)
    assert isinstance(result.exception, UserError)
    assert message in str(result.exception)


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    path = tmp_path / "measured.csv"
    path.write_text(
        "model_path,system,precision,mode,isl,osl,batch_size,tp_size,attention_dp_size,moe_tp_size,moe_ep_size,"
        "silicon_ttft_ms,silicon_tpot_ms\n"
        "Qwen/Qwen3-32B,h100_sxm,,agg,1024,1024,64,4,,1,1,243,17.3\n"
        "Qwen/Qwen3-32B,h100_sxm,,agg,1024,128,64,4,,1,1,252,29.2\n"
        "moonshotai/Kimi-K2.5,h200_sxm,int4,agg,1024,1024,64,8,1,8,1,243,17.3\n"
    )
    return path


def test_a_check_in_json(measured: Path) -> None:
    report = json.loads(runner.invoke(app, ["--check", str(measured), "--json"]).output)
    assert (report["rows"], report["tpot_rows"]) == (2, 1)
    assert report["median_abs_pct_error_tpot"] < 15
    assert report["median_abs_pct_error_ttft"] > 0
    assert report["by_accelerator"].keys() == {"H100-80GB"}
    assert report["by_model"].keys() == {"Qwen/Qwen3-32B (bf16)"}
    assert report["left_out"] == {"moonshotai/Kimi-K2.5: no shape in the catalogue": 1}


def test_a_check_in_words(measured: Path) -> None:
    output = runner.invoke(app, ["--check", str(measured)]).output
    assert "Qwen/Qwen3-32B (bf16)" in output
    assert "left out: 1 rows, moonshotai/Kimi-K2.5: no shape in the catalogue" in output
