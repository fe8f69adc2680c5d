"""``wva pause`` and ``wva resume``: decide without acting, and act again."""

from wva.cli.running import RunArgument, order
from wva.live.run_directory import USUAL


def pause(run: RunArgument = USUAL) -> None:
    """Let a running fleet decide and record, but change nothing, until wva resume."""
    order(run, lambda fleet: fleet.pause())
    print("paused: decisions are made and recorded, and nothing is changed, until wva resume")


def resume(run: RunArgument = USUAL) -> None:
    """Let a running fleet act again on what it decides."""
    order(run, lambda fleet: fleet.resume())
    print("resumed")
