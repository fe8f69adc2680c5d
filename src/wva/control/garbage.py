"""Python's collector of reference cycles, kept from looking again and again at what stays.

The records of a fleet hold no cycles, so they go when nobody refers to them any more. The collector does not know that:
made by the hundred thousand in every turn, they have it look at everything there is, which stops all threads for as
long as a decision takes.
"""

import gc

YOUNG = 200_000
"""Objects that are made before the collector looks at them: about what a turn of a fleet of 20,000 replicas makes."""


def spare_what_stays() -> None:
    """Leave out of every later look what is there now, and look less often. Once a large fleet is known."""
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 100)
