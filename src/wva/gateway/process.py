"""What a process should do once that has a gateway in it."""

import gc

COLLECT_AFTER = 2_000
"""Objects made and not freed after which the collector looks at them for cycles: some twenty streams more than before,
which takes it a millisecond. Hardly a cycle is among them."""
COLLECT_OLDER_AFTER = 500
"""Such looks after which it looks at those again that were in use, which takes as long as there are many: tens of
milliseconds with a thousand streams open. What is freed without the collector's help is not among them."""


def settle_collector() -> None:
    """Keep the garbage collector out of the way of streams: call it once everything is loaded.

    What is loaded stays for good; looked through again and again, it costs pauses of 20 ms.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, COLLECT_OLDER_AFTER, 10)
