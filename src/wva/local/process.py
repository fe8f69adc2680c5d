"""One replica's process, with everything that it starts, in the care of a keeper."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from wva.local import keeper
from wva.local.command import Launch
from wva.local.log import cause, last_line


class Process:
    """A command that runs, or has run. If this program dies in any way, it and its children are killed."""

    def __init__(self, process: asyncio.subprocess.Process, line: int, log: Path) -> None:
        """Take over a running keeper and the line to it; use ``start``."""
        self._process = process
        self._line: int | None = line
        self._log = log

    @classmethod
    async def start(cls, launch: Launch, log: Path, log_bytes: int) -> "Process":
        """Start a command; one that cannot run ends at once, and its log says why.

        Raises:
            OSError: The system starts no more processes, or the working directory is gone.

        """
        end, line = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", keeper.__file__, str(log), str(log_bytes), *launch.arguments),
                stdin=end,
                stdout=asyncio.subprocess.DEVNULL,
                env={**os.environ, **launch.environment},
                cwd=launch.directory,
                start_new_session=True,
            )
        except BaseException:
            os.close(line)
            raise
        finally:
            os.close(end)
        return cls(process, line, log)

    @property
    def keeper(self) -> int:
        """Process id of its keeper."""
        return self._process.pid

    async def wait(self) -> str:
        """Wait until it and all its children have ended; say how, as ``exit code 1: ValueError: no such weights``."""
        code = await self._process.wait()
        self.kill()
        if code < 0:
            # The keeper itself was killed: what is left of the replica's process group has lost its guard.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            code = 128 - code
        killed = code > 128
        how = f"killed by {_signal(code - 128)}" if killed else f"exit code {code}"
        # What is killed from outside does not end by an error of its own, whatever errors it had before.
        why = last_line(self._log) if killed else cause(self._log)
        return how if why is None else f"{how}: {why}"

    def terminate(self) -> None:
        """Ask the command to stop, by SIGTERM."""
        with suppress(ProcessLookupError):
            self._process.terminate()

    def kill(self) -> None:
        """Kill it and all its children, without waiting for that."""
        if self._line is not None:
            os.close(self._line)
            self._line = None


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
