"""A start counts from when the process began, whatever loading takes."""

import subprocess
import sys
import time

from wva.emulator.process import process_age_s


def test_a_process_knows_how_old_it_is() -> None:
    code = "import time; time.sleep(0.5); from wva.emulator.process import process_age_s; print(process_age_s())"
    began = time.monotonic()
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert 0.5 <= float(said) <= time.monotonic() - began + 0.02
    before = process_age_s()
    time.sleep(0.05)
    assert 0.03 <= process_age_s() - before < 10
