"""What clients get: streams as they come, whole answers, errors in the API's shape."""

import asyncio
import gzip
import json
from typing import Any

import pytest
from openai import APIError, BadRequestError, InternalServerError, NotFoundError

from tests.gateway.rig import gateway_of
from tests.gateway.upstream import (
    FLOOD,
    answers,
    breaks,
    event,
    finds_fault,
    floods,
    pauses,
    running,
    stops_short,
    vanishes,
    waits,
)
from tests.waiting import until
from wva.fleet.errors import UserError
from wva.gateway.server import Gateway
from wva.gateway.settings import Queue, ServedModel


async def test_the_official_client_gets_whole_answers_and_streams() -> None:
    async with running() as server, gateway_of() as rig:
        rig.place(server)
        whole = await rig.openai.completions.create(model="m", prompt="hi")
        assert whole.choices[0].text == "one two three"
        stream = await rig.openai.completions.create(model="m", prompt="hi", stream=True)
        assert [chunk.choices[0].text async for chunk in stream] == ["one", "two", "three"]
        messages: Any = [{"role": "user", "content": "hi"}]
        chat = await rig.openai.chat.completions.create(model="m", messages=messages, stream=True)
        assert [chunk.choices[0].delta.content async for chunk in chat] == ["one", "two", "three"]
        assert server.paths == ["/v1/completions", "/v1/completions", "/v1/chat/completions"]


async def test_a_stream_comes_piece_by_piece() -> None:
    async with running(pauses) as server, gateway_of() as rig:
        rig.place(server)
        stream = await rig.openai.completions.create(model="m", prompt="hi", stream=True)
        first = await anext(aiter(stream))
        # The server has not sent more than that, and does not before its gate opens.
        assert first.choices[0].text == "one"
        server.gate.set()
        assert [chunk.choices[0].text async for chunk in stream] == ["two", "three"]


@pytest.mark.parametrize("begun", [True, False])
async def test_a_client_that_leaves_ends_the_request_at_the_replica(begun: bool) -> None:
    async with running(pauses if begun else waits) as server, gateway_of() as rig:
        rig.place(server)
        if begun:
            stream = await rig.openai.completions.create(model="m", prompt="hi", stream=True)
            await anext(aiter(stream))
            await stream.close()
        else:
            task = rig.task()
            await until(lambda: server.at_once == 1)
            task.cancel()
        await until(lambda: server.cancelled == 1)
        await until(lambda: rig.gateway.in_flight(server.url) == 0)
        assert await rig.metric("wva_gateway_outcomes_total", outcome="cancelled") == 1
        assert await rig.metric("inference_objective_running_requests") == 0
        assert await rig.metric("inference_objective_request_error_total") == 0


async def test_many_clients_that_vanish_leave_nothing() -> None:
    async with running(waits) as server, gateway_of(hold_above=5, queue=Queue.GATEWAY) as rig:
        rig.place(server)
        tasks = [rig.task() for _ in range(30)]
        await until(lambda: server.at_once == 5 and rig.gateway.queued("m") == 25)
        for task in tasks:
            task.cancel()
        await until(lambda: rig.gateway.queued("m") == 0 and rig.gateway.in_flight(server.url) == 0)
        await until(lambda: server.at_once == 0)
        assert await rig.metric("inference_extension_flow_control_queue_bytes") == 0
        assert await rig.metric("wva_gateway_outcomes_total", outcome="cancelled") == 30


async def test_a_client_that_reads_slowly_slows_its_replica_and_nobody_else() -> None:
    async with running(floods) as server, running() as other, gateway_of(ServedModel("m"), ServedModel("n")) as rig:
        rig.place(server)
        rig.place(other, model="n")
        slow = await rig.http.post(rig.url + "/v1/completions", json={"model": "m", "stream": True})
        await until(lambda: server.sent > 0)
        sent = 0
        while sent < server.sent:
            sent = server.sent
            assert (await rig.post(model="n"))[0] == 200
            await asyncio.sleep(0.1)
        # No more than the buffers of the sockets on the way hold.
        assert sent < FLOOD // 2
        assert len(await slow.read()) == FLOOD + len(b"data: [DONE]\n\n")
        await until(lambda: rig.gateway.in_flight(server.url) == 0)


async def test_headers_pass_but_for_those_between_neighbours() -> None:
    async with running() as server, gateway_of() as rig:
        rig.place(server)
        asked = {"Authorization": "Bearer key", "X-Mine": "größer", "Accept-Encoding": "gzip", "TE": "trailers"}
        async with rig.http.post(rig.url + "/v1/completions", json={"model": "m"}, headers=asked) as got:
            assert got.status == 200
            assert "Transfer-Encoding" not in got.headers
        seen = server.headers[0]
        assert (seen["Authorization"], seen["X-Mine"]) == ("Bearer key", "größer")
        assert seen["Host"] == server.url.removeprefix("http://")
        assert not {"Accept-Encoding", "TE"} & set(seen)


async def test_a_compressed_body_reaches_the_replica_plain() -> None:
    body = gzip.compress(b'{"model": "m", "prompt": "hi"}')
    async with running() as server, gateway_of() as rig:
        rig.place(server)
        headers = {"Content-Encoding": "gzip"}
        async with rig.http.post(rig.url + "/v1/completions", data=body, headers=headers) as got:
            assert got.status == 200
        assert server.prompts == ["hi"]
        assert "Content-Encoding" not in server.headers[0]


async def test_a_client_of_http_1_0_gets_a_stream_that_ends_with_the_connection() -> None:
    body = b'{"model": "m", "stream": true}'
    async with running() as server, gateway_of() as rig:
        rig.place(server)
        reader, writer = await asyncio.open_connection("127.0.0.1", int(rig.url.rpartition(":")[2]))
        writer.write(b"POST /v1/completions HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        head, _, got = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        assert b"chunked" not in head
        assert got == b"".join(map(event, server.words)) + b"data: [DONE]\n\n"


@pytest.mark.parametrize("behaviour", [breaks, stops_short])
async def test_a_stream_that_breaks_off_is_an_error_and_no_end(behaviour: Any) -> None:
    async with running(behaviour) as server, gateway_of() as rig:
        rig.place(server)
        stream = await rig.openai.completions.create(model="m", prompt="hi", stream=True)
        chunks = aiter(stream)
        assert (await anext(chunks)).choices[0].text == "one"
        with pytest.raises(APIError, match="broke off"):
            await anext(chunks)
        assert len(server.prompts) == 1
        assert await rig.metric("wva_gateway_outcomes_total", outcome="broken") == 1
        assert await rig.metric("inference_objective_request_error_total", error_code="ModelServerError") == 1


async def test_a_stream_that_hangs_is_broken_off() -> None:
    async with running(pauses) as server, gateway_of(stall_timeout=0.1) as rig:
        rig.place(server)
        stream = await rig.openai.completions.create(model="m", prompt="hi", stream=True)
        with pytest.raises(APIError, match="broke off"):
            [chunk async for chunk in stream]
        await until(lambda: server.cancelled == 1)


async def test_without_a_first_token_in_time_a_stream_fails() -> None:
    async with running(waits) as server, gateway_of(first_token_timeout=0.1) as rig:
        rig.place(server)
        status, answer = await rig.post(stream=True)
        assert (status, answer["error"]["code"]) == (504, "first_token_timeout")
        await until(lambda: server.cancelled == 1)
        # A whole answer shows no first token, so it may take longer.
        task = rig.task()
        await asyncio.sleep(0.2)
        server.gate.set()
        assert (await task)[0] == 200


async def test_the_total_timeout_ends_answers_that_have_begun_and_others() -> None:
    async with running(pauses) as server, gateway_of(total_timeout=0.2) as rig:
        rig.place(server)
        stream = await rig.openai.completions.create(model="m", prompt="hi", stream=True)
        with pytest.raises(APIError, match="took too long"):
            [chunk async for chunk in stream]
    async with running(waits) as server, gateway_of(total_timeout=0.1) as rig:
        rig.place(server)
        assert (await rig.post())[0] == 504
        assert await rig.metric("wva_gateway_outcomes_total", outcome="total_timeout") == 1


async def test_a_replica_that_dies_before_it_answers_is_an_error_and_not_tried_again() -> None:
    async with running(vanishes) as dying, running() as other, gateway_of() as rig:
        rig.place(dying, other)
        with pytest.raises(InternalServerError, match="before it answered"):
            await rig.openai.completions.create(model="m", prompt="hi")
        assert (len(dying.prompts), len(other.prompts)) == (1, 0)


async def test_what_the_replica_finds_wrong_is_handed_on() -> None:
    async with running(finds_fault) as server, gateway_of() as rig:
        rig.place(server)
        with pytest.raises(BadRequestError, match="prompt is too long"):
            await rig.openai.completions.create(model="m", prompt="hi")
        assert await rig.metric("wva_gateway_outcomes_total", outcome="rejected") == 1


async def test_an_unknown_model_is_not_found() -> None:
    async with gateway_of() as rig:
        with pytest.raises(NotFoundError) as caught:
            await rig.openai.completions.create(model="gpt-9", prompt="hi")
        assert caught.value.code == "model_not_found"
        assert caught.value.type == "invalid_request_error"
        assert await rig.metric("inference_objective_request_total") == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"model": "m", "prompt"', "invalid_json"),
        (b"", "invalid_json"),
        (b"\xff\xfe", "invalid_json"),
        (b"[1, 2]", "invalid_json"),
        (b'{"prompt": "hi"}', "missing_model"),
        (b'{"model": 7}', "missing_model"),
    ],
)
async def test_what_is_no_request_is_refused(body: bytes, code: str) -> None:
    async with gateway_of() as rig, rig.http.post(rig.url + "/v1/completions", data=body) as got:
        assert got.status == 400
        error = (await got.json())["error"]
        assert (error["code"], error["type"]) == (code, "invalid_request_error")


async def test_a_prompt_of_ten_megabytes_arrives_whole() -> None:
    prompt = "word " * 2_000_000
    async with running() as server, gateway_of() as rig:
        rig.place(server)
        assert (await rig.post(prompt=prompt))[0] == 200
        assert server.prompts == [prompt]


@pytest.mark.parametrize("known_length", [True, False])
async def test_a_body_above_the_limit_is_refused(known_length: bool) -> None:
    body = json.dumps({"model": "m", "prompt": "x" * 2000}).encode()

    async def pieces() -> Any:
        yield body

    async with gateway_of(max_body_bytes=1000) as rig:
        data: Any = body if known_length else pieces()
        async with rig.http.post(rig.url + "/v1/completions", data=data) as got:
            assert got.status == 413
            assert (await got.json())["error"]["code"] == "body_too_large"


async def test_other_paths_that_name_a_model_pass_through() -> None:
    async with running(answers) as server, gateway_of() as rig:
        rig.place(server)
        assert (await rig.post("/v1/embeddings?x=1", input="hi"))[0] == 200
        assert server.paths == ["/v1/embeddings"]
        assert (await rig.post("/v2/completions"))[0] == 404
        async with rig.http.delete(rig.url + "/v1/completions") as got:
            assert got.status == 405
            assert (await got.json())["error"]["code"] == "method_not_allowed"


async def test_all_models_are_listed_whether_or_not_they_have_replicas() -> None:
    async with gateway_of(ServedModel("org/a"), ServedModel("b")) as rig:
        assert [model.id async for model in rig.openai.models.list()] == ["org/a", "b"]
        assert (await rig.openai.models.retrieve("org/a")).id == "org/a"
        with pytest.raises(NotFoundError):
            await rig.openai.models.retrieve("c")
        async with rig.http.get(rig.url + "/health") as got:
            assert got.status == 200


async def test_a_port_that_is_taken_is_said_in_one_line() -> None:
    async with gateway_of() as rig:
        port = int(rig.url.rpartition(":")[2])
        with pytest.raises(UserError, match=f"gateway: 127.0.0.1:{port} is taken; choose another"):
            await Gateway([ServedModel("m")]).start("127.0.0.1", port)
