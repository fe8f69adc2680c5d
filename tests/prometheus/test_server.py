"""A real Prometheus as the source, beside direct scrapes of the same servers; and servers that let nobody in.

What needs a real one is slow: five seconds pass before it scrapes its first target.
"""

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from tests.prometheus.pages import REAL_VLLM
from tests.prometheus.servers import certificate, hanging, prometheus, serving, showing
from tests.waiting import free_port
from wva.control.clock import SystemClock
from wva.fleet.errors import UserError
from wva.fleet.readings import Endpoint, Readings
from wva.prometheus.connection import Connection
from wva.prometheus.scraper import Scraper, ScraperSettings
from wva.prometheus.server import PROMETHEUS, JoinBy, Labels, PrometheusServer

STARTED = time.monotonic()
RATES = {
    "vllm:prompt_tokens_total": 4000.0,
    "vllm:generation_tokens_total": 900.0,
    "vllm:num_preemptions_total": 2.0,
    "vllm:request_prompt_tokens_sum": 3900.0,
    "vllm:request_generation_tokens_sum": 850.0,
    "vllm:request_generation_tokens_count": 10.0,
    "vllm:prefix_cache_hits_total": 1000.0,
    "vllm:prefix_cache_queries_total": 4000.0,
    "vllm:time_to_first_token_seconds_sum": 5.0,
    "vllm:time_to_first_token_seconds_count": 10.0,
    "vllm:inter_token_latency_seconds_sum": 18.0,
    "vllm:inter_token_latency_seconds_count": 900.0,
}
"""Growth of counters a second."""
MODEL = 'model_name="m",target_model_name="m"'
FOR_PEOPLE = {"preemptions_total", "preemptions_rate_5m", "ttft_mean_5m_s"}
"""What pages say and a Prometheus server is not asked for, because no policy decides by it."""


def engine_page() -> str:
    """An engine under an even load."""
    t = time.monotonic() - STARTED
    lines = [f'{name}{{engine="0",model_name="m"}} {rate * t}' for name, rate in RATES.items()]
    lines += ["vllm:num_requests_running 7", "vllm:num_requests_waiting 3", "vllm:kv_cache_usage_perc 0.5"]
    lines += ['vllm:cache_config_info{block_size="16",num_gpu_blocks="100"} 1', ""]
    return "\n".join(lines)


def gateway_page() -> str:
    """A gateway under an even load: of ten answers a second, six within 0.1 s, nine within 0.5 s."""
    t = time.monotonic() - STARTED
    lines = [f"inference_objective_request_total{{{MODEL},priority='{p}'}} {5 * t}".replace("'", '"') for p in (0, 1)]
    lines += [
        f"inference_objective_request_sizes_sum{{{MODEL}}} {16000 * t}",
        f"inference_objective_request_error_total{{{MODEL}}} {t}",
        'inference_objective_running_requests{model_name="m"} 12',
        f"inference_extension_flow_control_queue_size{{{MODEL}}} 4",
        f"inference_extension_flow_control_queue_bytes{{{MODEL}}} 6400",
    ]
    for name, bounds in (("ttft", (0.1, 0.5)), ("streaming_tpot", (0.02, 0.04))):
        for bound, share in zip((*bounds, "+Inf"), (6, 9, 10), strict=True):
            lines.append(f'llm_d_epp_request_{name}_seconds_bucket{{{MODEL},le="{bound}"}} {share * t}')
    return "\n".join([*lines, ""])


def endpoint(url: str, name: str = "i") -> Endpoint:
    return Endpoint(name, "m", "v", url)


async def until(source: PrometheusServer, wanted: Callable[[Readings], object], *endpoints: Endpoint) -> Readings:
    async with asyncio.timeout(30):
        while True:
            readings = await source.read(endpoints, ["m"])
            if wanted(readings):
                return readings
            await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_both_sources_say_the_same_of_every_value(tmp_path: Path) -> None:
    async with (
        serving(showing(engine_page)) as engine,
        serving(showing(gateway_page)) as gateway,
        # The engine is scraped by two jobs, as happens where two people set up monitoring.
        prometheus(tmp_path / "p", {"engines": [engine], "again": [engine], "gateway": [gateway]}) as url,
        PrometheusServer(Connection(url), SystemClock()) as server,
        Scraper(SystemClock(), gateway, ScraperSettings(interval_s=0.2)) as scraper,
    ):
        target = endpoint(engine)
        scraper.follow([target])
        await until(server, lambda seen: "m" in seen.traffic and "i" in seen.instances, target)
        # Long enough that a scrape that comes a little late counts for little.
        await asyncio.sleep(6.0)
        direct = await scraper.read([target], ["m"])
        directly = time.monotonic() - STARTED
        queried = await server.read([target], ["m"])
        later = time.monotonic() - STARTED
        assert not server.problems.now
        assert not scraper.problems.now
    for readings, now in ((direct, directly), (queried, later)):
        # What has grown evenly since the start tells when it was read.
        metrics, seen = readings.instances["i"].metrics, readings.traffic["m"]
        assert metrics is not None
        assert metrics.prompt_tokens_total == pytest.approx(4000 * (now - metrics.age_s), abs=4000 * 0.3)
        assert seen.arrivals_total == pytest.approx(10 * (now - seen.age_s), abs=10 * 0.3)
        assert metrics.age_s < 3.0
        assert readings.instances["i"].kv_capacity_tokens == 1600
    (one, other) = (asdict(readings.instances["i"].metrics) for readings in (direct, queried))  # type: ignore[arg-type]
    (flow, queried_flow) = (asdict(readings.traffic["m"]) for readings in (direct, queried))
    for left, right in ((one, other), (flow, queried_flow)):
        for name, value in left.items():
            if name.endswith("_total") or name == "age_s":
                continue
            assert value is not None, name
            if name in FOR_PEOPLE:
                assert right[name] is None
                continue
            assert right[name] == pytest.approx(value, rel=0.1), name
    assert (other["input_tokens_mean_5m"], other["inter_token_mean_5m_s"]) == pytest.approx((390, 0.02), rel=1e-6)
    assert (other["prefix_hit_rate_5m"], one["ttft_mean_5m_s"]) == pytest.approx((0.25, 0.5), rel=1e-6)
    # The ninth of ten answers is the last within half a second.
    assert (queried_flow["ttft_p90_1m_s"], queried_flow["tpot_p90_1m_s"]) == pytest.approx((0.5, 0.04), rel=1e-6)
    assert (queried_flow["arrival_rate_1m"], other["requests_finished_rate_5m"]) == pytest.approx((10, 10), rel=0.05)


@pytest.mark.slow
async def test_a_stopped_server_and_its_return(tmp_path: Path) -> None:
    port = free_port()
    async with serving(showing(engine_page)) as engine, serving(showing("x 1\n")) as other:
        target = endpoint(engine)
        connection = Connection(f"http://127.0.0.1:{port}", timeout_s=2.0)
        async with PrometheusServer(connection, SystemClock()) as server:
            assert await server.read([target], ["m"]) == Readings({}, {})
            (reason,) = server.problems.now.values()
            assert str(port) in reason
            await server.read([target], ["m"])
            assert server.problems.counts[PROMETHEUS] == 2
            async with prometheus(tmp_path / "p", {"engines": [engine, other]}, port):
                readings = await until(server, lambda seen: "i" in seen.instances, target)
                assert not server.problems.now
            first = readings.instances["i"].metrics
            await asyncio.sleep(0.2)
            aged = (await server.read([target], ["m"])).instances["i"].metrics
            assert first is not None
            assert aged is not None
            # It is as old as it is, also while nobody says anything new.
            assert aged.age_s > first.age_s
            assert replace(aged, age_s=first.age_s) == first
            assert server.problems.now
            async with prometheus(tmp_path / "p", {"engines": [engine, other]}, port):
                readings = await until(
                    server, lambda seen: (m := seen.instances["i"].metrics) and m.age_s < aged.age_s, target
                )
                assert not server.problems.now


@pytest.mark.slow
async def test_a_series_that_stopped_ages_and_nonsense_is_unknown_until_sense(tmp_path: Path) -> None:
    page = REAL_VLLM

    async def shown(_: web.Request) -> web.Response:
        return web.Response(text=page) if page else web.Response(status=500)

    async with (
        serving(shown) as engine,
        prometheus(tmp_path / "p", {"engines": [engine]}) as url,
        PrometheusServer(Connection(url), SystemClock()) as server,
    ):
        target = endpoint(engine)
        first = (await until(server, lambda seen: "i" in seen.instances, target)).instances["i"].metrics
        assert first is not None
        await asyncio.sleep(0.5)
        page = ""
        await asyncio.sleep(1.2)
        stale = (await server.read([target], [])).instances["i"].metrics
        assert stale is not None
        assert stale.age_s > 0.7
        assert stale.running == 4
        page = REAL_VLLM.replace("} 4.0", "} NaN")
        await until(server, lambda seen: seen.instances["i"].metrics is None, target)
        assert "num_requests_running is nan" in server.problems.now[PROMETHEUS]
        page = REAL_VLLM
        await until(server, lambda seen: seen.instances["i"].metrics is not None, target)


@pytest.mark.slow
async def test_tls_with_a_certificate_of_ones_own(tmp_path: Path) -> None:
    own, key = certificate(tmp_path / "own", "prometheus")
    client, client_key = certificate(tmp_path / "client", "wva")
    (tmp_path / "web.yml").write_text(
        yaml.safe_dump(
            {
                "tls_server_config": {
                    "cert_file": str(own),
                    "key_file": str(key),
                    "client_auth_type": "RequestClientCert",
                }
            }
        )
    )
    async with (
        serving(showing(engine_page)) as engine,
        prometheus(tmp_path / "p", {"engines": [engine]}, web_config=tmp_path / "web.yml") as url,
    ):
        target = endpoint(engine)
        trusting = Connection(url, ca_file=own, certificate_file=client, key_file=client_key)
        for connection in (trusting, Connection(url, insecure=True)):
            async with PrometheusServer(connection, SystemClock()) as server:
                await until(server, lambda seen: "i" in seen.instances, target)
        async with PrometheusServer(Connection(url), SystemClock()) as server:
            assert await server.read([target], []) == Readings({}, {})
            assert "certificate" in server.problems.now[PROMETHEUS]


async def test_only_a_client_with_its_certificate_is_let_in(tmp_path: Path) -> None:
    own, key = certificate(tmp_path, "server")
    client, client_key = certificate(tmp_path, "client")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=client)
    tls.load_cert_chain(own, key)
    tls.verify_mode = ssl.CERT_REQUIRED
    async with serving(api(), "/api/v1/query", tls) as url:
        known = Connection(url, ca_file=own, certificate_file=client, key_file=client_key)
        async with PrometheusServer(known, SystemClock()) as server:
            await server.read([], [])
            assert not server.problems.now
        async with PrometheusServer(Connection(url, ca_file=own), SystemClock()) as server:
            await server.read([], [])
            assert server.problems.now


def api(series: Callable[[str], list[Any]] = lambda _: []) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A server whose clock stands at 1000 s and whose answers are made of the query."""

    async def page(request: web.Request) -> web.Response:
        query = request.query["query"]
        result = [1000, "1000"] if query == "time()" else series(query)
        return web.json_response({"status": "success", "data": {"resultType": "matrix", "result": result}})

    return page


@contextlib.asynccontextmanager
async def reading(page: Any, **connection: Any) -> AsyncIterator[PrometheusServer]:
    labels = connection.pop("labels", None)
    async with (
        serving(page, "/api/v1/query") as url,
        PrometheusServer(Connection(url, **connection), SystemClock(), labels) as server,
    ):
        yield server


async def test_a_token_is_read_again_when_it_has_rotated(tmp_path: Path) -> None:
    token = tmp_path / "token"
    accepted = "first"

    async def page(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {accepted}":
            return web.json_response({"status": "error", "error": "who are you"}, status=401)
        return await api()(request)

    async with reading(page, token_file=token) as server:
        await server.read([], [])
        assert str(token) in server.problems.now[PROMETHEUS]
        token.write_text("first\n")
        await server.read([], [])
        assert not server.problems.now
        accepted = "second"
        await server.read([], [])
        assert server.problems.now[PROMETHEUS].endswith("HTTP 401: who are you")
        token.write_text("second\n")
        await server.read([], [])
        assert not server.problems.now


@pytest.mark.parametrize(
    "page",
    [
        showing("not json"),
        showing(""),
        hanging,
        api(lambda _: [{"metric": {}}]),
        api(lambda _: [{"metric": {"__name__": "x", "instance": "i"}, "values": [["a", "b"]]}]),
        api(lambda _: [None]),
        api(lambda _: "what"),  # type: ignore[arg-type, return-value]
        showing('{"status": "success"}'),
        showing("[]"),
    ],
)
async def test_whatever_a_server_answers_it_is_one_reason_and_no_error(page: Any) -> None:
    async with reading(page, timeout_s=0.5) as server:
        for _ in range(2):
            assert await server.read([endpoint("http://127.0.0.1:1")], ["m"]) == Readings({}, {})
        assert server.problems.counts == {PROMETHEUS: 2}
        assert "\n" not in server.problems.now[PROMETHEUS]


async def test_one_query_that_fails_makes_its_metric_unknown_and_no_other(caplog: pytest.LogCaptureFixture) -> None:
    async def page(request: web.Request) -> web.Response:
        query = request.query["query"]
        if "num_requests_waiting" in query:
            return web.json_response({"status": "error", "error": "too many samples"}, status=422)
        name = "vllm:num_requests_running"
        known = (
            [{"metric": {"__name__": name, "pod": "i", "job": "a"}, "values": [[995, "6"]]}] if name in query else []
        )
        return await api(lambda _: known)(request)

    async with reading(page, labels=Labels("pod", JoinBy.ID)) as server:
        for _ in range(3):
            metrics = (await server.read([endpoint("http://127.0.0.1:1")], [])).instances["i"].metrics
            assert metrics is not None
            assert (metrics.running, metrics.waiting) == (6, None)
            assert 5 <= metrics.age_s < 15
    assert [record.message for record in caplog.records if "too many samples" in record.message] != []
    assert len([record for record in caplog.records if "too many samples" in record.message]) == 1


async def test_one_query_for_each_metric_whatever_the_number_of_models_and_only_what_is_new() -> None:
    queries: list[str] = []

    def series(query: str) -> list[Any]:
        queries.append(query)
        return []

    async with reading(api(series), labels=Labels(selector='namespace="prod"')) as server:
        await server.read([], ["m"])
        first = list(queries)
        queries.clear()
        await server.read([endpoint("http://127.0.0.1:1", str(n)) for n in range(50)], [f"m{n}" for n in range(50)])
    assert len(queries) == len(first) == 21
    assert all('namespace="prod"' in query for query in queries)
    assert sum(query.endswith("[301s]") for query in first) == 20
    assert sum(query.endswith("[31s]") for query in queries) == 20


async def test_a_server_that_does_not_answer_in_time_is_asked_for_less() -> None:
    windows: set[str] = set()

    async def page(request: web.Request) -> web.StreamResponse:
        query = request.query["query"]
        windows.add(query.rpartition("}")[2])
        return await hanging(request) if query.endswith("[301s]") else await api()(request)

    async with reading(page, timeout_s=0.5) as server:
        await server.read([], [])
        assert server.problems.now[PROMETHEUS] == "no answer within 0.5 s"
        for window in ("[151s]", "[31s]"):
            windows.clear()
            await server.read([], [])
            assert not server.problems.now
            assert window in windows


async def test_a_scrape_that_is_stored_while_it_is_asked_for_waits_for_the_next_turn() -> None:
    stored = False

    def series(query: str) -> list[Any]:
        for name in ("vllm:num_requests_running", "vllm:num_requests_waiting"):
            if name in query:
                values = [[985, "2"], [999, "3"]] if stored or name.endswith("running") else [[985, "2"]]
                return [{"metric": {"__name__": name, "instance": "127.0.0.1:1"}, "values": values}]
        return []

    async with reading(api(series)) as server:
        target = endpoint("http://127.0.0.1:1")
        before = (await server.read([target], [])).instances["i"].metrics
        stored = True
        after = (await server.read([target], [])).instances["i"].metrics
    assert before is not None
    assert after is not None
    assert (before.running, before.waiting, after.running, after.waiting) == (2, 2, 3, 3)
    assert before.age_s >= 15


async def test_a_metric_that_an_engine_no_longer_has_is_unknown() -> None:
    def series(query: str) -> list[Any]:
        for name in ("vllm:num_requests_running", "vllm:num_requests_waiting"):
            if name in query:
                values = [[960, "2"], [980, "3"]] if name.endswith("running") else [[960, "2"]]
                return [{"metric": {"__name__": name, "instance": "127.0.0.1:1"}, "values": values}]
        return []

    async with reading(api(series)) as server:
        metrics = (await server.read([endpoint("http://127.0.0.1:1")], [])).instances["i"].metrics
    assert metrics is not None
    assert (metrics.running, metrics.waiting) == (3, None)


async def test_two_scrapes_of_one_instance_at_the_same_instant_are_not_added_up() -> None:
    def series(query: str) -> list[Any]:
        if "vllm:num_requests_running" not in query:
            return []
        metric = {"__name__": "vllm:num_requests_running", "instance": "127.0.0.1:1", "engine": "0"}
        scrapes = [{**metric, "job": job} for job in ("a", "b")]
        engines = [*scrapes, *({**scrape, "engine": "1"} for scrape in scrapes)]
        return [{"metric": one, "values": [[990, "2"], [995, "3"]]} for one in engines]

    async with reading(api(series)) as server:
        metrics = (await server.read([endpoint("http://127.0.0.1:1")], [])).instances["i"].metrics
    assert metrics is not None
    # Two engines, each scraped twice.
    assert metrics.running == 6


@pytest.mark.parametrize(
    "wrong",
    [
        Connection("prometheus:9090"),
        Connection("https://127.0.0.1:1", ca_file=Path("/missing.crt")),
        Connection("https://127.0.0.1:1", certificate_file=Path(__file__)),
    ],
)
def test_a_connection_that_cannot_be_is_an_error_of_one_line(wrong: Connection) -> None:
    with pytest.raises(UserError) as error:
        PrometheusServer(wrong, SystemClock())
    assert "\n" not in str(error.value)
