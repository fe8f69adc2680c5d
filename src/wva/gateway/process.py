"""What a process should do once that has a gateway in it."""

import gc

COLLECT_AFTER = 50_000
"""Objects made and not freed after which the collector looks for cycles; Python's own number is 700. A stream has some
hundred objects and hardly a cycle among them."""


def settle_collector() -> None:
    """Keep the garbage collector out of the way of streams: call it once everything is loaded.

    What is loaded stays for good; looked through again and again, it costs pauses of 20 ms.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 10, 10)
