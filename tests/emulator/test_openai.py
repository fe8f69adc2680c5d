"""The official client against the emulator."""

import asyncio

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from tests.emulator.servers import MODEL, client, http, serving, value

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello there, how are you?"}]
IGNORE_EOS = {"ignore_eos": True}


async def test_a_completion_has_as_many_tokens_as_asked() -> None:
    async with serving() as server, client(server) as api:
        answer = await api.completions.create(
            model=MODEL, prompt=[1] * 50, max_tokens=20, extra_body=IGNORE_EOS, extra_headers={"x-request-id": "abc"}
        )
        assert answer.id == "cmpl-abc"
        assert answer.model == MODEL
        assert answer.choices[0].finish_reason == "length"
        assert len(answer.choices[0].text) == 80
        assert answer.usage is not None
        assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (50, 20)
        assert answer.usage.total_tokens == 70


async def test_a_chat_completion_ends_by_itself() -> None:
    async with serving(answer_tokens=5.0) as server, client(server) as api:
        answer = await api.chat.completions.create(model=MODEL, messages=HELLO)
        choice = answer.choices[0]
        assert choice.message.role == "assistant"
        assert choice.finish_reason == "stop"
        assert answer.usage is not None
        # The token that ends an answer has no text.
        assert len(choice.message.content or "") == 4 * (answer.usage.completion_tokens - 1)


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
async def test_a_chat_stream_says_role_text_reason_and_usage(name: str) -> None:
    async with serving() as server, client(server) as api:
        stream = await api.chat.completions.create(
            model=MODEL,
            messages=HELLO,
            stream=True,
            stream_options={"include_usage": True},
            extra_body={**IGNORE_EOS, name: 12},
        )
        chunks = [chunk async for chunk in stream]
        *told, usage = chunks
        assert told[0].choices[0].delta.role == "assistant"
        assert len("".join(chunk.choices[0].delta.content or "" for chunk in told)) == 48
        reasons = [chunk.choices[0].finish_reason for chunk in told]
        assert reasons == [None] * (len(told) - 1) + ["length"]
        assert usage.choices == []
        assert usage.usage is not None
        assert usage.usage.completion_tokens == 12


async def test_streaming_and_not_say_the_same() -> None:
    async with serving() as server, client(server) as api:
        for seed in (None, 7):
            whole = await api.completions.create(model=MODEL, prompt="Once upon", max_tokens=30, seed=seed)
            stream = await api.completions.create(
                model=MODEL, prompt="Once upon", max_tokens=30, seed=seed, stream=True
            )
            assert "".join([chunk.choices[0].text async for chunk in stream]) == whole.choices[0].text


async def test_several_prompts_and_several_answers_to_each() -> None:
    async with serving() as server, client(server) as api, http(server) as session:
        answer = await api.completions.create(
            model=MODEL, prompt=["first", "second"], n=3, max_tokens=4, extra_body=IGNORE_EOS
        )
        assert [choice.index for choice in answer.choices] == list(range(6))
        assert len({choice.text for choice in answer.choices}) == 6
        assert answer.usage is not None
        assert answer.usage.completion_tokens == 24
        assert await value(session, "request_success_total", finished_reason="length") == 6
        assert await value(session, "request_params_n_count") == 2
        assert await value(session, "request_params_n_sum") == 6
        stream = await api.completions.create(
            model=MODEL, prompt="first", n=2, max_tokens=4, stream=True, extra_body=IGNORE_EOS
        )
        texts = ["", ""]
        async for chunk in stream:
            texts[chunk.choices[0].index] += chunk.choices[0].text
        assert texts == [choice.text for choice in answer.choices[:2]]


async def test_a_stop_string_ends_the_answer_before_it() -> None:
    async with serving() as server, client(server) as api:
        plain = await api.completions.create(model=MODEL, prompt="x", max_tokens=40, extra_body=IGNORE_EOS)
        text = plain.choices[0].text
        stop = text[50:57]
        cut = await api.completions.create(
            model=MODEL, prompt="x", max_tokens=40, stop=["never said", stop], extra_body=IGNORE_EOS
        )
        assert cut.choices[0].text == text[: text.index(stop)]
        assert cut.choices[0].finish_reason == "stop"
        assert cut.choices[0].model_extra is not None
        assert cut.choices[0].model_extra["stop_reason"] == stop
        assert cut.usage is not None
        # The token with the stop string's last letter is produced, though not shown.
        assert cut.usage.completion_tokens == -(-(text.index(stop) + len(stop)) // 4)


async def test_a_client_that_leaves_aborts_its_request() -> None:
    async with serving() as server, client(server) as api, http(server) as session:
        stream = await api.completions.create(
            model=MODEL, prompt="x", max_tokens=100_000, stream=True, extra_body=IGNORE_EOS
        )
        async for _ in stream:
            break
        assert await value(session, "num_requests_running") == 1
        await stream.close()
        whole = asyncio.create_task(
            api.completions.create(model=MODEL, prompt="x", max_tokens=100_000, extra_body=IGNORE_EOS)
        )
        await asyncio.sleep(0.05)
        whole.cancel()
        for _ in range(200):
            if await value(session, "num_requests_running") == 0 and not server.core.under_way:
                break
            await asyncio.sleep(0.02)
        assert await value(session, "num_requests_running") == 0
        assert await value(session, "kv_cache_usage_perc") == 0
        # vLLM counts a request whose client has left as far as it got, and nowhere as one that has ended.
        assert await value(session, "time_to_first_token_seconds_count") == 2
        assert await value(session, "prompt_tokens_total") == 2
        assert await value(session, "request_success_total", finished_reason="abort") == 0
        assert await value(session, "e2e_request_latency_seconds_count") == 0
        assert await value(session, "request_prompt_tokens_count") == 0
        assert await value(session, "request_generation_tokens_count") == 0
        assert await value(session, "request_params_n_count") == 0


async def test_mistakes_are_told_in_vllms_shape() -> None:
    async with serving(max_model_len=1000) as server, client(server) as api:
        with pytest.raises(openai.NotFoundError) as unknown:
            await api.completions.create(model="nope", prompt="x")
        assert unknown.value.body == {
            "message": "The model `nope` does not exist.",
            "type": "NotFoundError",
            "param": "model",
            "code": 404,
        }
        for prompt, most in (([1] * 1001, 1), ([1] * 900, 101), ("x" * 10_000_000, 1)):
            with pytest.raises(openai.BadRequestError, match="maximum context length is 1000 tokens"):
                await api.completions.create(model=MODEL, prompt=prompt, max_tokens=most)
        with pytest.raises(openai.BadRequestError, match="out of vocabulary"):
            await api.completions.create(model=MODEL, prompt=[200_000])
        with pytest.raises(openai.BadRequestError, match="not emulated"):
            await api.completions.create(model=MODEL, prompt="x", echo=True)
        with pytest.raises(openai.BadRequestError, match="max_tokens"):
            await api.completions.create(model=MODEL, prompt="x", max_tokens=0)


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"prompt": 1}', b"{}", b'{"prompt": []}', b'{"prompt": ""}', b"\xff"])
async def test_a_body_that_is_no_request_is_a_client_error(body: bytes) -> None:
    async with serving() as server, http(server) as session:
        for path in ("/v1/completions", "/v1/chat/completions", "/tokenize"):
            async with session.post(path, data=body) as answer:
                if path == "/tokenize" and body == b'{"prompt": ""}':
                    assert answer.status == 200
                    continue
                assert answer.status == 400
                error = (await answer.json())["error"]
                assert error["type"] == "BadRequestError"
                assert error["code"] == 400
                assert error["message"]


async def test_admission_limits_answer_503() -> None:
    async with serving(max_num_queued_reqs=2) as server, client(server) as api, http(server) as session:
        stream = await api.completions.create(
            model=MODEL, prompt="x", n=2, max_tokens=100_000, stream=True, extra_body=IGNORE_EOS
        )
        with pytest.raises(openai.InternalServerError) as refused:
            await api.completions.create(model=MODEL, prompt="y")
        assert refused.value.status_code == 503
        assert await value(session, "admission_rejections_total", reason="max_num_queued_reqs") == 1
        await stream.close()
    async with serving(max_num_queued_tokens=100, speed=0.1) as server, client(server) as api, http(server) as session:
        first = asyncio.create_task(api.completions.create(model=MODEL, prompt=[1] * 5000, max_tokens=1))
        await asyncio.sleep(0.2)
        with pytest.raises(openai.InternalServerError):
            await api.completions.create(model=MODEL, prompt="y", max_tokens=1)
        assert await value(session, "admission_rejections_total", reason="max_num_queued_tokens") == 1
        await first


async def test_the_same_beginning_is_found_in_the_prefix_cache() -> None:
    async with serving(prompt_tokens_details=True) as server, client(server) as api, http(server) as session:
        cached = []
        for ending in ("one", "two"):
            prompt = "The same long beginning of both. " * 20 + ending
            answer = await api.completions.create(model=MODEL, prompt=prompt, max_tokens=1)
            assert answer.usage is not None
            assert answer.usage.prompt_tokens_details is not None
            cached.append(answer.usage.prompt_tokens_details.cached_tokens)
        # 660 common bytes are 165 tokens: ten whole blocks of 16.
        assert cached == [0, 160]
        assert await value(session, "prefix_cache_hits_total") == 160
        assert await value(session, "prompt_tokens_by_source_total", source="local_cache_hit") == 160
        assert await value(session, "prompt_tokens_cached_by_source_total", source="device") == 160
        assert await value(session, "request_prefill_kv_computed_tokens_sum") == 166 + 166 - 160


async def test_the_other_endpoints() -> None:
    async with serving(served_model_names=("small", "alias"), track_load=True) as server, http(server) as session:

        async def get(path: str) -> tuple[int, str]:
            async with session.get(path) as answer:
                return answer.status, await answer.text()

        assert await get("/health") == (200, "")
        assert (await get("/version"))[1] == '{"version":"0.32.0"}'
        assert (await get("/nowhere"))[0] == 404
        api = client(server)
        cards = [card async for card in api.models.list()]
        assert [card.id for card in cards] == ["small", "alias"]
        assert cards[0].model_extra is not None
        assert cards[0].model_extra["max_model_len"] == 131072
        async with session.post("/tokenize", json={"prompt": "nine char"}) as answer:
            tokens = await answer.json()
        assert tokens["count"] == len(tokens["tokens"]) == 3
        by_text = await api.completions.create(model="alias", prompt="nine char", max_tokens=5)
        by_ids = await api.completions.create(model="small", prompt=tokens["tokens"], max_tokens=5)
        assert by_text.choices == by_ids.choices
        assert by_text.model == "small"
        assert await get("/load") == (200, '{"server_load":0}')
        stream = await api.completions.create(
            model="small", prompt="x", max_tokens=100_000, stream=True, extra_body=IGNORE_EOS
        )
        assert await get("/load") == (200, '{"server_load":1}')
        await stream.close()
        await api.close()


async def test_continuous_usage() -> None:
    async with serving() as server, client(server) as api:
        stream = await api.completions.create(
            model=MODEL,
            prompt=[1, 2, 3],
            max_tokens=5,
            stream=True,
            extra_body={**IGNORE_EOS, "stream_options": {"include_usage": True, "continuous_usage_stats": True}},
        )
        told = [chunk.usage.completion_tokens async for chunk in stream if chunk.usage is not None]
        assert told == sorted(told)
        assert told[-2:] == [5, 5]
