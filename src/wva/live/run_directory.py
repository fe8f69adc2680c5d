"""The directory of a run: what it writes, and how other commands find the fleet that runs in it."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from wva.fleet.errors import UserError

USUAL = Path("wva-run")
"""Where a run is when nobody names a directory."""
RUN_FILE = "run.json"
"""Where the fleet is reached; its mode keeps the token from other users. It is gone when the fleet has stopped."""
JOURNALS = "journals"
LOGS = "logs"
LOAD = "load"
"""What the demonstration load writes."""
_LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class RunFile:
    """What ``run.json`` says."""

    fleet: str
    process: int
    """Process id of ``wva up``."""
    control_url: str
    """Base of the control API."""
    token: str
    """What those must show who change something."""
    gateway_url: str
    journals: str


@contextmanager
def held_directory(path: Path) -> Iterator[Path]:
    """The directory, made where it is missing, for one fleet at a time: until then nobody else gets it.

    Raises:
        UserError: It cannot be written, or a fleet runs in it.

    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = os.open(path / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UserError(f"--out {path}: cannot be written ({error.strerror}); choose another directory") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(f"--out {path}: a fleet runs there already; stop it or choose another directory") from None
        # What a process left that was killed is nobody's.
        _remove(path / RUN_FILE)
        try:
            yield path
        finally:
            _remove(path / RUN_FILE)
    finally:
        os.close(lock)


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(24)


def write_run_file(directory: Path, run: RunFile) -> None:
    """Tell other commands where the fleet is. Raises ``UserError`` where the disk does not take it."""
    partial = directory / f".{RUN_FILE}.{os.getpid()}"
    try:
        _remove(partial)
        file = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(file, "w") as out:
            json.dump(asdict(run), out, indent=2)
            out.write("\n")
        partial.replace(directory / RUN_FILE)
    except OSError as error:
        _remove(partial)
        raise UserError(f"{directory / RUN_FILE}: cannot be written ({error.strerror})") from None


def read_run_file(directory: Path) -> RunFile:
    """Where the fleet of a directory is reached.

    Raises:
        UserError: None runs there.

    """
    path = directory / RUN_FILE
    try:
        data = json.loads(path.read_text())
        return RunFile(**data)
    except FileNotFoundError:
        where = f"no fleet runs in {directory}"
        raise UserError(f"{where}; start one with wva up, or name the directory that it was started with") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); only who started the fleet may") from None
    except (ValueError, TypeError):
        raise UserError(f"{path}: is damaged; stop the fleet and start it again") from None


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
