"""Where a request's time went, worked by hand."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.engine.small import linear_server
from tests.simulate.fleets import Asked, ps, server, variant
from tests.simulate.recordings import recorded
from tests.simulate.runs import setting
from wva.engine.server import Server
from wva.simulate.follow import Followed, Stage, follow
from wva.simulate.inquiry import Inquiry


def followed(
    where: Path, own: Server, requests: Sequence[Asked], request: int, *, held: bool = False, crash: bool = False
) -> Followed:
    """One request of a run on a single replica."""
    gateway = {"queue": "gateway", "hold_above": 1} if held else {}
    crashes = [(0.8, "v")] if crash else []
    run_of = setting(variant(lowest=1, most=1), servers={"v": own}, gateway=gateway, crashes=crashes)
    with recorded(where, run_of, requests) as (run, result):
        fork = Inquiry(run, result, request).as_recorded()
        told = follow(fork, run.setting, request)
        record = result.requests[request]
    # Looking at every event has changed nothing, and the stages are the whole of its life.
    assert fork.world.engines.requests[request] == record
    assert sum(told.stages.values()) == record["finish"] - record["arrival"]
    return told


def milliseconds(told: Followed) -> dict[Stage, float]:
    """Milliseconds of the stages that took any time."""
    return {stage: spent / ps(0.001) for stage, spent in told.stages.items() if spent}


def test_one_alone_is_computed_and_decodes(tmp_path: Path) -> None:
    told = followed(tmp_path, server(), [(0.5, 100, 5)], 0)
    assert milliseconds(told) == {Stage.PREFILL: 10, Stage.DECODE: 40}
    assert (told.variant, told.replica, told.running, told.waiting) == (0, "v-1", 0, 0)


def test_one_at_the_very_start(tmp_path: Path) -> None:
    assert milliseconds(followed(tmp_path, server(), [(0.0, 100, 5)], 0)) == {Stage.PREFILL: 10, Stage.DECODE: 40}


def test_it_waits_in_the_queue_of_a_full_batch(tmp_path: Path) -> None:
    # One at a time: the first runs from 0.5 s to 1.5 s, and the third comes after the second, which takes 200 ms.
    requests = [(0.5, 10, 100), (0.505, 10, 20), (0.6, 10, 5)]
    told = followed(tmp_path, server(max_num_seqs=1), requests, 2)
    assert milliseconds(told) == {Stage.QUEUE: 1100, Stage.PREFILL: 10, Stage.DECODE: 40}
    assert (told.running, told.waiting) == (1, 1)


def test_it_is_held_at_the_gateway(tmp_path: Path) -> None:
    # The second waits in the engine until 1.5 s. The gateway reads the queue every 100 ms, before the step that begins
    # then: it sees it empty at 1.6 s, sends the third, and that waits for the second, until 2.0 s.
    requests = [(0.5, 10, 100), (0.51, 10, 50), (0.75, 10, 5)]
    told = followed(tmp_path, server(max_num_seqs=1), requests, 2, held=True)
    assert milliseconds(told) == {Stage.GATEWAY: 850, Stage.QUEUE: 400, Stage.PREFILL: 10, Stage.DECODE: 40}


def test_it_is_preempted_and_computed_again(tmp_path: Path) -> None:
    # Four blocks hold two sequences up to 32 tokens each. The step at 0.67 s needs a fifth for the first one's 33rd
    # token, so the second goes back with 17 tokens, until the first has its 40 at 0.90 s; then 33 tokens are computed
    # again in a step that yields the 18th, and 22 follow.
    told = followed(tmp_path, server(kv_blocks=4), [(0.5, 16, 40), (0.5, 16, 40)], 1)
    assert milliseconds(told) == {
        Stage.PREFILL: 10,
        Stage.DECODE: 160 + 220,
        Stage.PREEMPTED: 230,
        Stage.RECOMPUTED: 10,
    }


def test_steps_that_compute_prompts_of_others_are_told_apart(tmp_path: Path) -> None:
    # A step takes 10 ms and 10 us a token. The prompt of 1,000 tokens comes while the first step of decoding is under
    # way, and shares the second: 10 + 0.01 + 10 ms. The other nine take 10.01 ms.
    requests = [(0.5, 100, 11), (0.515, 1000, 1)]
    assert milliseconds(followed(tmp_path, linear_server(), requests, 0)) == {
        Stage.PREFILL: 11,
        Stage.DECODE: pytest.approx(9 * 10.01),
        Stage.DECODE_SHARED: pytest.approx(20.01),
    }


def test_a_prompt_shares_its_steps(tmp_path: Path) -> None:
    # The same: it waits from 515 ms to the boundary at 500 + 11 + 10.01 ms, and would take 20 ms alone.
    told = followed(tmp_path, linear_server(), [(0.5, 100, 11), (0.515, 1000, 1)], 1)
    assert milliseconds(told) == {
        Stage.QUEUE: pytest.approx(6.01),
        Stage.PREFILL: 20,
        Stage.PREFILL_SHARED: pytest.approx(0.01),
    }


def test_a_long_prompt_is_computed_in_chunks(tmp_path: Path) -> None:
    # 4,000 tokens a step: 50 ms, and 1,000 more: 20 ms.
    told = followed(tmp_path, linear_server(), [(0.5, 5000, 1)], 0)
    assert milliseconds(told) == {Stage.PREFILL: 70}


def test_a_crash_ends_it(tmp_path: Path) -> None:
    told = followed(tmp_path, server(), [(0.5, 10, 100)], 0, crash=True)
    assert milliseconds(told) == {Stage.PREFILL: 10, Stage.DECODE: 290}


def test_one_that_fits_nowhere_has_no_life(tmp_path: Path) -> None:
    told = followed(tmp_path, server(max_model_len=50), [(0.5, 60, 5)], 0)
    assert milliseconds(told) == {}
    assert told.replica is None


def test_random_lives_add_up(tmp_path: Path) -> None:
    """``followed`` checks that the stages add up, here with everything at once."""
    rng = np.random.default_rng(1)
    arrivals = np.sort(rng.uniform(0.1, 1.5, 40)).tolist()
    sizes, answers = rng.integers(1, 150, 40).tolist(), rng.integers(1, 60, 40).tolist()
    requests = list(zip(arrivals, sizes, answers, strict=True))
    own = server(kv_blocks=30, max_num_seqs=6, max_num_batched_tokens=64)
    for request in range(0, 40, 5):
        followed(tmp_path, own, requests, request, held=request % 2 == 0)
