"""How far the current run of steps has come at an instant."""

from wva.engine.batch.state import IDLE, Record
from wva.engine.compiled import inlined


@inlined
def run_duration(replica: Record, steps: int) -> int:
    """Duration of the first ``steps`` steps of the current run."""
    return int(steps * replica.run_first_ps + replica.run_growth_ps * (steps * (steps - 1) // 2))


@inlined
def steps_begun(replica: Record, elapsed: int) -> int:
    """Fewest steps of the current run that last at least ``elapsed``."""
    half_growth = replica.run_growth_ps / 2.0
    linear = replica.run_first_ps - half_growth
    if half_growth > 0:
        estimate = 2.0 * elapsed / (linear + (linear * linear + 4.0 * half_growth * elapsed) ** 0.5)
    else:
        estimate = elapsed / linear
    steps = int(estimate)
    while run_duration(replica, steps) < elapsed:
        steps += 1
    while steps > 0 and run_duration(replica, steps - 1) >= elapsed:
        steps -= 1
    return steps


@inlined
def steps_finished(replica: Record, now: int) -> int:
    """Steps of the current run that are over at ``now``."""
    if replica.mode == IDLE:
        return 0
    steps = steps_begun(replica, now - replica.run_start)
    if run_duration(replica, steps) > now - replica.run_start:
        steps -= 1
    return int(min(steps, replica.run_steps))
