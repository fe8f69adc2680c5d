from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from wva.fleet.errors import UserError
from wva.workload.read import read_trace

SHARED = Path(__file__).parents[3] / "shared" / "traces"

HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens"
CSV_ROW = "2023-11-16 18:17:03.9799600,10,5"
JSON_ROW = '{"timestamp": 0, "input_length": 600, "output_length": 3, "hash_ids": [1, 2]}'

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


def parquet(path: Path, row_group_size: int | None = None, **columns: object) -> Path:
    pl.DataFrame(columns).write_parquet(path, row_group_size=row_group_size)
    return path


def test_azure_csv_counts_from_its_earliest_request(write: Write) -> None:
    text = f"{HEADER}\r\n2023-11-16 18:17:05.5000001,30,3\r\n{CSV_ROW}\r\n\r\n2023-11-16 18:17:04,20,2"
    trace = read_trace(write("t.csv", text))
    assert trace.arrival_s.tolist() == pytest.approx([0.0, 0.02004, 1.5200401], abs=1e-9)
    assert trace.input_tokens.tolist() == [10, 20, 30]
    assert trace.output_tokens.tolist() == [5, 2, 3]
    assert trace.input_tokens.dtype == trace.output_tokens.dtype == np.int32
    assert trace.duration_s == 2.0
    assert trace.blocks is None


def test_azure_csv_of_2024_names_its_zone(write: Write) -> None:
    text = f"{HEADER}\n2024-05-10 00:00:00.009930+00:00,2162,5\n2024-05-10 00:00:01.009930+00:00,2399,6\n"
    assert read_trace(write("t.csv", text)).arrival_s.tolist() == [0.0, 1.0]


def test_mooncake_blocks_follow_their_request_through_sorting(write: Write) -> None:
    lines = [
        '{"timestamp": 2500, "input_length": 513, "output_length": 4, "hash_ids": [46, 7]}',
        "",
        '{"timestamp": 500, "input_length": 40, "output_length": 6, "hash_ids": [46], "more": true}',
    ]
    trace = read_trace(write("t.jsonl", "\n".join(lines)))
    assert trace.arrival_s.tolist() == [0.5, 2.5]
    assert trace.input_tokens.tolist() == [40, 513]
    assert trace.duration_s == 3.0
    assert trace.blocks is not None
    assert trace.blocks.offsets.tolist() == [0, 1, 3]
    first, *second = trace.blocks.ids.tolist()
    assert second[0] == first != second[1]
    assert (trace.blocks.distinct, trace.blocks.tokens) == (2, 512)


def test_json_lines_without_hashes_have_no_blocks(write: Write) -> None:
    assert read_trace(write("t", '{"timestamp": 0, "input_length": 1, "output_length": 1}')).blocks is None


def test_parquet_counts_images_as_prompt(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "t",
        arrival_s=[3.0, 1.0],
        input_tokens=[5, 6],
        output_tokens=[7, 8],
        image_tokens=[100, 0],
        client="x",
    )
    trace = read_trace(path)
    assert trace.arrival_s.tolist() == [1.0, 3.0]
    assert trace.input_tokens.tolist() == [6, 105]
    assert trace.output_tokens.tolist() == [8, 7]


@pytest.mark.parametrize(("last", "duration_s"), [(0.0, 1.0), (9.2, 10.0), (10.0, 11.0)])
def test_window_ends_with_the_first_whole_second_after_the_last_arrival(
    tmp_path: Path, last: float, duration_s: float
) -> None:
    path = parquet(tmp_path / "t", arrival_s=[0.0, last], input_tokens=[1, 1], output_tokens=[1, 1])
    assert read_trace(path).duration_s == duration_s


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize(
    ("start_s", "duration_s", "arrivals", "length_s"),
    [
        (0.0, None, [0.0, 1.0, 2.5, 4.0], 5.0),
        (1.0, None, [0.0, 1.5, 3.0], 4.0),
        (0.5, 2.0, [0.5], 2.0),
        (1.0, 3.0, [0.0, 1.5], 3.0),
        (2.0, 60.0, [0.5, 2.0], 60.0),
    ],
)
def test_every_format_reads_the_same_window(
    tmp_path: Path, kind: str, start_s: float, duration_s: float | None, arrivals: list[float], length_s: float
) -> None:
    path, times = tmp_path / "t", [0.0, 1.0, 2.5, 4.0]
    if kind == "parquet":
        parquet(path, arrival_s=times, input_tokens=[1, 2, 3, 4], output_tokens=[1, 2, 3, 4])
    elif kind == "csv":
        path.write_text("\n".join([HEADER, *(f"2023-11-16 18:17:0{time:.1f},1,1" for time in times)]))
    else:
        path.write_text("\n".join(JSON_ROW.replace("0", str(time * 1000), 1) for time in times))
    trace = read_trace(path, start_s, duration_s)
    assert trace.arrival_s.tolist() == arrivals
    assert trace.duration_s == length_s


def test_parquet_outside_the_window_stays_unread(tmp_path: Path) -> None:
    count, rng = 4000, np.random.default_rng(0)
    path = parquet(
        tmp_path / "t",
        row_group_size=1000,
        arrival_s=np.arange(count) / 1.0,
        input_tokens=rng.integers(1, 10**6, count),
        output_tokens=rng.integers(1, 10**6, count),
    )
    content = bytearray(path.read_bytes())
    end_of_data = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    content[end_of_data - 4000 : end_of_data] = bytes(4000)
    path.write_bytes(content)
    assert len(read_trace(path, 100.0, 500.0)) == 500
    with pytest.raises(UserError, match="no readable Parquet"):
        read_trace(path)


def test_windowed_parquet_names_the_row_in_the_file(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "t", arrival_s=[0.0, 1.0, 2.0, 3.0], input_tokens=[1, 1, 1, -4], output_tokens=[1, 1, 1, 1]
    )
    assert len(read_trace(path, 1.0, 2.0)) == 2
    with pytest.raises(UserError, match="row 3: input_tokens is -4"):
        read_trace(path, 2.0)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        (HEADER, "holds no request"),
        ("time,tokens\n1,2", "line 1: no column TIMESTAMP"),
        ("TIMESTAMP,ContextTokens\n1,2", "line 1: no column GeneratedTokens"),
        (f"{HEADER}\n{CSV_ROW}\nnoon,1,1", "line 3: TIMESTAMP is 'noon'; it must be a time"),
        (f"{HEADER}\n{CSV_ROW}\n\n{CSV_ROW.replace(',10', ',ten')}", "line 4: ContextTokens is 'ten'"),
        (f"{HEADER}\n{CSV_ROW.replace(',5', ',-5')}", "line 2: GeneratedTokens is '-5'"),
        (f"{HEADER}\n{CSV_ROW.replace(',5', ',0')}", "line 2: GeneratedTokens is '0'"),
        (f"{HEADER}\n{CSV_ROW.replace(',5', '')}", "line 2: GeneratedTokens is ''"),
        (f"{HEADER}\n{CSV_ROW.replace(',5', ',2147483648')}", "line 2: GeneratedTokens is '2147483648'"),
        (f"{HEADER}\n{CSV_ROW}\n{CSV_ROW},7", "line 3: has 4 columns, the header has 3"),
        (f"{HEADER}\n{CSV_ROW}\n\xff,1,1".encode("latin-1"), "line 3: TIMESTAMP"),
        (f'{HEADER}\n"{CSV_ROW}', "no readable CSV"),
        (b"PAR1 and then nothing", "no readable Parquet"),
        (f"{JSON_ROW}\n\n{JSON_ROW[:-9]}", "line 3, column 69: is no JSON"),
        (f"[{JSON_ROW}]", "line 1: is no JSON object"),
        (f"{JSON_ROW}\n\n{{}}", "line 3: timestamp is missing"),
        (JSON_ROW.replace("600", '"many"'), 'line 1: input_length is "many", not a whole number'),
        (JSON_ROW.replace("600", "600.5"), "line 1: input_length is 600.5, not a whole number"),
        (JSON_ROW.replace("600", "true"), "line 1: input_length is true, not a whole number"),
        (JSON_ROW.replace("0", "NaN", 1), "line 1: timestamp is NaN, not a number"),
        (JSON_ROW.replace("0", "-1", 1), "line 1: timestamp is -1"),
        (JSON_ROW.replace("3", "0"), "line 1: output_length is 0; it must be a whole number from 1"),
        (JSON_ROW.replace("[1, 2]", "[1, 2, 3]"), "line 1: hash_ids has 3 blocks for a prompt of 600 tokens"),
        (JSON_ROW.replace("[1, 2]", "7"), "line 1: hash_ids is not a list"),
        (JSON_ROW.replace("[1, 2]", "[1, null]"), "line 1: hash_ids is not a list"),
        (JSON_ROW.replace("[1, 2]", f"[{2**64}]"), "line 1: hash_ids is not a list"),
    ],
)
def test_a_broken_trace_is_one_line_with_file_and_place(write: Write, content: str | bytes, says: str) -> None:
    path = write("broken", content)
    with pytest.raises(UserError) as error:
        read_trace(path)
    message = str(error.value)
    assert message.startswith(f"trace {path}: ")
    assert says in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"output_tokens": None}, "no column output_tokens"),
        ({"arrival_s": ["0", "1"]}, "column arrival_s holds String; it must hold numbers"),
        ({"input_tokens": [1.0, 2.0]}, "column input_tokens holds Float64; it must hold whole numbers"),
        ({"arrival_s": [0.0, None]}, "row 1: arrival_s is missing"),
        ({"arrival_s": [0.0, float("nan")]}, "row 1: arrival_s is nan"),
        ({"arrival_s": [float("inf"), 0.0]}, "row 0: arrival_s is inf"),
        ({"arrival_s": [0.0, -0.5]}, "row 1: arrival_s is -0.5; it must be a number of at least 0"),
        ({"input_tokens": [1, None]}, "row 1: input_tokens is missing"),
        ({"image_tokens": [0, 2**31 - 1]}, "row 1: input_tokens + image_tokens is 2147483648"),
        ({"image_tokens": [0, None]}, "row 1: input_tokens + image_tokens is missing"),
        ({"output_tokens": [0, 1]}, "row 0: output_tokens is 0"),
    ],
)
def test_a_broken_parquet_is_one_line_with_file_and_place(
    tmp_path: Path, columns: dict[str, list[object] | None], says: str
) -> None:
    whole: dict[str, list[object] | None] = {"arrival_s": [0.0, 1.0], "input_tokens": [1, 1], "output_tokens": [1, 1]}
    frame = pl.DataFrame({name: values for name, values in (whole | columns).items() if values is not None})
    path = tmp_path / "t.parquet"
    frame.write_parquet(path)
    with pytest.raises(UserError) as error:
        read_trace(path)
    assert str(error.value).startswith(f"trace {path}: {says}")
    assert "\n" not in str(error.value)


def test_a_parquet_without_rows_is_refused(tmp_path: Path) -> None:
    none = pl.Series([], dtype=pl.Int32)
    with pytest.raises(UserError, match="holds no request"):
        read_trace(parquet(tmp_path / "t", arrival_s=none, input_tokens=none, output_tokens=none))


@pytest.mark.parametrize(
    ("start_s", "duration_s", "says"),
    [
        (50.0, None, "no request arrives after 50 s"),
        (1.5, 1.0, "no request arrives from 1.5 s to 2.5 s"),
        (50.0, 60.0, "no request arrives from 50 s to 110 s"),
    ],
)
@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_window_without_requests_is_refused(
    tmp_path: Path, kind: str, start_s: float, duration_s: float | None, says: str
) -> None:
    path = tmp_path / "t"
    if kind == "parquet":
        parquet(path, arrival_s=[0.0, 3.0], input_tokens=[1, 1], output_tokens=[1, 1])
    else:
        path.write_text(f"{JSON_ROW}\n{JSON_ROW.replace('0', '3000', 1)}")
    with pytest.raises(UserError, match=says):
        read_trace(path, start_s, duration_s)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"missing\.csv: no such file"):
        read_trace(tmp_path / "missing.csv")
    with pytest.raises(UserError, match="cannot be read"):
        read_trace(tmp_path)


@pytest.mark.parametrize(
    ("name", "requests", "duration_s", "mean_input", "mean_output"),
    [
        ("AzureLLMInferenceTrace_code.csv", 8819, 3436.0, 2047.85, 27.88),
        ("mooncake-synthetic.jsonl", 3993, 1023.0, None, None),
        ("alibaba-reasoning-12h.parquet", 177302, 43200.0, 1227.34, 2022.24),
        ("alibaba-multimodal-12h.parquet", 176623, 43200.0, 611.98 + 929.20, 128.19),
    ],
)
def test_production_traces_read_whole(
    name: str, requests: int, duration_s: float, mean_input: float | None, mean_output: float | None
) -> None:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not beside the repository")
    trace = read_trace(path)
    assert (len(trace), trace.duration_s) == (requests, duration_s)
    if mean_input is not None:
        assert trace.input_tokens.mean() == pytest.approx(mean_input, abs=0.02)
        assert trace.output_tokens.mean() == pytest.approx(mean_output, abs=0.02)
    if trace.blocks is not None:
        assert np.array_equal(np.diff(trace.blocks.offsets), -(-trace.input_tokens // 512))
