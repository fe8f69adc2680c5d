"""What is tried again elsewhere: only what no replica has begun."""

import asyncio
import socket

from tests.gateway.rig import gateway_of
from tests.gateway.upstream import ModelServer, answers, running, too_busy
from tests.waiting import until


def nobody() -> ModelServer:
    """A server that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return ModelServer(answers, url=f"http://127.0.0.1:{free.getsockname()[1]}")


async def test_a_refused_connection_goes_to_another_replica_and_the_first_rests() -> None:
    async with running() as server, gateway_of(refused_pause=60.0) as rig:
        rig.place(nobody(), server)
        assert [(await rig.post())[0] for _ in range(4)] == [200] * 4
        assert await rig.metric("wva_gateway_retries_total", reason="refused") == 1
        assert await rig.metric("wva_gateway_routable_backends") == 1


async def test_where_the_only_replica_is_gone_the_request_is_held_for_the_next() -> None:
    async with running() as server, gateway_of() as rig:
        gone = nobody()
        rig.place(gone)
        task = rig.task()
        await until(lambda: rig.gateway.queued("m") == 1)
        assert rig.holds
        await asyncio.sleep(0.3)
        assert not task.done()
        rig.place(gone, server)
        assert (await task)[0] == 200


async def test_a_replica_that_is_too_busy_sends_requests_to_the_next() -> None:
    async with running(too_busy) as busy, running() as server, gateway_of() as rig:
        rig.place(busy, server)
        assert (await rig.post())[0] == 200
        assert (len(busy.prompts), len(server.prompts)) == (1, 1)
        assert await rig.metric("wva_gateway_retries_total", reason="overloaded") == 1


async def test_where_all_are_too_busy_the_client_is_told_so_once_each_was_asked() -> None:
    async with running(too_busy) as one, running(too_busy) as two, gateway_of(retry_after=3) as rig:
        rig.place(one, two)
        async with rig.http.post(rig.url + "/v1/completions", json={"model": "m"}) as got:
            assert (got.status, got.headers["Retry-After"]) == (503, "3")
            assert (await got.json())["error"]["message"] == "queue is full"
        assert (len(one.prompts), len(two.prompts)) == (1, 1)
        assert await rig.metric("wva_gateway_outcomes_total", outcome="unavailable") == 1
        await until(lambda: rig.gateway.in_flight(one.url) == rig.gateway.in_flight(two.url) == 0)


async def test_replicas_are_tried_a_bounded_number_of_times() -> None:
    async with running(too_busy) as one, running(too_busy) as two, running() as three, gateway_of(max_retries=1) as rig:
        rig.place(one, two, three)
        assert (await rig.post())[0] == 503
        assert three.prompts == []
