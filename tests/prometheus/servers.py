"""Real servers on loopback that show pages, and a real Prometheus that scrapes them."""

import asyncio
import contextlib
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web

from tests.waiting import free_port
from wva.local.command import Launch
from wva.local.process import Process

LOG_BYTES = 1 << 20

Page = Callable[[web.Request], Awaitable[web.StreamResponse]]


@contextlib.asynccontextmanager
async def serving(page: Page, path: str = "/metrics", tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server that answers with the page at a path; the base of its addresses."""
    app = web.Application()
    app.router.add_get(path, page)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        port = runner.addresses[0][1]
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


def showing(text: Callable[[], str] | str) -> Page:
    """A page of that text, made anew each time."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=text if isinstance(text, str) else text())

    return page


async def hanging(_: web.Request) -> web.Response:
    """A page that never comes."""
    await asyncio.sleep(60)
    return web.Response()


@contextlib.asynccontextmanager
async def prometheus(
    directory: Path, jobs: dict[str, list[str]], port: int | None = None, web_config: Path | None = None
) -> AsyncIterator[str]:
    """Debian's Prometheus, scraping these addresses five times a second; the base of its addresses."""
    configuration = {
        "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"},
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": [url.partition("//")[2] for url in urls]}]}
            for job, urls in jobs.items()
        ],
    }
    async with configured_prometheus(directory, configuration, port, web_config) as url:
        yield url


@contextlib.asynccontextmanager
async def configured_prometheus(
    directory: Path, configuration: dict[str, Any], port: int | None = None, web_config: Path | None = None
) -> AsyncIterator[str]:
    """Debian's Prometheus with that configuration; the base of its addresses."""
    port = port or free_port()
    directory.mkdir(exist_ok=True)
    (directory / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    command = (
        "prometheus",
        f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        *([f"--web.config.file={web_config}"] if web_config else []),
    )
    process = await Process.start(Launch(command, {}, None), directory / "log", LOG_BYTES)
    scheme = "https" if web_config else "http"
    try:
        url = f"{scheme}://127.0.0.1:{port}"
        await _ready(url)
        yield url
    finally:
        process.kill()
        await process.wait()


async def _ready(url: str) -> None:
    async with asyncio.timeout(30), aiohttp.ClientSession() as session:
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"{url}/-/ready", ssl=False) as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(0.05)


def certificate(directory: Path, name: str) -> tuple[Path, Path]:
    """A certificate made by itself for 127.0.0.1, and its key."""
    directory.mkdir(exist_ok=True)
    paths = directory / f"{name}.crt", directory / f"{name}.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-out", str(paths[0]), "-keyout", str(paths[1])]
    subprocess.run(command, check=True, capture_output=True)
    return paths
