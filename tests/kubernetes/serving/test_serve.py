"""Probes and metrics over HTTP, as the settings want them."""

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from kubernetes_asyncio.client.configuration import Configuration
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import choose_encoder

from tests.control.virtual import VirtualClock
from tests.kubernetes.accounts import service_account
from tests.kubernetes.serving.test_access import READ, REVIEW
from tests.prometheus.servers import certificate
from wva.fleet.errors import UserError
from wva.kubernetes.api.client import Api, configuration
from wva.kubernetes.serving.health import Vitals
from wva.kubernetes.serving.serve import Ports, served
from wva.kubernetes.settings import Settings
from wva.kubernetes.settings_source import parse_settings
from wva.record.problems import Problems

HERE = {"METRICS_BIND_ADDRESS": "127.0.0.1:0", "HEALTH_PROBE_BIND_ADDRESS": "127.0.0.1:0"}


class Controller:
    """What is served of it."""

    def __init__(self) -> None:
        self.vitals = Vitals()
        self.clock = VirtualClock()
        self.registry = CollectorRegistry()
        Gauge("wva_paused", "Paused.", registry=self.registry).set(1)
        Counter("wva_errors", "Errors.", ["component"], registry=self.registry).labels("policy").inc()

    @asynccontextmanager
    async def served(self, api: Api, **given: str) -> AsyncIterator[tuple[Ports, aiohttp.ClientSession]]:
        async with (
            served(settings(**given), lambda: self.vitals, self.registry, api, self.clock, Problems()) as ports,
            aiohttp.ClientSession() as session,
        ):
            yield ports, session


def settings(**given: str) -> Settings:
    return parse_settings({}, {**HERE, **given}).settings


@pytest.fixture
async def nobody() -> Api:
    """An API server that nobody has connected to."""
    return Api(Configuration(host="http://127.0.0.1:1"))


async def test_probes_follow_how_it_is(nobody: Api) -> None:
    controller = Controller()
    async with controller.served(nobody, METRICS_BIND_ADDRESS="0") as (ports, session):
        assert ports.metrics is None

        async def probe(path: str) -> tuple[int, str]:
            async with session.get(f"http://127.0.0.1:{ports.probes}/{path}") as answer:
                return answer.status, await answer.text()

        assert await probe("healthz") == (200, "ok\n")
        assert (await probe("readyz"))[0] == 503
        controller.vitals = Vitals(configured=True)
        assert await probe("readyz") == (200, "ok\n")
        controller.vitals = Vitals(configured=True, leading_since=0.0, not_seen=("pods",))
        controller.clock.now = 61.0
        status, line = await probe("healthz")
        assert (status, line.count("\n")) == (503, 1)
        assert await probe("readyz") == (503, "not seen: pods\n")


async def test_open_metrics(nobody: Api) -> None:
    controller = Controller()
    off = {"METRICS_SECURE": "false", "HEALTH_PROBE_BIND_ADDRESS": "0"}
    async with controller.served(nobody, **off) as (ports, session):
        assert ports.probes is None
        async with session.get(f"http://127.0.0.1:{ports.metrics}/metrics") as answer:
            assert answer.content_type == "text/plain"
            assert await answer.read() == generate_latest(controller.registry)
        packed = {"Accept-Encoding": "gzip", "Accept": "application/openmetrics-text"}
        async with aiohttp.ClientSession(auto_decompress=False) as raw:
            answer = await raw.get(f"http://127.0.0.1:{ports.metrics}/metrics", headers=packed)
            assert gzip.decompress(await answer.read()) == choose_encoder(packed["Accept"])[0](controller.registry)


async def test_metrics_for_those_who_may(api: Api, namespace: str, kubeconfig: Path, tmp_path: Path) -> None:
    own = await service_account(api, kubeconfig, tmp_path, namespace, "wva", [], REVIEW)
    reader = await service_account(api, kubeconfig, tmp_path, namespace, "prometheus", [], READ)
    async with (
        Api(await configuration(own.kubeconfig)) as reviewing,
        Controller().served(reviewing) as (ports, session),
    ):
        url = f"https://127.0.0.1:{ports.metrics}/metrics"
        async with session.get(url, ssl=False) as answer:
            assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        async with session.get(url, ssl=False, headers={"Authorization": f"Bearer {own.token}"}) as answer:
            assert answer.status == 403
            assert "wva-metrics-reader" in await answer.text()
        async with session.get(url, ssl=False, headers={"Authorization": f"Bearer {reader.token}"}) as answer:
            assert "wva_paused 1.0" in await answer.text()


async def test_without_an_api_server_nobody_is_let_in(tmp_path: Path, nobody: Api) -> None:
    certificate(tmp_path, "wva")
    names = {"METRICS_CERT_PATH": str(tmp_path), "METRICS_CERT_NAME": "wva.crt", "METRICS_CERT_KEY": "wva.key"}
    async with nobody, Controller().served(nobody, **names) as (ports, session):
        url = f"https://127.0.0.1:{ports.metrics}/metrics"
        async with session.get(url, ssl=False, headers={"Authorization": "Bearer t"}) as answer:
            assert answer.status == 503
            assert "not reached" in await answer.text()


async def test_an_address_that_is_taken_is_said(nobody: Api) -> None:
    controller = Controller()
    async with controller.served(nobody, METRICS_BIND_ADDRESS="0") as (ports, _):
        taken = f"127.0.0.1:{ports.probes}"
        with pytest.raises(UserError, match=rf"probes: cannot listen on {taken} \(Address already in use\)"):
            async with controller.served(nobody, METRICS_BIND_ADDRESS="0", HEALTH_PROBE_BIND_ADDRESS=taken):
                pass
