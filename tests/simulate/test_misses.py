"""The cause of each miss, one scenario a cause."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.engine.small import linear_server
from tests.simulate.fleets import Asked, server, variant
from tests.simulate.recordings import recorded
from tests.simulate.runs import setting
from wva.engine.server import Server
from wva.simulate.misses import CAUSES, MET, Cause, causes

LONG = (0.5, 10, 200)
"""Runs for 2 s."""

CASES: Mapping[str, tuple[Server, Sequence[Asked], Mapping[str, object], Cause | None]] = {
    "met": (server(), [(0.5, 10, 5)], {}, None),
    "queue": (server(max_num_seqs=1), [LONG, (0.6, 10, 5)], {}, Cause.QUEUE),
    # It waits from 0.75 s to 2.1 s at the gateway, and 0.9 s more in the engine.
    "gateway": (
        server(max_num_seqs=1),
        [(0.5, 10, 150), (0.51, 10, 100), (0.75, 10, 5)],
        {"gateway": {"queue": "gateway", "hold_above": 1}},
        Cause.GATEWAY,
    ),
    # 90 sequences decode, which leaves a step 1 token of prompt: 100 tokens take 100 steps of 10.91 ms.
    "prefill": (
        linear_server(max_num_batched_tokens=91, max_num_seqs=91),
        [*[(0.1, 1, 400)] * 90, (1.5, 100, 2)],
        {},
        Cause.PREFILL,
    ),
    # Its first token comes after 10.1 ms. Further steps last 210 ms each, with a prompt of 20,000 tokens.
    "decode": (
        linear_server(max_num_batched_tokens=20_001),
        [(0.5, 10, 10), *[(0.51 + 0.2 * i, 20_000, 1) for i in range(10)]],
        {},
        Cause.DECODE,
    ),
    # Four blocks hold two sequences of up to 32 tokens. The first takes its 33rd after 17 steps and goes on alone until
    # its 40th; then the second has three tokens to go: 43 steps of 90 ms, 3.87 s where 1 s + 19 x 100 ms are allowed.
    "preemption": (server(step_ms=90, kv_blocks=4), [(0.5, 16, 40), (0.5, 16, 20)], {}, Cause.PREEMPTION),
    "crash": (server(), [(0.5, 10, 100)], {"crashes": [(0.8, "v")]}, Cause.CRASH),
    # 900 tokens take 9 s and may take 90; the window is over before.
    "unfinished": (server(), [(0.5, 10, 900)], {"clients": {"at_end": "cancel"}}, Cause.UNFINISHED),
    "too long": (server(max_model_len=50), [(0.5, 60, 5)], {}, Cause.TOO_LONG),
    "impossible": (server(step_ms=1500), [(0.5, 10, 5)], {}, Cause.IMPOSSIBLE),
}


@pytest.mark.parametrize("name", CASES)
def test_causes(tmp_path: Path, name: str) -> None:
    own, requests, options, expected = CASES[name]
    run_of = setting(variant(lowest=1, most=1), servers={"v": own}, **options)  # type: ignore[arg-type]
    with recorded(tmp_path, run_of, requests) as (_, result):
        last = int(causes(result)[0 if name == "decode" else -1])
    assert (None if last == MET else CAUSES[last]) == expected
