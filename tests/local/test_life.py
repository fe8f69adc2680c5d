"""A live replica from its order to its end: start, readiness, drain, crash, hang."""

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tests.local.fleets import COMMAND, ONE, fleet, part, running
from tests.waiting import until
from wva.fleet.errors import UserError
from wva.fleet.outcome import Result
from wva.fleet.plan import VariantPlan, Victim
from wva.fleet.replica import Phase
from wva.local.schema import FleetSpec


async def test_from_zero_to_serving_and_back(tmp_path: Path) -> None:
    async with running(fleet(tmp_path), tmp_path / "logs") as rig:
        assert rig.phases() == {}
        outcome = await rig.to(1)
        assert (outcome.result, outcome.replicas) == (Result.APPLIED, 1)
        assert rig.phases() == {"v-1": "starting"}
        assert rig.gateway.takes() == []
        await rig.until_phases(v_1="ready")
        assert (tmp_path / "asked").read_text().split() == ["/v1/completions"]
        assert rig.gateway.takes() == ["v-1"]
        (seen,) = (await rig.body.state()).variants
        (one,) = seen.replicas
        assert (seen.desired, seen.ready, one.phase) == (1, 1, Phase.READY)
        assert one.ordered_at is not None
        assert one.started_at is not None
        assert one.ready_at is not None
        assert one.ordered_at <= one.started_at < one.ready_at == one.since
        (endpoint,) = (await rig.body.state()).endpoints
        assert endpoint.url == f"http://127.0.0.1:{rig.replica('v-1').port}"
        await rig.to(0)
        assert rig.gateway.takes() == []
        await rig.until_phases()
        assert (await rig.body.state()).endpoints == ()


async def test_listening_is_not_ready(tmp_path: Path) -> None:
    (tmp_path / "unknown").touch()
    async with running(fleet(tmp_path), tmp_path / "logs") as rig:
        await rig.to(1)
        await until(lambda: rig.replica("v-1").answers is not None)
        (seen,) = (await rig.body.state()).variants[0].replicas
        assert seen.phase is Phase.STARTING
        assert seen.reason == "it listens, but answers HTTP 404: The model `m` does not exist."
        (tmp_path / "unknown").unlink()
        await rig.until_phases(v_1="ready")


async def test_readiness_may_be_asked_in_another_way(tmp_path: Path) -> None:
    spec = fleet(tmp_path, variants=["{name: v, min: 0, max: 1, initial: 1, health: /ping, probe: chat}"])
    async with running(spec, tmp_path / "logs") as rig:
        await rig.until_phases(v_1="ready")
        assert (tmp_path / "asked").read_text().split() == ["/v1/chat/completions"]


@pytest.mark.slow
async def test_a_start_that_takes_too_long_fails_with_what_it_said(tmp_path: Path) -> None:
    (tmp_path / "unknown").touch()
    async with running(fleet(tmp_path, replicas="start_deadline: 3s"), tmp_path / "logs") as rig:
        await rig.to(1)
        await until(lambda: rig.replica("v-1").failures == 1)
        assert str(rig.replica("v-1").reason).startswith("not ready after 3 s: it listens, but answers HTTP 404: The")


async def test_drains_before_it_stops(tmp_path: Path) -> None:
    async with running(fleet(tmp_path, variants=["{name: v, min: 0, max: 5, initial: 2}"]), tmp_path / "logs") as rig:
        await rig.until_phases(v_1="ready", v_2="ready")
        rig.gateway.flying["v-1"] = 1
        server = rig.process_id("v-1")
        (outcome,) = await rig.scale(_stop("v-1", 2, 1))
        assert (outcome.result, outcome.replicas) == (Result.APPLIED, 1)
        assert (rig.gateway.takes(), rig.gateway.drains()) == (["v-2"], ["v-1"])
        await asyncio.sleep(0.3)
        assert rig.phases() == {"v-1": "draining", "v-2": "ready"}
        assert [one.instance for one in (await rig.body.state()).endpoints] == ["v-1", "v-2"]
        os.kill(server, 0)
        rig.gateway.flying.clear()
        await rig.until_phases(v_2="ready")
        with pytest.raises(ProcessLookupError):
            os.kill(server, 0)


async def test_a_drain_has_an_end(tmp_path: Path) -> None:
    async with running(fleet(tmp_path, variants=[ONE]), tmp_path / "logs") as rig:
        await rig.until_phases(v_1="ready")
        rig.gateway.flying["v-1"] = 1
        await rig.scale(_stop("v-1", 1, 0, deadline=rig.clock.utc() + 0.3))
        await rig.until_phases()


async def test_a_draining_replica_is_taken_back(tmp_path: Path) -> None:
    async with running(fleet(tmp_path, variants=[ONE]), tmp_path / "logs") as rig:
        await rig.until_phases(v_1="ready")
        server, ready_at = rig.process_id("v-1"), rig.replica("v-1").ready_at
        rig.gateway.flying["v-1"] = 1
        await rig.to(0)
        assert rig.gateway.drains() == ["v-1"]
        await asyncio.sleep(0.2)
        (outcome,) = await rig.scale(_back(("gone", "v-1"), 0, 2))
        assert (outcome.result, outcome.replicas) == (Result.APPLIED, 2)
        assert rig.gateway.takes() == ["v-1"]
        await rig.until_phases(v_1="ready", v_2="ready")
        assert (rig.process_id("v-1"), rig.replica("v-1").ready_at) == (server, ready_at)


@pytest.mark.slow
async def test_orders_that_change_at_once_leave_what_the_last_one_wants(tmp_path: Path) -> None:
    async with running(fleet(tmp_path, variants=[ONE]), tmp_path / "logs") as rig:
        await rig.until_phases(v_1="ready")
        rig.gateway.flying["v-1"] = 1
        for _ in range(3):
            await rig.to(0)
            await rig.scale(_back(("v-1",), 0, 1))
        await asyncio.sleep(0.3)
        assert rig.phases() == {"v-1": "ready"}
        os.kill(rig.process_id("v-1"), signal.SIGKILL)
        await until(lambda: rig.gateway.takes() == [])
        await rig.until_phases(v_1="ready")


@pytest.mark.slow
async def test_one_that_ignores_sigterm_is_killed_after_the_grace(tmp_path: Path) -> None:
    spec = fleet(tmp_path, command=f"{COMMAND} --stubborn", stop_grace="500ms", variants=[ONE])
    async with running(spec, tmp_path / "logs") as rig:
        await rig.until_phases(v_1="ready")
        began = rig.clock.monotonic()
        await rig.to(0)
        await rig.until_phases()
        assert rig.clock.monotonic() - began >= 0.5


async def test_a_crash_takes_it_out_and_starts_it_anew(tmp_path: Path) -> None:
    spec = fleet(tmp_path, command=f"{COMMAND} --say hello --after 0.1", variants=[ONE])
    async with running(spec, tmp_path / "logs") as rig:
        await rig.until_phases(v_1="ready")
        began = rig.replica("v-1").started_at
        os.kill(rig.process_id("v-1"), signal.SIGKILL)
        await until(lambda: rig.phases() == {"v-1": "starting"})
        assert rig.gateway.takes() == []
        assert (await rig.body.state()).endpoints == ()
        assert rig.replica("v-1").reason == "killed by SIGKILL: hello"
        assert rig.desired() == 1
        await rig.until_phases(v_1="ready")
        assert rig.replica("v-1").reason is None
        assert rig.replica("v-1").started_at != began
        assert rig.gateway.takes() == ["v-1"]


async def test_one_that_keeps_failing_waits_longer_each_time_and_is_told_of(tmp_path: Path) -> None:
    async with running(fleet(tmp_path, command=f"{COMMAND} --say 'no such weights' --die"), tmp_path / "logs") as rig:
        await rig.to(1)
        await until(lambda: rig.replica("v-1").failures == 2)
        outcome = await rig.to(1)
        assert outcome.result is Result.PENDING
        why = "exit code 3: no such weights; starts again in 10 s"
        assert outcome.detail == f"v-1 failed 2 times in a row: {why}"
        await asyncio.sleep(0.3)
        assert rig.replica("v-1").failures == 2
        assert rig.replica("v-1").observed(None).failing
        await rig.to(0)
        await rig.until_phases()


async def test_a_command_that_is_gone_is_told_of(tmp_path: Path) -> None:
    program = tmp_path / "server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    spec = fleet(tmp_path, command=f"{program} {{port}}")
    program.unlink()
    async with running(spec, tmp_path / "logs") as rig:
        await rig.to(1)
        await until(lambda: rig.replica("v-1").failures == 2)
        assert f"exit code 127: wva: cannot run {program}: No such file" in str(rig.replica("v-1").reason)


@pytest.mark.parametrize("counters", [True, pytest.param(False, marks=pytest.mark.slow)])
async def test_a_hung_replica_is_replaced(tmp_path: Path, counters: bool) -> None:
    if counters:
        (tmp_path / "vllm").touch()
    async with running(_watched(tmp_path), tmp_path / "logs") as rig:
        await rig.until_phases(v_1="ready")
        server = rig.process_id("v-1")
        (tmp_path / "hang").touch()
        rig.gateway.flying["v-1"] = 1
        await until(lambda: rig.phases() == {"v-1": "starting"})
        assert rig.gateway.takes() == []
        assert str(rig.replica("v-1").reason).startswith("hung: no answer and no step for ")
        (tmp_path / "hang").unlink()
        await rig.until_phases(v_1="ready")
        assert rig.process_id("v-1") != server


async def test_a_replica_with_nothing_to_do_is_asked_nothing(tmp_path: Path) -> None:
    (tmp_path / "vllm").touch()
    async with running(_watched(tmp_path), tmp_path / "logs") as rig:
        await rig.until_phases(v_1="ready")
        before = (tmp_path / "asked").read_text()
        await asyncio.sleep(1.0)
        assert (tmp_path / "asked").read_text() == before
        # Requests of others that make no progress are another matter.
        rig.gateway.flying["v-1"] = 1
        await until(lambda: (tmp_path / "asked").read_text() != before)
        assert rig.phases() == {"v-1": "ready"}


async def test_a_busy_or_sleeping_replica_is_not_hung(tmp_path: Path) -> None:
    async def has_an_excuse(excuse: str) -> None:
        own = tmp_path / excuse
        own.mkdir()
        (own / "vllm").touch()
        async with running(_watched(own), own / "logs") as rig:
            await rig.until_phases(v_1="ready")
            server = rig.process_id("v-1")
            rig.gateway.flying["v-1"] = 1
            (own / excuse).touch()
            if excuse != "refuse":
                (own / "hang").touch()
            await asyncio.sleep(1.8)
            assert rig.phases() == {"v-1": "ready"}
            assert rig.process_id("v-1") == server
            assert rig.replica("v-1").failures == 0

    await asyncio.gather(*(has_an_excuse(excuse) for excuse in ("steps", "asleep", "refuse")))


async def test_at_a_speed_starts_are_dated_in_the_fleets_time(tmp_path: Path) -> None:
    spec = fleet(tmp_path, command=f"{COMMAND} --after 0.2 --say {{speed}}", variants=[ONE], speed=20)
    async with running(spec, tmp_path / "logs") as rig:
        await rig.until_phases(v_1="ready")
        (one,) = (await rig.body.state()).variants[0].replicas
        assert one.ready_at is not None
        assert one.started_at is not None
        assert one.ready_at - one.started_at >= 0.2 * 20
        assert "20" in (tmp_path / "logs" / "v-1.log").read_text().split()


@pytest.mark.slow
async def test_logs_of_replicas_long_gone_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wva.local.body.KEPT_LOGS", 1)
    async with running(fleet(tmp_path), tmp_path / "logs") as rig:
        for log in (tmp_path / "logs" / "v-1.log", tmp_path / "logs" / "v-2.log"):
            await rig.to(1)
            await until(log.exists)
            await rig.to(0)
            await rig.until_phases()
    assert [path.name for path in (tmp_path / "logs").iterdir()] == ["v-2.log"]


async def test_logs_that_cannot_be_written_are_a_mistake_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "logs").touch()
    with pytest.raises(UserError, match=r"logs .*: cannot be written \(File exists\); choose another directory"):
        async with running(fleet(tmp_path), tmp_path / "logs"):
            pass


async def test_logs_are_kept_apart_and_bounded(tmp_path: Path) -> None:
    text = "x" * 3000
    spec = fleet(
        tmp_path,
        command=f"{COMMAND} --say {text} --die-once {tmp_path}/died",
        replicas="log_bytes: 8192",
        variants=["{name: v/w, min: 0, max: 5, initial: 1}"],
    )
    async with running(spec, tmp_path / "logs") as rig:
        await until(lambda: rig.phases() == {"v/w-1": "ready"})
        sizes = {path.name: path.stat().st_size for path in (tmp_path / "logs").iterdir()}
        assert set(sizes) == {"v%2Fw-1.log", "v%2Fw-1.log.1"}
        assert sum(sizes.values()) <= 8192
        assert str(rig.replica("v/w-1").reason) == "None"


def _watched(directory: Path) -> FleetSpec:
    return fleet(
        directory,
        variants=[ONE],
        replicas="check: 100ms\n  hung_after: 800ms",
    )


def _stop(name: str, expected: int, target: int, deadline: float | None = None) -> VariantPlan:
    return replace(part(expected, target), victims=(Victim(name, deadline),))


def _back(names: tuple[str, ...], expected: int, target: int) -> VariantPlan:
    return replace(part(expected, target), restore=names)
