from pathlib import Path

import pytest

from wva.engine.check import Check, check
from wva.fleet.errors import UserError

SHARED = Path(__file__).resolve().parents[3] / "shared" / "facts" / "vllm-measured-latency.csv"

HEADER = (
    "backend,model_path,system,precision,mode,isl,osl,batch_size,tp_size,attention_dp_size,moe_tp_size,moe_ep_size,"
    "silicon_ttft_ms,silicon_tpot_ms"
)
QWEN = "vllm,Qwen/Qwen3-32B,h100_sxm,,agg,1024,1024,64,4,,1,1,243,17.3"


@pytest.fixture(scope="module")
def measured() -> Check:
    if not SHARED.exists():
        pytest.skip(f"no measured latencies at {SHARED}")
    return check(SHARED)


def written(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "measured.csv"
    path.write_text("\n".join([HEADER, *rows, ""]))
    return path


def test_the_median_error_of_tpot_is_at_most_15_percent(measured: Check) -> None:
    overall = measured.overall()
    assert overall.tpot_rows >= 200
    assert overall.median_abs_tpot is not None
    assert overall.median_abs_tpot <= 15.0


def test_every_gpu_holds_by_itself(measured: Check) -> None:
    errors = measured.by(lambda row: row.accelerator)
    assert errors.keys() == {"H100-80GB", "H200"}
    assert all(group.median_abs_tpot is not None and group.median_abs_tpot <= 15.0 for group in errors.values())


def test_every_dense_bf16_and_70b_row_is_within_a_quarter(measured: Check) -> None:
    rows = [
        row
        for row in measured.rows
        if row.judged and (row.measurement.precision == "bf16" or row.measurement.model == "meta-llama/Llama-3.1-70B")
    ]
    assert len(rows) == 110
    assert max(abs(row.tpot_error) for row in rows) <= 0.25


def test_rows_left_out_are_counted_with_their_reason(measured: Check) -> None:
    assert measured.left_out["moonshotai/Kimi-K2.5: no shape in the catalogue"] == 10
    assert sum(measured.left_out.values()) + len(measured.rows) == 285


def test_a_row_by_itself(tmp_path: Path) -> None:
    result = check(written(tmp_path, QWEN))
    assert result.overall().rows == result.overall().tpot_rows == 1
    assert result.rows[0].shape == "Qwen/Qwen3-32B"
    assert result.rows[0].tpot_s == pytest.approx(17.3e-3, rel=0.15)


def test_repeated_rows_count_once(tmp_path: Path) -> None:
    assert check(written(tmp_path, QWEN, QWEN)).overall().rows == 1


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (QWEN.replace("Qwen3-32B", "Qwen9"), "Qwen/Qwen9: no shape in the catalogue"),
        (QWEN.replace("h100_sxm", "tpu"), "tpu: not in the catalogue"),
        (QWEN.replace(",agg,", ",disagg,"), "Qwen/Qwen3-32B: prefill and decode on different engines"),
        (QWEN.replace(",64,4,", ",512,4,"), "Qwen/Qwen3-32B: 512 clients"),
        (QWEN.replace("4,,1,1", "4,2,1,1"), "Qwen/Qwen3-32B: expert or data parallelism"),
        (QWEN.replace("sxm,,", "sxm,int4,"), "unknown precision 'int4'; known: bf16, fp8, fp4"),
    ],
)
def test_rows_that_are_not_covered(tmp_path: Path, row: str, reason: str) -> None:
    assert check(written(tmp_path, QWEN, row)).left_out == {reason: 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column 'model_path'"),
        (HEADER + "\n", "has no rows"),
        (
            HEADER + "\n" + QWEN.replace("17.3", "fast"),
            "line 2: column 'silicon_tpot_ms' has 'fast', not a positive number",
        ),
        (HEADER + "\n" + QWEN.replace("17.3", "0"), "column 'silicon_tpot_ms' has '0', not a positive number"),
        (HEADER + "\n" + QWEN.replace("1024,1024", "inf,1024"), "column 'isl' has 'inf', not a positive number"),
        (HEADER + "\nvllm,x", "column 'isl' has None, not a positive number"),
        (HEADER + "\n" + QWEN.replace("h100_sxm", "tpu"), "no row has a model and a GPU of the catalogue"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "measured.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        check(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        check(tmp_path / "none.csv")
