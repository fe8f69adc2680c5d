"""What the program says when the system fails it."""

import subprocess
import sys

import pytest

from tests.cli.test_compare import WVA


def run(code: str) -> subprocess.CompletedProcess[str]:
    """The program, with a command that runs this code."""
    command = f"""
import sys, types, wva.cli.main as main
def failing():
    {code}
sys.modules["failing"] = types.SimpleNamespace(failing=failing)
main.COMMANDS["fail"] = "failing:failing"
sys.argv[1:] = ["fail"]
main.main()
"""
    return subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("open('/no/such/file')", "wva: No such file or directory: /no/such/file\n"),
        ("raise OSError(28, 'No space left on device')", "wva: No space left on device\n"),
        ("raise OSError('nowhere to write;\\nset THIS')", "wva: nowhere to write; set THIS\n"),
        ("import os; os.rename('/no/one', '/no/two')", "wva: No such file or directory: /no/one\n"),
    ],
)
def test_what_the_system_refuses_is_one_line(code: str, line: str) -> None:
    done = run(f"print('so far'); {code}")
    assert (done.returncode, done.stdout, done.stderr) == (1, "so far\n", line)


@pytest.mark.parametrize(("code", "kind"), [("1 / 0", "ZeroDivisionError"), ("raise TimeoutError", "TimeoutError")])
def test_what_is_wrong_with_the_program_is_shown_whole(code: str, kind: str) -> None:
    done = run(code)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert kind in done.stderr


def test_a_full_disk_for_its_output_is_one_line() -> None:
    done = subprocess.run(f"{WVA} model list > /dev/full", shell=True, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "wva: No space left on device\n")


@pytest.mark.parametrize("command", ["model list", "manifests --image wva"])
def test_a_reader_who_has_seen_enough_is_told_nothing(command: str) -> None:
    done = subprocess.run(f"{WVA} {command} | true", shell=True, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
