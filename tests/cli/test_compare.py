"""The installed program, from outside."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.report.tiny import TINY, tiny

WVA = Path(sys.executable).with_name("wva")


def wva(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([WVA, *arguments], cwd=directory, capture_output=True, text=True, timeout=300, check=False)


def test_the_version() -> None:
    done = wva(Path(), "--version")
    assert (done.returncode, done.stdout) == (0, "wva 0.1.0\n")


def test_the_help_names_every_command() -> None:
    done = wva(Path(), "--help")
    assert done.returncode == 0
    for command in ("compare", "simulate", "tune", "frontier", "load", "explain", "replay", "engine", "model"):
        assert f" {command} " in done.stdout


def test_starting_loads_nothing_heavy() -> None:
    code = "import sys, wva.cli.main; print({'numba', 'polars', 'matplotlib', 'numpy', 'pydantic'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize("command", [["manifests", "--image", "wva"], ["model", "list"]])
def test_a_user_without_name_and_home(command: list[str]) -> None:
    # A table of users without entries.
    code = f"import pwd, sys; pwd.getpwuid = {{}}.__getitem__; sys.argv[1:] = {command}; "
    code += "import wva.cli.main; wva.cli.main.main()"
    without = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_CONFIG_HOME")}
    done = subprocess.run([sys.executable, "-c", code], env=without, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


MISTAKES = [
    (["compare", "nowhere.yaml"], "scenario nowhere.yaml: no such file"),
    (["compare", "odd.yaml"], "scenario odd.yaml: gatewy: unknown key"),
    (["compare", "traced.yaml"], "trace gone.csv: no such file"),
    (["compare", "tiny.yaml", "--trace", "broken.csv"], "trace broken.csv: "),
    (["compare", "tiny.yaml", "--policy", "hpq"], "no policy is called 'hpq'"),
    (["compare", "tiny.yaml", "--policy", "hpa=odd.yaml"], "policy hpa, option "),
    (["compare", "tiny.yaml", "--scale", "0"], "workload[0].scale: must be greater than 0"),
    (["compare", "tiny.yaml", "--scale", "lots"], "Invalid value for '--scale'"),
    (["compare", "tiny.yaml", "--seeds", "1;2"], "--seeds: '1;2' is no list of whole numbers"),
    (["compare", "tiny.yaml", "--start", "90"], "--start: must be a duration"),
    (["compare", "tiny.yaml", "--duration", "0s"], "duration: must be greater than 0"),
    (["compare", "tiny.yaml", "--fit-replicas", "0"], "--fit-replicas is 0"),
    (["compare", "tiny.yaml", "--queue", "bank"], "Invalid value for '--queue'"),
    (["compare", "tiny.yaml", "--out", "."], "is not empty and no earlier comparison"),
    (["simulate", "tiny.yaml", "--policy", "hpa", "--jobs", "0"], "Invalid value for '--jobs'"),
    (["simulate", "--unknown"], "No such option: --unknown"),
    (["tune", "tiny.yaml"], "Missing option '--policy'"),
    (["tune", "tiny.yaml", "--policy", "static"], "'static' has no parameters to tune: choose one of hpa"),
    (["tune", "tiny.yaml", "--policy", "hpq"], "'hpq' is no policy: choose one of hpa"),
    (["tune", "traced.yaml", "--policy", "hpa"], "trace gone.csv: cannot be read"),
    (["frontier", "tiny.yaml", "nowhere.yaml"], "scenario nowhere.yaml: no such file"),
    (["frontier", "tiny.yaml", "--rival", "static"], "'static' is no rival that can be tuned: choose from hpa"),
    (["frontier", "tiny.yaml", "tiny.yaml"], "two scenarios are called 'tiny'"),
    (["compar"], "No such command 'compar'"),
    (["engine", "no-model", "H100-80GB"], "unknown model 'no-model'"),
    (["explain", "nowhere"], "there is no journal or directory nowhere"),
]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("places")
    tiny(directory)
    (directory / "odd.yaml").write_text(TINY.replace("gateway:", "gatewy:"))
    (directory / "traced.yaml").write_text(_traced())
    (directory / "broken.csv").write_text("TIMESTAMP,ContextTokens,GeneratedTokens\nyesterday,1,1\n")
    return directory


def _traced() -> str:
    head, models = TINY.split("models:", 1)
    return f"{head.split('workload:')[0]}workload: [{{model: chat, trace: gone.csv}}]\nmodels:{models}"


@pytest.mark.parametrize(("arguments", "message"), MISTAKES, ids=[" ".join(arguments) for arguments, _ in MISTAKES])
def test_a_mistake_is_one_line_and_leaves_nothing(places: Path, arguments: list[str], message: str) -> None:
    before = sorted(places.rglob("*"))
    done = wva(places, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("wva: ")
    assert message in line
    assert sorted(places.rglob("*")) == before


@pytest.mark.slow
def test_simulate_writes_and_prints(tmp_path: Path) -> None:
    tiny(tmp_path)
    (tmp_path / "brisk.yaml").write_text("tolerance: 0.05")
    done = wva(
        tmp_path,
        "simulate",
        "tiny.yaml",
        "--policy",
        "hpa=brisk.yaml",
        "--seeds",
        "4",
        "--scale",
        "0.5",
        "--queue",
        "gateway",
    )
    assert done.returncode == 0, done.stderr
    out = tmp_path / "wva-results" / "tiny-gateway"
    data = json.loads((out / "results.json").read_text())
    assert data["queue"] == "gateway"
    assert data["seeds"] == [4]
    assert [entry["scale"] for entry in data["workload"]] == [0.5, 0.5]
    assert data["policies"]["hpa"]["options"] == {"tolerance": 0.05}
    assert data["policies"]["hpa"]["configuration"]["tolerance"] == 0.05
    assert "traffic to chat: its busiest 10 s are " in done.stderr
    assert "hpa, seed 4: " in done.stderr
    for text in ("tiny", "met, of attainable", "replica-hours", "hpa served", "wva-results/tiny-gateway/report.html"):
        assert text in done.stdout
    explained = wva(tmp_path, "explain", str(out))
    assert (explained.returncode, explained.stderr) == (0, "")
    replayed = wva(tmp_path, "replay", str(out))
    assert replayed.returncode == 0
    assert "come out as recorded" in replayed.stdout


@pytest.mark.slow
def test_compare_fits_the_traffic_and_replaces_its_own_results(tmp_path: Path) -> None:
    tiny(tmp_path)
    arguments = (
        "compare",
        "tiny.yaml",
        "--policy",
        "static",
        "--policy",
        "static-best",
        "--seeds",
        "1",
        "--out",
        "out",
    )
    assert wva(tmp_path, *arguments).returncode == 0
    done = wva(tmp_path, *arguments, "--fit-replicas", "2", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert "2 a100 alone attain " in done.stderr
    data = json.loads((tmp_path / "out" / "results.json").read_text())
    assert (data["fit"]["variant"], data["fit"]["replicas"]) == ("a100", 2)
    assert data["fit"]["attainment"] >= 0.95 > data["fit"]["attainment_with_one_less"]
    assert data["workload"][0]["scale"] == data["fit"]["scale"]
    assert [path.name for path in tmp_path.iterdir() if path.name != "tiny.yaml"] == ["out"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_one_line_and_leaves_nothing(tmp_path: Path, number: int) -> None:
    tiny(tmp_path, TINY.replace("90s", "90000s"))
    program = subprocess.Popen(
        [WVA, "compare", "tiny.yaml", "--policy", "hpa", "--policy", "static", "--jobs", "2", "--out", "a/b"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert program.stderr is not None
    # The first line comes when its directory is there and its traffic was drawn.
    assert "traffic to chat" in program.stderr.readline()
    assert list((tmp_path / "a").iterdir())
    time.sleep(1.0)
    if number == signal.SIGINT:
        # Ctrl-C reaches every process of the terminal.
        os.killpg(program.pid, number)
    else:
        program.send_signal(number)
    _, told = program.communicate(timeout=60)
    assert program.returncode == 130
    assert told.splitlines()[-1] == "wva: interrupted"
    assert "Traceback" not in told
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yaml"]
