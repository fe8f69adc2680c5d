"""How old this process is."""

import os
import time
from pathlib import Path

_STARTED = 19
"""Place of ``starttime`` among the fields of /proc/self/stat after the program's name (proc(5): field 22)."""


def process_age_s() -> float:
    """Real seconds since this process was started, to a hundredth; 0 where the system does not say."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        started = int(fields[_STARTED]) / os.sysconf("SC_CLK_TCK")
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started)
    except (OSError, ValueError, IndexError, AttributeError):
        return 0.0
