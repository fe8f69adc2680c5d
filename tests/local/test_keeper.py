"""The program that keeps one replica: signals, exit statuses, and its log."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from wva.local import keeper
from wva.local.keeper import Log

PATIENCE_S = 30.0
"""Seconds within which anything happens, on a machine however busy."""


def keep(log: Path, *command: str) -> tuple[subprocess.Popen[bytes], int]:
    """A keeper, and the line to it."""
    end, line = os.pipe()
    arguments = [sys.executable, "-I", "-S", keeper.__file__, str(log), "10000", *command]
    process = subprocess.Popen(arguments, stdin=end, start_new_session=True)
    os.close(end)
    return process, line


@pytest.mark.parametrize(
    ("script", "status"),
    [("exit 0", 0), ("exit 7", 7), ("kill -SEGV $$", 128 + signal.SIGSEGV), ("kill -TERM $$", 128 + signal.SIGTERM)],
)
def test_it_ends_as_its_command_does(tmp_path: Path, script: str, status: int) -> None:
    process, line = keep(tmp_path / "log", "sh", "-c", f"echo out; echo err >&2; {script}")
    assert process.wait(PATIENCE_S) == status
    os.close(line)
    assert (tmp_path / "log").read_text().splitlines()[1:] == ["out", "err"]


def test_sigterm_is_never_lost_even_as_the_command_starts(tmp_path: Path) -> None:
    for number in range(12):
        log = tmp_path / f"{number}.log"
        process, line = keep(log, "sleep", "60")
        while not log.exists():
            pass
        process.terminate()
        assert process.wait(PATIENCE_S) == 128 + signal.SIGTERM
        os.close(line)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_command_starts_with_usual_signals_and_nothing_to_read(tmp_path: Path) -> None:
    # As under nohup.
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    process, line = keep(tmp_path / "log", "sh", "-c", "grep -E 'Sig(Blk|Ign)' /proc/self/status; cat; echo done")
    assert process.wait(PATIENCE_S) == 0
    os.close(line)
    *masks, last = (tmp_path / "log").read_text().splitlines()[1:]
    signal.signal(signal.SIGHUP, before)
    assert [int(mask.split()[1], 16) for mask in masks] == [0] * len(masks)
    assert last == "done"


def test_when_the_line_ends_it_kills(tmp_path: Path) -> None:
    process, line = keep(tmp_path / "log", "sh", "-c", "trap '' TERM; sleep 60 & sleep 60")
    os.close(line)
    assert process.wait(PATIENCE_S) == 128 + signal.SIGKILL


@pytest.mark.parametrize("end", ["line", "signal"])
def test_a_command_that_writes_without_end_is_stopped_all_the_same(tmp_path: Path, end: str) -> None:
    process, line = keep(tmp_path / "log", "yes")
    while not (tmp_path / "log.1").exists():
        assert process.poll() is None
    if end == "line":
        os.close(line)
        assert process.wait(PATIENCE_S) == 128 + signal.SIGKILL
    else:
        process.terminate()
        assert process.wait(PATIENCE_S) == 128 + signal.SIGTERM
        os.close(line)
    assert (tmp_path / "log").stat().st_size + (tmp_path / "log.1").stat().st_size <= 10_000


def test_a_log_comes_back_when_its_place_does(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "gone" / "log"), 100)
    log.write(b"lost\n")
    (tmp_path / "gone").mkdir()
    log.write(b"kept\n")
    assert (tmp_path / "gone" / "log").read_bytes() == b"kept\n"


def test_a_log_keeps_the_newest_within_its_bound(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "log"), 100)
    for number in range(100):
        log.write(b"line %02d\n" % number)
    older, newer = (tmp_path / "log.1").read_bytes(), (tmp_path / "log").read_bytes()
    assert len(older) + len(newer) <= 100
    assert (older + newer).endswith(b"line 98\nline 99\n")
    log.write(b"x" * 1000)
    assert (tmp_path / "log").read_bytes() == b"x" * 50


def test_a_full_disk_loses_lines_and_nothing_else() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no device that is always full")
    log = Log("/dev/full", 8192)
    for _ in range(10):
        log.write(b"a line\n")
