"""Reading a trace of any format that is known."""

from pathlib import Path

from wva.fleet.errors import UserError
from wva.workload.azure import read_azure_csv
from wva.workload.mooncake import read_mooncake_jsonl
from wva.workload.parquet import read_parquet
from wva.workload.trace import Trace


def read_trace(path: Path, start_s: float = 0.0, duration_s: float | None = None) -> Trace:
    """Read a window of a trace file: Parquet, Mooncake's JSON lines or Azure's CSV, told apart by content.

    Arrivals count from ``start_s``. The window is ``duration_s`` long; without it, it ends with the first whole second
    after the last arrival.

    Raises:
        UserError: The file is missing, of no known format or wrong somewhere, or no request arrives in the window.

    """
    try:
        with path.open("rb") as file:
            head = file.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")
    except FileNotFoundError:
        raise UserError(f"trace {path}: no such file; correct the path") from None
    except OSError as error:
        raise UserError(f"trace {path}: cannot be read ({error.strerror}); give a readable file") from None
    if not head:
        raise UserError(f"trace {path}: is empty; give a trace with at least one request")
    if head.startswith(b"PAR1"):
        return read_parquet(path, start_s, duration_s)
    if head.startswith((b"{", b"[")):
        return read_mooncake_jsonl(path, start_s, duration_s)
    return read_azure_csv(path, start_s, duration_s)
