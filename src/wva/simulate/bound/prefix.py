"""How much of a prompt any other request of the traffic begins with: the most that a prefix cache can hold of it."""

import numpy as np
from numpy.typing import NDArray

from wva.engine.server import BLOCK_TOKENS
from wva.workload.merge import Workload


def shared_tokens(workload: Workload) -> NDArray[np.int64]:
    """Tokens at the beginning of each prompt, in whole trace blocks, that some other request has too.

    Requests that come later count as well: a queue may be overtaken, and a preempted request looks again.
    """
    blocks = workload.blocks
    if blocks is None:
        return np.zeros(len(workload), np.int64)
    tokens = blocks.tokens // BLOCK_TOKENS * BLOCK_TOKENS
    listed = np.diff(blocks.offsets)
    whole = np.minimum(listed, workload.input_tokens // tokens)
    owner = np.repeat(np.arange(len(workload)), listed)
    place = np.arange(len(blocks.ids)) - blocks.offsets[owner]
    counted = place < whole[owner]
    alone = np.bincount(blocks.ids[counted], minlength=blocks.distinct)[blocks.ids] < 2
    ends = counted & alone
    first_alone = np.full(len(workload), np.iinfo(np.int64).max)
    np.minimum.at(first_alone, owner[ends], place[ends])
    shared: NDArray[np.int64] = np.minimum(whole, first_alone) * tokens
    return shared
