"""What the gateway knows of a replica: readings of its queue and KV cache, and what it has sent since itself."""

from wva.engine.batch.memory import run_growth
from wva.engine.batch.runs import steps_begun
from wva.engine.batch.state import DECODE_RUN, Engines
from wva.engine.compiled import inlined

SNAPSHOT_PS = 100_000_000_000
"""How often the gateway reads a replica: 100 ms."""


@inlined
def see_replica(engines: Engines, r: int, now: int) -> None:
    """Refresh what the gateway knows of a replica when a reading lies between the last change and now."""
    replica = engines.replicas[r]
    reading = now // SNAPSHOT_PS
    if reading > replica.seen_at:
        replica.seen_at = reading
        replica.seen_waiting = replica.waiting
        replica.seen_blocked = replica.blocked
        replica.seen_used_blocks = replica.used_blocks
        if replica.mode == DECODE_RUN:
            # A step that begins in the instant of the reading has not allocated yet.
            begun = steps_begun(replica, reading * SNAPSHOT_PS - replica.run_start)
            replica.seen_used_blocks += run_growth(replica, min(begun, replica.run_steps))
        replica.sent_since_seen = 0
        replica.tokens_since_seen = 0
