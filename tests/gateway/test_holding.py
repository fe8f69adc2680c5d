"""Requests that wait: for a first replica, for room, in whose order, and until when."""

import asyncio
import time
from typing import Any

import pytest

from tests.gateway.rig import Rig, backend, gateway_of
from tests.gateway.upstream import ModelServer, pauses, running, waits
from tests.waiting import until
from wva.fleet.readings import LoadReading
from wva.gateway.settings import Queue, ServedModel


async def stream(rig: Rig, prompt: str) -> int:
    """The status of a streamed answer, once it is complete."""
    async with rig.http.post(rig.url + "/v1/completions", json={"model": "m", "prompt": prompt, "stream": True}) as got:
        await got.read()
        return got.status


async def hold(rig: Rig, *prompts: str, **fields: Any) -> list["asyncio.Task[tuple[int, Any]]"]:
    """Requests that are held, each in its turn."""
    tasks = []
    for prompt in prompts:
        held = rig.gateway.queued("m")
        tasks.append(rig.task(prompt=prompt, **fields))
        await until(lambda: rig.gateway.queued("m") == held + 1)  # noqa: B023
    return tasks


async def test_from_zero_requests_are_held_told_of_and_answered_when_a_replica_comes() -> None:
    async with running() as server, gateway_of() as rig:
        tasks = await hold(rig, "1", "2", "3")
        assert rig.holds == ["m", "m", "m"]
        assert await rig.metric("inference_extension_flow_control_queue_size", target_model_name="m") == 3
        assert await rig.metric("inference_extension_flow_control_queue_bytes", model_name="m") == 3 * len(
            b'{"model": "m", "prompt": "1"}'
        )
        rig.place(server)
        assert [(await task)[0] for task in tasks] == [200, 200, 200]
        assert sorted(server.prompts) == ["1", "2", "3"]
        assert await rig.metric("inference_extension_flow_control_queue_size") == 0


async def test_what_is_held_goes_out_in_order_as_readings_show_room() -> None:
    async with running(waits) as server, gateway_of(queue=Queue.GATEWAY, hold_above=2) as rig:
        rig.place(server)
        first = [rig.task(prompt="a"), rig.task(prompt="b")]
        await until(lambda: server.at_once == 2)
        held = await hold(rig, "1", "2", "3")
        # Both are running; the gateway may send two more, which it counts as waiting until it is told otherwise.
        rig.gateway.read(server.url, LoadReading(0.0, running=2, waiting=0))
        await until(lambda: server.at_once == 4)
        assert server.prompts[2:] == ["1", "2"]
        rig.gateway.read(server.url, LoadReading(0.0, running=2, waiting=2))
        await asyncio.sleep(0.05)
        assert rig.gateway.queued("m") == 1
        rig.gateway.read(server.url, LoadReading(0.0, running=3, waiting=1))
        await until(lambda: server.prompts[4:] == ["3"])
        server.gate.set()
        assert [(await task)[0] for task in first + held] == [200] * 5


async def test_an_answer_that_begins_makes_room_before_any_reading_does() -> None:
    async with running(pauses) as server, gateway_of(queue=Queue.GATEWAY, hold_above=2) as rig:
        rig.place(server)
        tasks = [asyncio.create_task(stream(rig, str(number))) for number in range(6)]
        # Each has its first word at once, so none of them waits at the replica.
        await until(lambda: server.at_once == 6)
        assert rig.gateway.queued("m") == 0
        server.gate.set()
        assert [await task for task in tasks] == [200] * 6


@pytest.mark.parametrize(
    ("reading", "held"),
    [
        # Two of ours run and one waits, as was read; then both of ours that ran and the one that waited answer.
        (LoadReading(0.0, running=1, waiting=1), 0),
        # Three more are somebody else's, and nothing says that they have begun.
        (LoadReading(0.0, running=1, waiting=4), 1),
        (LoadReading(0.0, waiting=2), 1),
    ],
)
async def test_what_was_read_as_waiting_counts_until_its_answer_begins(reading: LoadReading, held: int) -> None:
    async with running(pauses) as server, gateway_of(queue=Queue.GATEWAY, hold_above=2) as rig:
        rig.place(server)
        tasks = [asyncio.create_task(stream(rig, str(number))) for number in range(2)]
        await until(lambda: server.at_once == 2)
        await asyncio.sleep(0.05)
        rig.gateway.read(server.url, reading)
        tasks.append(asyncio.create_task(stream(rig, "3")))
        await asyncio.sleep(0.05)
        assert rig.gateway.queued("m") == held
        rig.gateway.read(server.url, LoadReading(0.0, running=2, waiting=0))
        server.gate.set()
        assert [await task for task in tasks] == [200] * 3


async def test_times_are_those_of_a_clock_that_runs_faster() -> None:
    began = time.monotonic()
    settings: Any = {"queue_timeout": 20.0, "first_token_timeout": 100.0, "clock_speed": 100.0}
    async with gateway_of(clock=lambda: 100.0 * time.monotonic(), **settings) as rig:
        assert (await rig.post())[0] == 503
        assert time.monotonic() - began < 10
        held = await rig.metric("inference_extension_flow_control_request_queue_duration_seconds_sum")
        assert 20 <= held < 1000


async def test_a_full_cache_holds_too() -> None:
    settings: Any = {"queue": Queue.GATEWAY, "hold_above": 100, "hold_above_kv": 0.9}
    async with running() as server, gateway_of(**settings) as rig:
        rig.place(server)
        rig.gateway.read(server.url, LoadReading(0.0, waiting=0, kv_usage=0.95, kv_capacity_tokens=10_000))
        (task,) = await hold(rig, "1")
        rig.gateway.read(server.url, LoadReading(0.0, waiting=0, kv_usage=0.85, kv_capacity_tokens=10_000))
        assert (await task)[0] == 200


async def test_a_reading_that_is_too_old_holds_nothing() -> None:
    async with running() as server, gateway_of(queue=Queue.GATEWAY, hold_above=1, reading_max_age=0.2) as rig:
        rig.place(server)
        rig.gateway.read(server.url, LoadReading(0.0, waiting=7))
        task = rig.task()
        await until(lambda: rig.gateway.queued("m") == 1)
        # Nothing is told any more, so the replica's own queue takes it.
        assert (await task)[0] == 200


async def test_an_older_reading_does_not_replace_a_newer_one() -> None:
    async with running() as server, gateway_of(queue=Queue.GATEWAY, hold_above=1) as rig:
        rig.place(server)
        rig.gateway.read(server.url, LoadReading(0.0, waiting=7))
        rig.gateway.read(server.url, LoadReading(5.0, waiting=0))
        await hold(rig, "1")


async def test_higher_priority_goes_first_and_clients_take_turns() -> None:
    async with (
        running(waits) as server,
        gateway_of(queue=Queue.GATEWAY, hold_above=1, objectives={"premium": 10}) as rig,
    ):
        rig.place(server)
        first = rig.task(prompt="busy")
        await until(lambda: server.at_once == 1)
        mine = {"x-llm-d-inference-fairness-id": "mine"}
        other = {"x-llm-d-inference-fairness-id": "other"}
        tasks = await hold(rig, "m1", "m2", "m3", headers=mine)
        tasks += await hold(rig, "o1", headers=other)
        tasks += await hold(rig, "p1", headers=mine | {"x-llm-d-inference-objective": "premium"})
        labels = {"fairness_id": "mine", "inference_pool": "wva"}
        size = "inference_extension_flow_control_queue_size"
        assert await rig.metric(size, priority="0", **labels) == 3
        assert await rig.metric(size, priority="10", **labels) == 1
        server.gate.set()
        assert [(await task)[0] for task in [first, *tasks]] == [200] * 6
        assert server.prompts == ["busy", "p1", "m1", "o1", "m2", "m3"]


async def test_models_wait_apart() -> None:
    async with running() as server, gateway_of(ServedModel("m"), ServedModel("n")) as rig:
        (held,) = await hold(rig, "1")
        rig.place(server, model="n")
        assert (await rig.post(model="n"))[0] == 200
        assert not held.done()
        rig.place(server)
        assert (await held)[0] == 200


async def test_a_full_queue_turns_away_with_a_time_to_come_again() -> None:
    async with gateway_of(max_queued_requests=2, retry_after=7) as rig:
        tasks = await hold(rig, "1", "2")
        async with rig.http.post(rig.url + "/v1/completions", json={"model": "m"}) as got:
            assert (got.status, got.headers["Retry-After"]) == (429, "7")
            assert (await got.json())["error"]["type"] == "rate_limit_error"
        labels = {"error_code": "InferencePoolResourceExhausted"}
        assert await rig.metric("inference_objective_request_error_total", **labels) == 1
        assert await rig.metric("inference_objective_request_total", model_name="m") == 3
        for task in tasks:
            task.cancel()


@pytest.mark.parametrize("setting", ["queue_timeout", "first_token_timeout"])
async def test_what_is_held_too_long_fails(setting: str) -> None:
    settings: dict[str, Any] = {setting: 0.05}
    async with gateway_of(**settings) as rig:
        async with rig.http.post(rig.url + "/v1/completions", json={"model": "m"}) as got:
            assert (got.status, got.headers["Retry-After"]) == (503, "2")
            assert (await got.json())["error"]["code"] == "queue_timeout"
        assert rig.gateway.queued("m") == 0


async def test_a_gateway_that_closes_turns_away_what_it_holds() -> None:
    async with gateway_of() as rig:
        (task,) = await hold(rig, "1")
        await rig.gateway.stop()
        status, answer = await task
        assert (status, answer["error"]["code"]) == (503, "closing")


async def test_draining_takes_nothing_new_and_finishes_what_it_has() -> None:
    async with running(waits) as old, running() as new, gateway_of() as rig:
        rig.place(old)
        task = rig.task()
        await until(lambda: old.at_once == 1)
        rig.gateway.place("m", [backend(old, takes_new=False), backend(new)])
        idle = asyncio.create_task(rig.gateway.idle(old.url))
        for _ in range(3):
            assert (await rig.post())[0] == 200
        assert (len(old.prompts), len(new.prompts)) == (1, 3)
        assert rig.gateway.in_flight(old.url) == 1
        assert not idle.done()
        old.gate.set()
        assert (await task)[0] == 200
        await asyncio.wait_for(idle, 5)
        assert rig.gateway.in_flight(old.url) == 0


async def test_a_replica_that_is_left_out_is_counted_until_it_is_idle_and_then_forgotten() -> None:
    async with running(waits) as server, gateway_of() as rig:
        rig.place(server)
        task = rig.task()
        await until(lambda: server.at_once == 1)
        rig.place()
        in_flight = "wva_gateway_backend_in_flight_requests"
        assert await rig.metric(in_flight, instance=server.url) == 1
        assert await rig.metric("wva_gateway_routable_backends") == 0
        server.gate.set()
        assert (await task)[0] == 200
        await until(lambda: rig.gateway.in_flight(server.url) == 0)
        assert not [name for name, labels in await rig.metrics() if dict(labels).get("instance") == server.url]
        await rig.gateway.idle(server.url)


async def test_one_instance_cannot_be_placed_twice() -> None:
    server = ModelServer(waits, url="http://127.0.0.1:1")
    async with gateway_of() as rig:
        with pytest.raises(ValueError, match="placed twice"):
            rig.place(server, server)
        with pytest.raises(KeyError):
            rig.place(server, model="n")
