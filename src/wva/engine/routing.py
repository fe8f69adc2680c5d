"""Which replica looks least busy, and which has room: the arithmetic of every gateway, simulated or live.

Plain functions of plain numbers, so that the simulator can compile them into its event loop and a live gateway calls
them as they are.
"""

BLOCKED_REQUESTS = 32
"""Requests in flight that a replica short of KV cache or slots seems to have more: speed says nothing of memory."""


def busy_s(
    in_flight: float,
    cost_s: float,
    blocks: float,
    kv_blocks: float,
    full_load_s: float,
    blocked: bool,
    prompt_s: float,
) -> float:
    """How long a replica looks to be busy before it has answered one more request: the fuller of engine and KV cache.

    ``in_flight`` requests, with the new one, take ``cost_s`` each on average; a full KV cache counts as much as an
    engine that has all in flight that keeps TPOT, ``full_load_s``. ``blocks`` of ``kv_blocks`` are in use, with the new
    prompt. The prompt itself takes ``prompt_s`` on top. A replica on which requests wait for room in its memory looks
    busier still.
    """
    memory = full_load_s * blocks / kv_blocks
    waiting_for_room = BLOCKED_REQUESTS if blocked else 0
    engine = in_flight * cost_s
    return max(engine, memory) + waiting_for_room * cost_s + prompt_s


def has_room(
    waiting: float, sent_since: float, blocks: float, kv_blocks: float, hold_above: float, hold_above_kv: float
) -> bool:
    """Whether a replica may get a request while requests queue at the gateway.

    ``waiting`` and ``blocks`` are readings, which are old; ``sent_since`` requests were sent since, which is known
    exactly, and ``blocks`` has their prompts.
    """
    if waiting + sent_since >= hold_above:
        return False
    return blocks < hold_above_kv * kv_blocks
