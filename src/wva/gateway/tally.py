"""What became of all requests for a model so far."""

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """Counts since the gateway began."""

    offered: int = 0
    """Requests that came."""
    ended: int = 0
    """Those of them that have ended, well or not."""
    met: int = 0
    """Those of them whose answer kept the objectives: its first token and its last came in time."""
    failed: int = 0
    """Those of them that ended without a whole answer, clients that left included."""
