"""Small runs with a journal, ready to be made again."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.simulate.fleets import Asked
from tests.simulate.runs import Scripted, asked
from wva.fleet.policy import Policy
from wva.record.reader import Journal
from wva.simulate.recorded import RecordedRun
from wva.simulate.result import RunResult
from wva.simulate.run import Setting, simulate

SEED = 7


@contextmanager
def recorded(
    where: Path, run: Setting, requests: Sequence[Asked], policy: Policy[Any] | None = None, window_s: float = 5.0
) -> Iterator[tuple[RecordedRun, RunResult]]:
    """Make a run, close its journal, and make it again from that."""
    workload = asked(run, requests, window_s)
    simulate(run, workload, policy or Scripted(), SEED, where / "run.journal")
    with Journal(where / "run.journal") as journal:
        again = RecordedRun(journal, run, workload)
        yield again, again.make_again()
