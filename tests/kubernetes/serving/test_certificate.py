"""Certificates that rotate under a server that runs, and one that it makes for itself."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.control.virtual import VirtualClock
from tests.prometheus.servers import certificate
from wva.fleet.errors import UserError
from wva.kubernetes.serving.certificate import LOOK_EVERY_S, PART, CertificateFiles, keep_renewed, self_signed
from wva.kubernetes.serving.listen import listening
from wva.kubernetes.settings_values import Address
from wva.record.problems import Problems


@asynccontextmanager
async def server(tls: ssl.SSLContext) -> AsyncIterator[str]:
    async with listening(web.Application(), Address("127.0.0.1", 0), "test", tls) as port:
        yield f"https://127.0.0.1:{port}/"


async def serves(url: str, trusted: Path) -> bool:
    """Whether a new connection gets a certificate that this one vouches for."""
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=trusted))
    async with aiohttp.ClientSession(connector=connector) as session:
        try:
            await session.get(url)
        except aiohttp.ClientConnectorCertificateError:
            return False
    return True


async def test_new_files_are_served_and_bad_ones_are_not(tmp_path: Path) -> None:
    first, second = certificate(tmp_path, "first"), certificate(tmp_path, "second")
    place = tmp_path / "tls.crt", tmp_path / "tls.key"
    for source, target in zip(first, place, strict=True):
        target.symlink_to(source)
    files = CertificateFiles(*place)
    async with server(files.context) as url:
        assert await serves(url, first[0])
        place[0].unlink()
        assert "No such file" in (files.renew() or "")
        place[0].symlink_to(second[0])
        said = files.renew() or ""
        assert str(place[0]) in said, "the key is not the certificate's yet"
        assert await serves(url, first[0])
        place[1].unlink()
        place[1].symlink_to(second[1])
        assert files.renew() is None
        assert await serves(url, second[0])
        assert not await serves(url, first[0])


async def test_files_are_looked_at_again_and_again(tmp_path: Path) -> None:
    files = CertificateFiles(*certificate(tmp_path, "first"))
    clock, problems = VirtualClock(), Problems()
    task = asyncio.create_task(keep_renewed(files, clock, problems))
    await clock.advance(LOOK_EVERY_S)
    assert not problems.now
    (tmp_path / "first.crt").write_text("nonsense")
    await clock.advance(LOOK_EVERY_S)
    assert "the ones read before are used on" in problems.now[PART]
    certificate(tmp_path, "first")
    await clock.advance(LOOK_EVERY_S)
    assert not problems.now
    task.cancel()


def test_files_that_cannot_be_used_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="METRICS_CERT_PATH"):
        CertificateFiles(tmp_path / "tls.crt", tmp_path / "tls.key")


async def test_one_of_its_own() -> None:
    async with server(self_signed("wva-0")) as url, aiohttp.ClientSession() as session:
        async with session.get(url, ssl=False) as answer:
            assert answer.status == 404
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(url)


def test_without_the_program_that_makes_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"openssl.*METRICS_SECURE=false"):
        self_signed("wva-0")
