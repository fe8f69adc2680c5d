"""What the log of a process says of its end."""

import os
import re
from pathlib import Path

KEPT_BY = "wva: starts: "
"""How the keeper's own line in a log begins."""
TAIL_BYTES = 1 << 15
"""How much of its end is read: tracebacks of several processes, and what they write while they go."""
LONGEST_REASON = 200
"""Letters of a log line that a reason quotes."""
_ERROR = re.compile(r"(?:^|\] )((?:[A-Za-z_]\w*\.)*\w*(?:Error|Exception)\b(?:: .+)?)$")
"""The line of a Python traceback that names what was raised, bare or as a logger writes it."""
_NOT_ITSELF = re.compile(r"\babove\b")
"""In an error that only tells where the cause stands, as those of vLLM's front when its engine has died."""


def last_line(log: Path) -> str | None:
    """The last line that a process wrote, shortened; ``None`` where it wrote none."""
    lines = _last_lines(log)
    return _shortened(lines[-1]) if lines else None


def cause(log: Path) -> str | None:
    """Why a process that failed did so: its last error that tells, else its last line; ``None`` where it wrote none."""
    lines = _last_lines(log)
    errors = [found[1] for found in map(_ERROR.search, lines) if found]
    telling = [error for error in errors if not _NOT_ITSELF.search(error)]
    best = telling or errors or lines
    return _shortened(best[-1]) if best else None


def _last_lines(log: Path) -> list[str]:
    """The lines at the end of a log, since the newest start."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    starts = [place for place, line in enumerate(lines) if line.startswith(KEPT_BY)]
    return lines[starts[-1] + 1 :] if starts else lines


def _shortened(line: str) -> str:
    return line if len(line) <= LONGEST_REASON else f"{line[:LONGEST_REASON]}…"
