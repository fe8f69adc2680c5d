"""Whether a decision could have saved a request, and could have known."""

from pathlib import Path

from tests.simulate.fleets import Asked, server, variant
from tests.simulate.recordings import recorded
from tests.simulate.runs import Scripted, setting
from wva.engine.server import Server
from wva.report.request.explain import explain_request
from wva.report.request.facts import Explanation, Verdict
from wva.simulate.misses import causes

ONE_AT_A_TIME = server(max_num_seqs=1)
"""Serves two requests a second of 50 tokens each, by 10 ms a token."""


def explained(
    where: Path, requests: list[Asked], request: int, own: Server = ONE_AT_A_TIME, crash_s: float | None = None
) -> Explanation:
    run_of = setting(
        variant(lowest=1, most=6, startup_s=10),
        servers={"v": own},
        crashes=[] if crash_s is None else [(crash_s, "v")],
    )
    with recorded(where, run_of, requests, Scripted(), 60) as (run, result):
        why = causes(result)
        return explain_request(run, result, why, request, lambda doing: None)


def test_a_load_that_lasts_could_be_seen(tmp_path: Path) -> None:
    # Three a second from 5 s on are more than the two that one replica serves: seen over the last minute when enough
    # have come, and at once by what waits. What comes at 45 s could have had a replica started long before.
    told = explained(tmp_path, [(5 + i / 3, 10, 50) for i in range(130)], 120)
    remedy = told.remedy
    assert remedy.verdict is Verdict.SAVED
    assert remedy.overload_s is not None
    assert 5 < remedy.overload_s < 10
    assert remedy.orders[0].time_s >= remedy.overload_s
    assert remedy.seen is not None
    assert remedy.seen.overload
    assert told.episode is not None
    assert told.episode.first_s < told.request.arrival_s <= told.episode.last_s


def test_a_burst_shorter_than_a_start_takes_headroom(tmp_path: Path) -> None:
    # Nothing, then eight a second from 30 s on for two seconds: the one at 31.5 s needs a start at 21.5 s or before.
    told = explained(tmp_path, [(1.0, 10, 50), *[(30 + i / 8, 10, 50) for i in range(16)]], 13)
    remedy = told.remedy
    assert remedy.verdict is Verdict.HEADROOM
    assert remedy.orders[0].time_s <= 21.7
    assert remedy.overload_s is None or remedy.overload_s > 30
    assert remedy.standing is not None
    assert remedy.standing["v"] >= 1
    assert remedy.seen is not None
    assert not remedy.seen.overload


def test_what_is_met_needs_no_saving(tmp_path: Path) -> None:
    told = explained(tmp_path, [(5, 10, 50)], 0)
    assert (told.remedy.verdict, told.episode) == (Verdict.MET, None)
    assert [one.met for one in told.alone] == [True]


def test_no_replica_is_fast_enough(tmp_path: Path) -> None:
    told = explained(tmp_path, [(5, 10, 50)], 0, server(step_ms=1500))
    assert told.remedy.verdict is Verdict.IMPOSSIBLE
    assert [(one.ttft_s, one.met) for one in told.alone] == [(1.5, False)]


def test_no_replica_takes_the_prompt(tmp_path: Path) -> None:
    told = explained(tmp_path, [(5, 60, 50)], 0, server(max_model_len=50))
    assert told.remedy.verdict is Verdict.TOO_LONG
    assert told.alone[0].ttft_s is None


def test_a_crash_is_no_matter_of_replicas(tmp_path: Path) -> None:
    told = explained(tmp_path, [(5, 10, 50)], 0, crash_s=5.2)
    assert told.remedy.verdict is Verdict.CRASH
    assert told.request.ttft_s == 0.01


def test_before_any_start_could_end_nothing_helps(tmp_path: Path) -> None:
    told = explained(tmp_path, [(5 + i / 100, 10, 50) for i in range(10)], 9)
    assert told.remedy.verdict is Verdict.NOTHING
    assert told.remedy.simulations > 0
