"""Starting the page beside a fleet, as a process of its own.

In the fleet's own event loop, every turn of ten open pages would keep requests waiting for 10 to 20 ms at the 99th
percentile, and a page that opens for 100 ms; from a process of its own, none of that is seen (``bench/dashboard.py``).
"""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from importlib.util import find_spec
from pathlib import Path

from wva.fleet.errors import UserError

START_LIMIT_S = 60.0
"""For the process to load and to listen; a busy machine takes a few seconds."""
STOP_LIMIT_S = 5.0
LOG = "page.log"
"""What the page complains of, in the run's directory."""


def require_nicegui() -> None:
    """Raise ``UserError`` that says how to get the page, where what it needs is not installed."""
    if find_spec("nicegui") is None:
        raise UserError("the page needs NiceGUI: pip install 'wva[dashboard]'")


class LaunchedPage:
    """The page's process. It ends with whoever launched it, whatever becomes of them."""

    def __init__(self, process: Process, url: str) -> None:
        """``launch`` makes one."""
        self._process = process
        self.url = url
        """Where the page is."""

    @property
    def process_id(self) -> int:
        """Of the process."""
        return self._process.pid

    async def close(self) -> None:
        """Stop it, and wait until it is gone."""
        if self._process.returncode is None:
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_LIMIT_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


async def launch(directory: Path, host: str, port: int) -> LaunchedPage:
    """Show the fleet that runs in a directory; any free port where ``port`` is 0.

    Raises:
        UserError: NiceGUI is not installed, the address cannot be listened on, or the process does not start.

    """
    require_nicegui()
    command = (sys.executable, "-m", "wva.cli.main", "web", str(directory), "--host", host, "--port", str(port))
    log = directory / LOG
    with log.open("wb") as errors:
        # In a session of its own, Ctrl-C in a terminal does not reach it.
        process = await asyncio.create_subprocess_exec(
            *command, "--attached", stdin=PIPE, stdout=PIPE, stderr=errors, start_new_session=True
        )
    assert process.stdout is not None
    try:
        url = (await asyncio.wait_for(process.stdout.readline(), START_LIMIT_S)).decode().strip()
    except BaseException as error:
        process.kill()
        if isinstance(error, TimeoutError):
            raise UserError(f"the page did not start within {START_LIMIT_S:g} s; see {log}") from None
        raise
    if not url:
        lines = log.read_text(errors="replace").strip().splitlines()
        raise UserError(lines[-1].removeprefix("wva: ") if lines else f"the page did not start; see {log}")
    return LaunchedPage(process, url)
